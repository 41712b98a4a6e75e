//! The hang report as data: one type for each object of its JSON.

mod heartbeat;
mod stack;
mod task;
#[cfg(test)]
mod tests;
mod thread;
mod wire;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::wire::{Format, VERSION, Version};

pub use self::heartbeat::{StallPolicy, StalledHeartbeat};
pub use self::stack::{FrameSource, StackFrame};
pub use self::task::{HungPhase, HungTask, PhaseState, PolledFuture, TaskKind, TaskState};
pub use self::thread::{HoldKind, HungThread, ThreadSamples, WaitsFor};

/// A hang report: the tasks that hang, their threads, and what the threads do.
///
/// The library writes it as one JSON object; see [`Sinks::json`](crate::report::Sinks::json).
/// This type can be read from that JSON, and written again, with any crate that supports
/// serde's data model.
///
/// Times are numbers of seconds, to the millisecond. Points in time count from the instant at
/// which the watchdog was armed. Unknown values are `null`, and so are unlimited lengths of
/// time. [`JSON_SCHEMA`](Self::JSON_SCHEMA) describes each key.
///
/// Later releases may add keys without a new version. A reader must skip unknown keys.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, TaskState};
///
/// # let json = include_str!("example.json");
/// let report: HangReport = serde_json::from_str(json)?;
/// let task = report.hung_tasks().next().unwrap();
/// assert_eq!(task.name, "flush the log");
/// assert_eq!(task.state, TaskState::Abandoned);
/// let thread = report.thread_of(task).unwrap();
/// assert_eq!(thread.doing, "writes to descriptor 7 (pipe)");
/// # Ok::<(), serde_json::Error>(())
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HangReport {
    format: Format,
    version: Version,
    /// The reason for the report.
    pub kind: ReportKind,
    /// The number of the report in its process, from 1 on; 0 if it was not written.
    #[serde(default)]
    pub number: u32,
    /// The process's id, in its own PID namespace.
    pub pid: u32,
    /// The cause of the shutdown, in words; `None` if it has not begun, or if the cause is not
    /// known.
    pub cause: Option<String>,
    /// The time of the report; `None` before the shutdown.
    #[serde(with = "wire::maybe_seconds")]
    pub now: Option<Duration>,
    /// The grace; `None` before the shutdown, and if it is unlimited.
    #[serde(with = "wire::maybe_seconds")]
    pub grace: Option<Duration>,
    /// The time from the report to the deadline; `None` if there is none.
    #[serde(with = "wire::maybe_seconds")]
    pub deadline_in: Option<Duration>,
    /// The status that the process ends with at the deadline; `None` if there is
    /// none.
    pub exit_status: Option<u8>,
    /// The names of the signals whose handler another library has replaced, or `None`. These
    /// signals may not begin the shutdown.
    #[serde(default)]
    pub replaced_signals: Option<String>,
    /// `false` if stacks or threads were left out because the report would have
    /// been too large.
    pub complete: bool,
    /// The phases that have begun, in order.
    pub phases: Vec<HungPhase>,
    /// The tasks, in this order: abandoned tasks, tasks that have not returned (the longest
    /// running first), tasks that have not begun, and tasks that have ended.
    pub tasks: Vec<HungTask>,
    /// The heartbeats that are stalled.
    #[serde(default)]
    pub stalls: Vec<StalledHeartbeat>,
    /// Threads, the most suspicious first.
    pub threads: Vec<HungThread>,
    /// Numbers of entries that the report does not list.
    pub unlisted: Unlisted,
    /// The `errno` if `/proc` could not be read. The report then knows nothing about threads.
    pub threads_refused: Option<u32>,
}

impl HangReport {
    /// The JSON Schema (draft 2020-12) of the format.
    pub const JSON_SCHEMA: &'static str = include_str!("schema.json");

    /// Version of the format that this library writes, and the latest that it
    /// reads.
    pub const VERSION: u32 = VERSION;

    /// Returns the listed tasks that have not returned, abandoned ones first.
    pub fn hung_tasks(&self) -> impl Iterator<Item = &HungTask> {
        self.tasks.iter().filter(|task| task.state.hangs())
    }

    /// Returns the number of tasks that have not returned, listed or not.
    pub fn hung(&self) -> u64 {
        self.unlisted.running + self.hung_tasks().count() as u64
    }

    /// Returns the first task of that name.
    pub fn task(&self, name: &str) -> Option<&HungTask> {
        self.tasks.iter().find(|task| task.name == name)
    }

    /// Returns the thread with that id.
    pub fn thread(&self, id: u32) -> Option<&HungThread> {
        self.threads.iter().find(|thread| thread.id == id)
    }

    /// Returns the thread that runs `task`, if it is known and listed.
    pub fn thread_of(&self, task: &HungTask) -> Option<&HungThread> {
        self.thread(task.thread?)
    }
}

/// The reason for a report.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum ReportKind {
    /// A task overran its budget, and the coordinator abandoned it.
    Abandoned,
    /// The deadline is near.
    Deadline,
    /// A heartbeat is late.
    Stall,
    /// The application or an operator requested it.
    Status,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Numbers of entries that a report does not list.
///
/// # Examples
///
/// ```
/// use deadstop::report::HangReport;
///
/// /// Whether the report lists each thread of the process.
/// fn has_all_threads(report: &HangReport) -> bool {
///     report.unlisted.threads == 0
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct Unlisted {
    /// Tasks that have not returned.
    pub running: u64,
    /// Tasks that have not begun.
    pub waiting: u64,
    /// Phases that have begun.
    pub phases: u64,
    /// Threads.
    pub threads: u64,
    /// Stalled heartbeats.
    #[serde(default)]
    pub stalls: u64,
}
