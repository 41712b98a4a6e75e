//! Phases and tasks of a hang report.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::wire;

/// A phase that has begun.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, PhaseState};
///
/// /// Returns the phase that ran when the report was written.
/// fn current(report: &HangReport) -> Option<&str> {
///     let running = |phase: &&deadstop::report::HungPhase| phase.state == PhaseState::Running;
///     report.phases.iter().find(running).map(|phase| phase.name.as_str())
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HungPhase {
    /// The phase's name.
    pub name: String,
    /// The state of the phase.
    pub state: PhaseState,
    /// The time at which it began.
    #[serde(with = "wire::seconds")]
    pub start: Duration,
    /// The time for which it has run.
    #[serde(with = "wire::seconds")]
    pub took: Duration,
    /// The longest time for which it may run; `None` if unlimited.
    #[serde(with = "wire::maybe_seconds")]
    pub budget: Option<Duration>,
}

/// The state of a phase.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum PhaseState {
    /// It has ended.
    Over,
    /// It has not ended.
    Running,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A task.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HungTask {
    /// The task's name, with the path of its scope.
    pub name: String,
    /// The kind of work that the task stands for. For a task that has not begun it is always
    /// [`TaskKind::Task`].
    #[serde(default)]
    pub kind: TaskKind,
    /// The phase's name.
    pub phase: String,
    /// The state of the task.
    pub state: TaskState,
    /// The source file in which it was registered.
    pub file: String,
    /// The line there.
    pub line: u32,
    /// The time at which it began; `None` if it has not.
    #[serde(with = "wire::maybe_seconds")]
    pub start: Option<Duration>,
    /// The time for which it has run; `None` if it has not begun.
    #[serde(with = "wire::maybe_seconds")]
    pub took: Option<Duration>,
    /// The longest time for which it may run; `None` if unlimited, or if it has not begun.
    #[serde(with = "wire::maybe_seconds")]
    pub budget: Option<Duration>,
    /// The last poll by a runtime, if it is a future that has not ended.
    #[serde(default)]
    pub future: Option<PolledFuture>,
    /// The id of the thread that runs it, if it has not returned.
    pub thread: Option<u32>,
    /// Its last progress text; empty if none.
    pub says: String,
}

/// The kind of work that a task stands for.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, TaskKind};
///
/// /// Names the gates that are not empty, and says how many entries each has.
/// fn gates(report: &HangReport) -> Vec<(&str, &str)> {
///     let gates = report.hung_tasks().filter(|task| task.kind == TaskKind::Gate);
///     gates.map(|task| (task.name.as_str(), task.says.as_str())).collect()
/// }
/// ```
#[derive(Clone, Copy, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskKind {
    /// A closure or a future of the application.
    #[default]
    Task,
    /// The end of a child process.
    Child,
    /// The work in flight of a gate.
    Gate,
    /// The jobs of a pool.
    Pool,
    /// The closing of a resource.
    Resource,
    /// A thread of the application for which the shutdown waits.
    Thread,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A task's future, which a runtime polls.
///
/// # Examples
///
/// ```
/// use deadstop::report::HangReport;
///
/// /// Names the tasks whose futures block the thread that polls them.
/// fn blocking(report: &HangReport) -> Vec<&str> {
///     let blocks = |future: &deadstop::report::PolledFuture| future.is_polled;
///     let tasks = report.tasks.iter();
///     let tasks = tasks.filter(|task| task.future.as_ref().is_some_and(blocks));
///     tasks.map(|task| task.name.as_str()).collect()
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct PolledFuture {
    /// The time since the last poll began; `None` if it was never polled.
    #[serde(with = "wire::maybe_seconds")]
    pub last_polled: Option<Duration>,
    /// The id of the thread that polled it.
    pub by: Option<u32>,
    /// `true` if that poll has not returned: the future blocks the thread.
    pub is_polled: bool,
}

/// The state of a task.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum TaskState {
    /// It overran its budget and has not returned.
    Abandoned,
    /// It returned without an error.
    Done,
    /// It returned an error, or panicked.
    Failed,
    /// It returned after it was abandoned.
    Late,
    /// It has not returned.
    Running,
    /// It has not begun.
    Waiting,
    /// A state that this version does not know.
    #[serde(other)]
    Unknown,
}

impl TaskState {
    /// Returns `true` if the task has begun and has not returned.
    pub fn hangs(self) -> bool {
        matches!(self, Self::Abandoned | Self::Running)
    }
}
