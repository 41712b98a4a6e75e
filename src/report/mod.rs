//! Reports as data.
//!
//! The text of a report is for people. Programs read its JSON, which these types represent with
//! serde.

#[cfg(feature = "serde")]
mod hang;
mod outcome;
#[cfg(feature = "serde")]
mod serde_model;
mod shared_text;
mod shutdown;
mod site;
mod summary;
mod task_list;
mod task_report;
#[cfg(test)]
mod tests;
mod text;

#[cfg(feature = "serde")]
pub use self::hang::{
    FrameSource, HangReport, HoldKind, HungPhase, HungTask, HungThread, PhaseState, PolledFuture,
    ReportKind, StackFrame, StallPolicy, StalledHeartbeat, TaskKind, TaskState, ThreadSamples,
    Unlisted, WaitsFor,
};
pub use self::outcome::{Outcome, Skip};
pub(crate) use self::shared_text::SharedText;
pub use self::shutdown::{PhaseReport, ShutdownReport};
pub(crate) use self::site::Site;
pub use self::task_report::TaskReport;
pub(crate) use self::task_report::{Ending, Recorded, TaskRecord};
pub(crate) use self::text::Tenths;
pub use crate::reporting::{Progress, Sinks};
