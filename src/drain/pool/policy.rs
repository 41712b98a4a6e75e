//! What becomes of jobs for which there is no thread: while the queue is full, and at the
//! shutdown.

use std::time::Duration;

/// The policy for a job when every thread is busy and the queue is full.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WhenFull {
    /// The pool returns it to the caller.
    Reject,
    /// The caller's thread runs it, and can submit no other job meanwhile. The pool's phase
    /// waits for it as for the other jobs. A closed pool returns it.
    CallerRuns,
    /// The caller waits until the queue has space, for this long at most.
    Block(Duration),
    /// The pool removes the job that has waited longest, and returns that job to the caller.
    DropOldest,
}

/// The shutdown's treatment of queued jobs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Drain {
    /// They run, within the pool's budget.
    Finish,
    /// The pool drops them, and the log names them. The pool still waits for running jobs.
    Discard,
}
