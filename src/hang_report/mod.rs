//! The hang report, read back.

mod display;
mod parse;
mod scan;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub use self::parse::ParseReportError;

/// What a hang report says, read back from its text.
///
/// For tools and tests: which task was stuck, on which thread, doing what.
/// [`parse`](Self::parse) reads what the library writes to standard error or to
/// a termination message, and `Display` writes it again as it was.
///
/// # Examples
///
/// ```
/// use deadstop::HangReport;
///
/// let stderr = "\
/// the program's own line
/// deadstop: deadline in 0.5 s: 1 task has not returned: \"flush the log\" (phase flush, 9.2 s)
/// deadstop: cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s
/// deadstop: task \"flush the log\" flush 9.2 s of 3.0 s, abandoned, src/main.rs:41, thread 4242 \"flush the log\" S futex_do_wait, waits for a lock, 0.0 s of CPU; says \"segment 12 of 40\"
/// deadstop: end of hang report 1
/// ";
/// let report = HangReport::parse(stderr)?;
/// assert_eq!(report.culprits[0].name, "flush the log");
/// let (task, thread) = (&report.tasks[0], report.tasks[0].thread().unwrap());
/// assert_eq!(task.phase, "flush");
/// assert_eq!(thread.details.as_ref().unwrap().doing, "waits for a lock");
/// # Ok::<(), deadstop::ParseReportError>(())
/// ```
///
/// # The text
///
/// Each line begins with `deadstop: `. The culprits come first, so that who shows
/// only the beginning shows them. Times are in seconds, to the nearest tenth.
/// Names, and what a task says, are in double quotes, with control characters,
/// quotes and backslashes escaped as in a Rust string; a word that could be
/// misread (it has a space, or a comma) is in quotes too.
///
/// | line | is |
/// | --- | --- |
/// | `deadline in ...`, `dump, ...` | the first: how much time is left, how many tasks have not returned, and the names of up to three |
/// | `cause: ...` | why the shutdown began, and when |
/// | `task NAME PHASE T of BUDGET, ...` | a task that has not returned: where it was registered, its thread, what it says |
/// | `task NAME PHASE waiting, ...` | one whose turn has not come |
/// | `task NAME PHASE at START, T of BUDGET, ...` | one that is over: `done`, `failed`, or `late` (after it was abandoned) |
/// | `thread ID NAME STATE WHERE, DOING, ...` | another thread: its state as `ps` has it, the kernel's function it waits in, what it is doing |
/// | `  #N FUNCTION (MODULE+OFFSET, SITE)` | a frame of the stack of the thread before it, the innermost first; `MODULE+OFFSET` alone if the function is not known |
/// | `phase NAME at START, T of BUDGET, ...` | a phase that has begun |
/// | `and N more ...` | what there was no room for |
/// | `end of hang report 1` | the last, with the version of the format; `cut short` if it did not fit |
///
/// The names of functions are looked up after the report is out, since that may
/// hang. Where the report could not be written over they follow it, as
/// `stack of thread ID` with the frames once more, the culprit's first, up to
/// `end of stacks`. The end of the process may come before that.
///
/// A tool accepts lines that it does not know. A line that is here will not
/// change its meaning under the same version.
///
/// # JSON
///
/// The same as one object, for [`Sinks::json`](crate::Sinks::json). Times are
/// numbers of seconds, down to milliseconds; points in time are counted from the
/// instant at which the watchdog was armed. What is not known, and a length
/// without end, is `null`.
///
/// | key | is |
/// | --- | --- |
/// | `format`, `version` | `"deadstop hang report"`, 1 |
/// | `kind` | `"deadline"` or `"dump"` |
/// | `pid` | the process |
/// | `cause` | why the shutdown began, as text |
/// | `now`, `grace`, `deadline_in` | when this was written, the deadline, the time between |
/// | `complete` | false if something was left out for want of room |
/// | `phases` | `name`, `state` (`"running"`, `"over"`), `start`, `took`, `budget` |
/// | `tasks` | `name`, `phase`, `state` (`"running"`, `"abandoned"`, `"waiting"`, `"done"`, `"failed"`, `"late"`), `file`, `line`; but for those that wait `start`, `took`, `budget`; of those that have not returned `thread` (an id) and `says` |
/// | `threads` | `id`, `name`, `state`, `place`, `doing`, `cpu`, `busy` (per cent); `stack` with `address`, `module`, `offset`, `function`, `site` of each frame and `frames_left_out`, or `no_stack` with the reason |
/// | `unlisted` | how many more `running`, `waiting`, `phases` and `threads` there are |
///
/// Keys may be added under the same version.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HangReport {
    /// What it was written for.
    pub kind: ReportKind,
    /// How much time was left; `None` if there was no deadline, and
    /// `Duration::MAX` if it is without end.
    pub deadline_in: Option<Duration>,
    /// How many tasks had not returned.
    pub hung: u64,
    /// Up to three of these, those that were abandoned first, then whoever had
    /// run for the longest.
    pub culprits: Vec<Culprit>,
    /// Why and when the shutdown began, if it had.
    pub begun: Option<Begun>,
    /// Tasks: those that had not returned, those that waited, those over.
    pub tasks: Vec<HungTask>,
    /// Threads that none of these tasks was on.
    pub threads: Vec<HungThread>,
    /// Phases that had begun.
    pub phases: Vec<HungPhase>,
    /// What there was no room for.
    pub unlisted: Unlisted,
    /// The system's number for why the threads could not be listed, if so.
    pub refused: Option<u32>,
    /// Whether all of it is there.
    pub ending: Ending,
}

/// What a report was written for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ReportKind {
    /// The deadline was near.
    Deadline,
    /// Somebody asked, by [`Shutdown::dump`](crate::Shutdown::dump) or a signal.
    Dump,
}

/// A task that had not returned, as the first line names it.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Culprit {
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: String,
    /// For how long it had run.
    pub ran: Duration,
}

/// Why and when the shutdown began.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Begun {
    /// Why, as text.
    pub cause: String,
    /// How long before the report.
    pub ago: Duration,
    /// From then to the deadline.
    pub grace: Duration,
}

/// A task.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HungTask {
    /// Its name, with the path of its scope.
    pub name: String,
    /// Its phase.
    pub phase: String,
    /// The source file in which it was registered.
    pub file: String,
    /// The line there.
    pub line: u32,
    /// How it stood with it.
    pub state: TaskState,
}

/// How it stood with a task.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TaskState {
    /// It had not returned.
    #[non_exhaustive]
    Running {
        /// For how long it had run.
        ran: Duration,
        /// For how long it might have.
        budget: Duration,
        /// Whether nobody waited for it any more.
        abandoned: bool,
        /// The thread that it was on, if that is known.
        thread: Option<HungThread>,
        /// What it said of its progress; empty if nothing.
        says: String,
    },
    /// Its turn had not come.
    Waiting,
    /// It had ended.
    #[non_exhaustive]
    Over {
        /// When it began.
        start: Duration,
        /// How long it ran.
        took: Duration,
        /// How long it might have.
        budget: Duration,
        /// How it ended: `done`, `failed`, or `late`.
        how: String,
    },
}

/// A thread.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HungThread {
    /// The system's number for it.
    pub id: u32,
    /// What else is known of it.
    pub details: Option<ThreadDetails>,
    /// Its stack, if somebody asked for it.
    pub stack: Option<ThreadStack>,
}

/// What a thread was doing.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct ThreadDetails {
    /// Its name.
    pub name: String,
    /// Its state, as `ps` has it; `?` if it is not known.
    pub state: char,
    /// The kernel's function that it waited in; `running`, or `-` if that is
    /// not known.
    pub place: String,
    /// What it was doing: `runs`, `waits for a lock`, `reads from descriptor 5
    /// (pipe)`, and so on.
    pub doing: String,
    /// Processor time since it began.
    pub cpu: Option<Duration>,
    /// Per cent of a processor while it was looked at.
    pub busy: Option<u8>,
}

/// A thread's stack, or why there is none.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum ThreadStack {
    /// It is here.
    #[non_exhaustive]
    Captured {
        /// The innermost first.
        frames: Vec<StackFrame>,
        /// How many more there are.
        left_out: u64,
    },
    /// It could not be had, for this reason.
    Refused(String),
}

/// A frame of a stack.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct StackFrame {
    /// The function, if it is known.
    pub function: Option<String>,
    /// The file that the code is from, if it is from one.
    pub module: Option<String>,
    /// Where in that file; without one, the address.
    pub offset: u64,
    /// The place in the source, as `file:line`, if it is known.
    pub site: Option<String>,
}

/// A phase that had begun.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct HungPhase {
    /// Its name.
    pub name: String,
    /// When it began.
    pub start: Duration,
    /// How long it had run.
    pub took: Duration,
    /// How long it might have.
    pub budget: Duration,
    /// Whether it had ended.
    pub over: bool,
}

/// What there was no room for in a report.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct Unlisted {
    /// Tasks that had not returned.
    pub running: u64,
    /// Tasks whose turn had not come.
    pub waiting: u64,
    /// Threads.
    pub threads: u64,
    /// Phases that had begun.
    pub phases: u64,
}

/// How a report's text ends.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Ending {
    /// Its writer had no room for all of it.
    CutShort,
    /// With something else than a report's end: its reader was given a part.
    Missing,
    /// As it should.
    Whole,
}

impl HangReport {
    /// The task of that name, if it is listed; of several, the first.
    pub fn task(&self, name: &str) -> Option<&HungTask> {
        self.tasks.iter().find(|task| task.name == name)
    }

    /// The thread of that number, if it is listed, be it a task's or another.
    pub fn thread(&self, id: u32) -> Option<&HungThread> {
        let of_tasks = self.tasks.iter().filter_map(HungTask::thread);
        of_tasks.chain(&self.threads).find(|thread| thread.id == id)
    }
}

impl HungTask {
    /// The thread that it is on, if it has not returned and that is known.
    pub fn thread(&self) -> Option<&HungThread> {
        match &self.state {
            TaskState::Running { thread, .. } => thread.as_ref(),
            _ => None,
        }
    }
}

impl HungThread {
    /// The functions of its stack that are known, the innermost first.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let frames = match &self.stack {
            Some(ThreadStack::Captured { frames, .. }) => frames.as_slice(),
            _ => &[],
        };
        frames.iter().filter_map(|frame| frame.function.as_deref())
    }
}
