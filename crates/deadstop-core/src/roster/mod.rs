//! The roster: fixed tables that tasks write and the reporter reads. `tables` joins them,
//! `table` is one, `slot` is an entry in atomics, and `reading` is an entry as it was read.
//!
//! ```text
//! tables ─┬▶ table ─▶ slot ─▶ reading ─▶ task_status
//!         ├▶ phases       └─┬▶ task_kind
//!         └▶ labels         └▶ text ─▶ words
//! ```

mod labels;
mod phases;
mod reading;
mod slot;
mod table;
mod tables;
mod task_kind;
mod task_status;
mod text;
mod words;

pub use self::labels::Labels;
pub use self::phases::Phases;
pub(crate) use self::reading::{Polls, TaskBuffer, TaskReading};
pub use self::slot::{Entry, SlotRef};
pub use self::table::Table;
pub use self::tables::Roster;
pub use self::task_kind::TaskKind;
pub(crate) use self::task_status::TaskStatus;
pub use self::text::Text;
pub use self::words::words;
