//! What the operator is told, by threads that may hang over it.
//!
//! ```text
//! reporter ──▶ facts (cause, census, stacks) ──▶ sinks    deadstop-report
//! names of functions                                       deadstop-names
//! log                                                      deadstop-log
//! ```
//!
//! `deadstop-report` writes the hang report shortly before the deadline. Names
//! and the log have threads of their own: a look-up allocates, a logger is the
//! user's code, and one that hangs must not cost the report.

mod cause;
mod log;
mod progress;
mod reporter;
mod round;
mod sinks;
mod stacks;
mod stderr;

use crate::kill_path::Roster;

pub(crate) use self::cause::in_words;
pub(crate) use self::log::Log;
pub(crate) use self::progress::Outlet;
pub use self::progress::Progress;
pub(crate) use self::reporter::{Reporter, ask};
pub use self::sinks::Sinks;

/// Who runs what. The coordinator and the tasks write it.
pub(crate) static ROSTER: Roster = Roster::empty();
