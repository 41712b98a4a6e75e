//! The hang report as data.

#[cfg(test)]
mod tests;
mod wire;

use std::time::Duration;

use serde::{Deserialize, Serialize};

use self::wire::{Format, VERSION, Version};

/// A hang report: which tasks hang, on which threads, doing what.
///
/// The library writes it as one JSON object; see
/// [`Sinks::json`](crate::report::Sinks::json). This type reads it back, and writes it
/// again, with any crate that speaks serde's data model.
///
/// Times are numbers of seconds, to the millisecond. Points in time count from
/// the instant at which the watchdog was armed. Values that are not known are
/// `null`, and so are lengths without end. [`JSON_SCHEMA`](Self::JSON_SCHEMA)
/// describes each key.
///
/// Later releases may add keys under the same version. A reader skips those that
/// it does not know.
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
    /// The deadline; `None` before the shutdown, and without end.
    #[serde(with = "wire::maybe_seconds")]
    pub grace: Option<Duration>,
    /// The time from the report to the deadline; `None` if there is none.
    #[serde(with = "wire::maybe_seconds")]
    pub deadline_in: Option<Duration>,
    /// The status that the process ends with at the deadline; `None` if there is
    /// none.
    pub exit_status: Option<u8>,
    /// The signals whose handler another library has replaced: they may not begin the
    /// shutdown. Their names, or `None`.
    #[serde(default)]
    pub replaced_signals: Option<String>,
    /// `false` if stacks or threads were left out because the report would have
    /// been too large.
    pub complete: bool,
    /// The phases that have begun, in order.
    pub phases: Vec<HungPhase>,
    /// First the tasks that have not returned, the culprits first: abandoned
    /// tasks, then those that run longest. Then tasks that have not begun, and
    /// tasks that have ended.
    pub tasks: Vec<HungTask>,
    /// The heartbeats that are stalled.
    #[serde(default)]
    pub stalls: Vec<StalledHeartbeat>,
    /// Threads, the most suspicious first.
    pub threads: Vec<HungThread>,
    /// Numbers of entries that the report does not list.
    pub unlisted: Unlisted,
    /// The `errno` of the failure to read `/proc`, if it cannot be read; then
    /// nothing is known of the threads.
    pub threads_refused: Option<u32>,
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
    /// A heartbeat is missing.
    Stall,
    /// The application or an operator asked.
    Status,
    /// A reason that this version does not know.
    #[serde(other)]
    Unknown,
}

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
    /// The longest time for which it may run; `None` if without end.
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
    /// The kind of work that it stands for; of one that has not begun, that is not known
    /// yet, and it is [`TaskKind::Task`].
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
    /// The longest time for which it may run; `None` if without end, or if it has not begun.
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
    /// A thread of the application that is waited for.
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
    /// `true` while that poll is not over: the future blocks the thread.
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

/// A heartbeat that is stalled.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, StalledHeartbeat};
///
/// /// Returns the heartbeat that has been silent for longest, and what its thread does.
/// fn most_stalled(report: &HangReport) -> Option<(&StalledHeartbeat, &str)> {
///     let stall = report.stalls.iter().max_by_key(|stall| stall.age)?;
///     let thread = report.thread(stall.thread?)?;
///     Some((stall, thread.doing.as_str()))
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StalledHeartbeat {
    /// The heartbeat's name. Several heartbeats may have the same one.
    pub name: String,
    /// The time since its last tick.
    #[serde(with = "wire::seconds")]
    pub age: Duration,
    /// The longest time that may pass between two ticks; `None` if without end.
    #[serde(with = "wire::maybe_seconds")]
    pub limit: Option<Duration>,
    /// The id of the thread that ticked last; `None` if it has none, as that of a runtime.
    pub thread: Option<u32>,
    /// The policy that the heartbeat was started with.
    pub policy: StallPolicy,
}

/// The policy for a stall, with which the heartbeat was started.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, StallPolicy};
///
/// /// Whether a stall ends the process.
/// fn ends_the_process(report: &HangReport) -> bool {
///     let mut stalls = report.stalls.iter();
///     stalls.any(|stall| stall.policy == StallPolicy::Shutdown)
/// }
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum StallPolicy {
    /// This report, and nothing else.
    Report,
    /// The heartbeat counts as not alive until it ticks.
    NotAlive,
    /// The shutdown begins.
    Shutdown,
    /// A policy that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A thread.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct HungThread {
    /// The kernel's id for it.
    pub id: u32,
    /// Its name, at most 15 bytes of it.
    pub name: String,
    /// The label that the application gave to it, by [`label`](crate::label()).
    #[serde(default)]
    pub label: Option<String>,
    /// Its state, as `ps` shows it; `?` if that is not known.
    pub state: char,
    /// The kernel function in which it waits; empty if it does not wait, or if
    /// that is not known.
    pub place: String,
    /// Its activity: `runs`, `reads from descriptor 5 (pipe)`, ...
    pub doing: String,
    /// Processor time since the thread began.
    #[serde(with = "wire::maybe_seconds")]
    pub cpu: Option<Duration>,
    /// Per cent of one processor while the report was made.
    pub busy: Option<u8>,
    /// The time for which it has used no processor time, if it was sampled.
    #[serde(with = "wire::maybe_seconds")]
    pub still_for: Option<Duration>,
    /// Samples of the thread, if it runs a task that hangs.
    #[serde(default)]
    pub samples: Option<ThreadSamples>,
    /// The thread or process that blocks it, if known.
    pub waits_for: Option<WaitsFor>,
    /// The ids of the other listed threads that wait for the same lock or condition.
    #[serde(default)]
    pub waits_with: Vec<u32>,
    /// Its stack, the innermost frame first; empty if it was not captured.
    pub stack: Vec<StackFrame>,
    /// Number of frames that the report does not list.
    pub frames_left_out: u64,
    /// The reason why its stack could not be captured, if it was asked for.
    pub no_stack: Option<String>,
}

/// Samples of a thread, which show whether it stands still, loops or makes progress.
///
/// # Examples
///
/// ```
/// use deadstop::report::ThreadSamples;
///
/// /// Whether a thread that runs is in a loop.
/// fn loops(samples: &ThreadSamples) -> bool {
///     samples.different_stacks < samples.stacks
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ThreadSamples {
    /// The number of samples of its processor time.
    pub taken: u32,
    /// The share of one processor that it used between the last of them, in per cent, the
    /// oldest first.
    pub shares: Vec<u8>,
    /// The number of stacks that were captured, one shortly after another; 0 if it did not
    /// run.
    pub stacks: u32,
    /// The number of different ones among them. If it is one, the thread is in a loop of one
    /// function; if it is less than all, in a loop; else it may make progress.
    pub different_stacks: u32,
}

/// The thread or process that blocks a thread.
///
/// # Examples
///
/// ```
/// use deadstop::report::{HangReport, HoldKind, WaitsFor};
///
/// /// Returns the threads that own a lock for which another waits.
/// fn owners(report: &HangReport) -> Vec<&WaitsFor> {
///     let waits = report.threads.iter().filter_map(|thread| thread.waits_for.as_ref());
///     waits.filter(|it| it.kind == HoldKind::LockOwner).collect()
/// }
/// ```
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct WaitsFor {
    /// The way in which it blocks the thread.
    pub kind: HoldKind,
    /// The id of the thread or process, or the number of the descriptor.
    pub id: u32,
    /// Its name; empty if that is not known.
    pub name: String,
    /// The number of other processes that have the same end of the pipe or socket open.
    #[serde(default)]
    pub others: u32,
}

/// The way in which a thread or process blocks another thread.
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum HoldKind {
    /// A thread that has the address of the lock on its stack, as no other has.
    /// This is evidence, not proof, that it holds the lock.
    LockOnStack,
    /// A thread that owns the lock.
    LockOwner,
    /// A thread in a system call on the other end of the pipe or local socket.
    OtherEnd,
    /// No other process that is known: this one has the other end of the pipe or local
    /// socket open itself, as the descriptor with that number.
    OwnDescriptor,
    /// A process: a child that is waited for, the holder of a file's lock, or the other
    /// end of a pipe or a local socket.
    Process,
    /// A thread that is joined.
    ThreadEnd,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}

/// A frame of a stack.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct StackFrame {
    /// The function's name, demangled; `None` if it is not known.
    pub function: Option<String>,
    /// The file name of the program or library that has the code; `None` if it
    /// is from no file.
    pub module: Option<String>,
    /// The place in that file, or without one the address.
    #[serde(with = "wire::hex")]
    pub offset: u64,
    /// The place in the source, as `file:line`; `None` if it is not known. The path is
    /// `crate-1.2.3/src/file.rs` for a dependency, `std/src/file.rs` for the standard
    /// library, and from the folder of the build for the application.
    pub site: Option<String>,
    /// The origin of the source; `None` if that is not known.
    #[serde(default)]
    pub source: Option<FrameSource>,
}

/// The origin of the source of a frame's code.
///
/// # Examples
///
/// ```
/// use deadstop::report::{FrameSource, HungThread, StackFrame};
///
/// /// Returns the innermost frame of the program's own code.
/// fn own(thread: &HungThread) -> Option<&StackFrame> {
///     let is_own = |frame: &&StackFrame| frame.source == Some(FrameSource::Application);
///     thread.stack.iter().find(is_own)
/// }
/// ```
#[derive(Clone, Copy, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum FrameSource {
    /// The program's own.
    Application,
    /// A crate from a registry or a repository.
    Dependency,
    /// The standard library's.
    Std,
    /// A source that this version does not know.
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

impl HangReport {
    /// The JSON Schema (draft 2020-12) of the format.
    pub const JSON_SCHEMA: &'static str = include_str!("schema.json");

    /// Version of the format that this library writes, and the latest that it
    /// reads.
    pub const VERSION: u32 = VERSION;

    /// Returns the listed tasks that have not returned, the culprits first.
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

impl TaskState {
    /// Returns `true` if the task has begun and has not returned.
    pub fn hangs(self) -> bool {
        matches!(self, Self::Abandoned | Self::Running)
    }
}

impl HungThread {
    /// Returns the known functions of its stack, the innermost first.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let functions = self.stack.iter().map(|frame| frame.function.as_deref());
        functions.flatten()
    }
}
