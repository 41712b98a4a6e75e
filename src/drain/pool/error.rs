//! The refusal of a job.

use std::error::Error;
use std::fmt;

use super::job::Job;

/// A job that the pool did not take, with the reason. The job has not run.
#[derive(Debug)]
#[non_exhaustive]
pub struct Rejected {
    /// The job, for the caller to run, keep or drop.
    pub job: Job,
    /// The reason why the pool did not take it.
    pub why: Why,
}

impl Rejected {
    pub(super) fn new(job: Job, why: Why) -> Self {
        Self { job, why }
    }
}

/// The reason why a pool did not take a job.
///
/// # Examples
///
/// ```
/// use deadstop::drain::{Rejected, Why};
///
/// fn run_here_if_full(rejected: Rejected) -> Result<(), Why> {
///     match rejected.why {
///         Why::Full => rejected.job.run(),
///         why => return Err(why),
///     }
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Why {
    /// The queue is full, and no thread is free.
    Full,
    /// The pool is closed: it runs what it has accepted and takes no more.
    Closed,
    /// The pool is stopped.
    Stopped,
    /// The pool has no thread, and the system refused to start one.
    NoThread,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "its queue is full",
            Self::Closed => "it is closed",
            Self::Stopped => "it is stopped",
            Self::NoThread => "it has no thread and the system gave none",
        })
    }
}

impl fmt::Display for Rejected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the pool did not take the job: {}", self.why)
    }
}

impl Error for Rejected {}
