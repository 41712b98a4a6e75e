//! The handle of a job that returns something.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use super::error::JobError;
use crate::process;

/// Waits for one job. Made by [`Pool::submit`](crate::drain::Pool::submit).
///
/// It is also a future, on any runtime. Dropping the handle changes nothing: the job still
/// runs. In a child of `fork` it resolves at once to [`JobError::Cancelled`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown.pool("thumbnails").start()?;
/// let job = pool.submit(|| 6 * 7).map_err(|rejected| rejected.to_string())?;
/// assert_eq!(job.join()?, 42);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the job's result is lost without the handle; `execute` needs none"]
pub struct JobHandle<T> {
    pub(super) result: Arc<dyn Await<T>>,
    pub(super) generation: u32,
}

impl<T> JobHandle<T> {
    /// Returns `true` if this process has the threads that run the job, unlike a child
    /// of `fork`.
    fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Blocks the thread until the job has ended, and returns what it returned.
    ///
    /// # Errors
    ///
    /// Fails if the job was cancelled before it started, or panicked.
    pub fn join(self) -> Result<T, JobError> {
        if !self.is_here() {
            return Err(JobError::Cancelled);
        }
        loop {
            if let Some(result) = self.result.wait(None) {
                return result;
            }
        }
    }

    /// Returns the job's result if the job has ended. Otherwise returns the handle.
    ///
    /// # Errors
    ///
    /// The outer error is the handle of a job that has not ended. The inner error is that of
    /// [`join`](Self::join).
    pub fn try_join(self) -> Result<Result<T, JobError>, Self> {
        if !self.is_here() {
            return Ok(Err(JobError::Cancelled));
        }
        match self.result.try_take() {
            Some(result) => Ok(result),
            None => Err(self),
        }
    }

    /// Like [`try_join`](Self::try_join), and waits for up to `timeout`.
    ///
    /// # Errors
    ///
    /// As `try_join`.
    pub fn join_timeout(self, timeout: Duration) -> Result<Result<T, JobError>, Self> {
        if !self.is_here() {
            return Ok(Err(JobError::Cancelled));
        }
        let until = Instant::now().checked_add(timeout);
        match self.result.wait(until) {
            Some(result) => Ok(result),
            None => Err(self),
        }
    }

    /// Cancels the job if it has not started. Returns `true` if the job will not run.
    ///
    /// The calling thread drops the closure at once. The job keeps its place in the queue until
    /// a thread takes it.
    pub fn cancel(&self) -> bool {
        self.is_here() && self.result.cancel()
    }

    /// Returns `true` if the job has ended or was cancelled.
    pub fn is_finished(&self) -> bool {
        !self.is_here() || self.result.is_finished()
    }
}

impl<T> Future for JobHandle<T> {
    type Output = Result<T, JobError>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        if !self.is_here() {
            return Poll::Ready(Err(JobError::Cancelled));
        }
        self.result.poll(context.waker())
    }
}

impl<T> fmt::Debug for JobHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JobHandle")
            .field("finished", &self.is_finished())
            .finish_non_exhaustive()
    }
}

/// The handle's side of a job.
pub(super) trait Await<T>: Send + Sync {
    fn try_take(&self) -> Option<Result<T, JobError>>;
    fn wait(&self, until: Option<Instant>) -> Option<Result<T, JobError>>;
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>>;
    fn cancel(&self) -> bool;
    fn is_finished(&self) -> bool;
}
