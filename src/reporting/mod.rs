//! Reports and progress, on threads that may hang over them.
//!
//! ```text
//! reporter ─┬▶ schedule                 what is due    deadstop-report
//!           └▶ report_writer
//!               ├▶ samples              whether hung tasks move
//!               ├▶ gather ─▶ stacks     threads and their stacks
//!               └▶ sinks                files, standard error, log
//! names of functions                                   deadstop-symbols
//! log, progress                                        deadstop-log
//! ```
//!
//! The coordinator notifies reporting by [events](Event); reporting calls nothing of the
//! coordinator's.
//!
//! `deadstop-report` writes the hang report shortly before the deadline. Names
//! and the log have threads of their own: a look-up allocates, a logger is the
//! user's code, and one that hangs must not cost the report.

mod consume;
mod event;
mod gather;
mod log;
mod logger;
mod patience;
mod progress;
mod report_writer;
mod reporter;
mod samples;
mod schedule;
#[cfg(feature = "health")]
mod served;
mod sinks;
mod stacks;
#[cfg(any(feature = "health", test))]
mod stalled;
#[cfg_attr(windows, path = "stderr_windows.rs")]
mod stderr;

pub(crate) use self::consume::Reporting;
pub(crate) use self::event::Event;
pub(crate) use self::log::Log;
pub(crate) use self::progress::Outlet;
pub use self::progress::Progress;
pub(crate) use self::reporter::{Reporter, wait_for_abandoned};
pub(crate) use self::schedule::due_at as report_due;
#[cfg(feature = "health")]
pub(crate) use self::served::{Document, SERVED, Served};
pub use self::sinks::Sinks;
pub(crate) use self::stacks::SymbolizerStart;
#[cfg(feature = "health")]
pub(crate) use self::stalled::{STALLED_STACKS, STALLED_TEXT};
