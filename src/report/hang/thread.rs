//! Threads of a hang report, and what each of them waits for.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::stack::StackFrame;
use super::wire;

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
    /// The reason why its stack could not be captured, if deadstop tried.
    pub no_stack: Option<String>,
}

impl HungThread {
    /// Returns the known functions of its stack, the innermost first.
    pub fn functions(&self) -> impl Iterator<Item = &str> {
        let functions = self.stack.iter().map(|frame| frame.function.as_deref());
        functions.flatten()
    }
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
    /// The number of stacks that were captured shortly after each other; 0 if the thread did
    /// not run.
    pub stacks: u32,
    /// The number of different stacks among them. One means that the thread loops in one
    /// function. Fewer than all mean that it loops. Otherwise it may make progress.
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
    /// The only thread that has the address of the lock on its stack. This is evidence, not
    /// proof, that it holds the lock.
    LockOnStack,
    /// A thread that owns the lock.
    LockOwner,
    /// A thread in a system call on the other end of the pipe or local socket.
    OtherEnd,
    /// This process itself: it has the other end of the pipe or local socket open, as the
    /// descriptor with that number. No other process is known to have it.
    OwnDescriptor,
    /// A process: a child for which the thread waits, the holder of a file lock, or the other
    /// end of a pipe or local socket.
    Process,
    /// A thread that is joined.
    ThreadEnd,
    /// A kind that this version does not know.
    #[serde(other)]
    Unknown,
}
