//! The roster: fixed tables that tasks write and the reporter reads.
//!
//! ```text
//! slots ─┬▶ phases ─┬▶ text
//!        ├▶ labels ─┘
//!        └▶ task_kind
//! ```

mod labels;
mod phases;
mod slots;
mod task_kind;
mod text;

pub use self::labels::Labels;
pub(crate) use self::phases::Phase;
pub use self::phases::Phases;
pub use self::slots::{Entry, Roster, SlotRef, Table};
pub(crate) use self::slots::{Polls, Slot, TaskBuffer, TaskReading, TaskStatus};
pub use self::task_kind::TaskKind;
pub use self::text::Text;
