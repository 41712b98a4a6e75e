//! The handle of a pool, by which jobs are submitted.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use deadstop_core::now;

use super::error::{Rejected, Why};
use super::job::{self, Job, JobHandle, Work};
use super::machine::Stage;
use super::offer::Outcome;
use super::shared::Shared;
use super::{PoolStats, Unstarted, WhenFull};
use crate::process;

#[cfg(feature = "health")]
use super::Pulse;

/// A pool of worker threads. Made by [`Shutdown::pool`](crate::Shutdown::pool).
///
/// A `Pool` is a handle: cloning it is cheap. When the last handle is dropped, the pool accepts
/// no more jobs and runs the accepted ones; dropping never waits. The pool's phase (DRAIN)
/// waits until they have run.
///
/// - The pool accepts jobs until its own phase begins, so the last request of a server can
///   still submit one.
/// - A job that panics is counted in [`PoolStats::panicked`], and its thread goes on. The exit
///   status does not change.
/// - The pool abandons a job that still runs when the budget is over. The hang report names the
///   job, its thread and the number of queued jobs.
/// - In a child of `fork` the pool is closed: it returns jobs, its numbers are zero, and no
///   call waits.
/// - The metrics show the first 64 names of pools. Pools of the same name are added up.
///
/// No method is async-signal-safe.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::Shutdown;
/// use deadstop::drain::WhenFull;
///
/// let shutdown = Shutdown::builder().install()?;
/// let pool = shutdown
///     .pool("mailer")
///     .threads(10)
///     .queue(100)
///     .when_full(WhenFull::CallerRuns)
///     .budget(Duration::from_secs(5))
///     .start()?;
///
/// pool.execute(|| println!("sent"))?;
/// let sum = pool.submit(|| 1 + 2)?;
/// assert_eq!(sum.join()?, 3);
///
/// let exit_code = shutdown.finish(); // every accepted job has run
/// # let _ = exit_code;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Pool {
    handle: Arc<Handle>,
}

impl Pool {
    pub(super) fn new(shared: Arc<Shared>, when_full: WhenFull) -> Self {
        Self {
            handle: Arc::new(Handle {
                shared,
                when_full,
                generation: process::generation(),
            }),
        }
    }

    /// Sets what is notified of each job that begins or ends. The first one stays.
    #[cfg(feature = "health")]
    pub(crate) fn set_pulse(&self, pulse: Pulse) {
        self.handle.shared.set_pulse(pulse);
    }

    /// Submits a job. With [`WhenFull::DropOldest`], returns the job that was removed to make
    /// space.
    ///
    /// It waits for other jobs only if the pool is full and [`WhenFull`] says so. While another
    /// caller starts the pool's first thread, it waits until the system has started or refused
    /// that thread.
    ///
    /// With [`WhenFull::CallerRuns`] and a full queue, the job runs before this returns; if
    /// it panics there, the panic is counted and does not reach the caller.
    ///
    /// # Errors
    ///
    /// Fails if the queue is full, if the pool is closed, or if the pool has no thread and the
    /// system refuses one. The error holds the job; nothing else has changed. If the pool has a
    /// thread and the system refuses another, the pool accepts the job, and that thread runs it
    /// later.
    pub fn execute<F>(&self, job: F) -> Result<Option<Unstarted>, Rejected>
    where
        F: FnOnce() + Send + 'static,
    {
        self.offer(Work::once(job))
    }

    /// Like [`execute`](Self::execute), with a name for the job: the hang report shows it
    /// if the job hangs, and the log if it never starts.
    ///
    /// # Errors
    ///
    /// As `execute`.
    pub fn execute_named<F>(
        &self,
        name: impl Into<Arc<str>>,
        job: F,
    ) -> Result<Option<Unstarted>, Rejected>
    where
        F: FnOnce() + Send + 'static,
    {
        self.offer(Work::named(name.into(), job))
    }

    /// Submits a job that returns something, and returns the handle that waits for it.
    ///
    /// A job that was removed to make space ([`WhenFull::DropOldest`]) is cancelled: its handle
    /// returns [`JobError::Cancelled`](super::JobError::Cancelled).
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute).
    pub fn submit<F, T>(&self, job: F) -> Result<JobHandle<T>, Rejected>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (work, handle) = job::with_handle(None, job);
        self.offer(work)?;
        Ok(handle)
    }

    /// Like [`submit`](Self::submit), with a name for the job.
    ///
    /// # Errors
    ///
    /// As [`execute`](Self::execute).
    pub fn submit_named<F, T>(
        &self,
        name: impl Into<Arc<str>>,
        job: F,
    ) -> Result<JobHandle<T>, Rejected>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let (work, handle) = job::with_handle(Some(name.into()), job);
        self.offer(work)?;
        Ok(handle)
    }

    fn offer(&self, work: Work) -> Result<Option<Unstarted>, Rejected> {
        let shared = self.shared();
        if !self.handle.is_here() {
            process::warn_if_forked();
            return Err(Rejected::new(Job::new(work), Why::Closed));
        }
        match shared.offer(work) {
            Outcome::Accepted => Ok(None),
            Outcome::Refused(work, Why::Full) => self.offer_to_full(work),
            Outcome::Refused(work, why) => Err(Rejected::new(Job::new(work), why)),
        }
    }

    /// Does with a job for which there is no room what [`WhenFull`] says.
    #[cold]
    fn offer_to_full(&self, work: Work) -> Result<Option<Unstarted>, Rejected> {
        let shared = self.shared();
        let (outcome, dropped) = match self.handle.when_full {
            WhenFull::Reject => (Outcome::Refused(work, Why::Full), None),
            WhenFull::CallerRuns => (shared.run_here(work), None),
            WhenFull::Block(time) => (shared.offer_within(work, time), None),
            WhenFull::DropOldest => shared.offer_or_drop(work),
        };
        match outcome {
            Outcome::Accepted => Ok(dropped.map(Unstarted::new)),
            Outcome::Refused(work, why) => {
                if why == Why::Full {
                    shared.lock().machine.counts.rejected += 1;
                }
                Err(Rejected::new(Job::new(work), why))
            }
        }
    }

    /// Closes the pool: it accepts no more jobs, and runs the accepted ones. Returns `true` if
    /// the pool was open.
    pub fn close(&self) -> bool {
        self.handle.is_here() && self.shared().close()
    }

    /// Stops the pool: it accepts no more jobs. Returns the jobs that have not started, oldest
    /// first. Running jobs go on; they can call [`is_stopping`](Self::is_stopping).
    ///
    /// The handle of a returned job waits until the caller runs or drops that job.
    pub fn stop(&self) -> Vec<Unstarted> {
        match self.handle.is_here() {
            true => self
                .shared()
                .stop()
                .into_iter()
                .map(Unstarted::new)
                .collect(),
            false => Vec::new(),
        }
    }

    /// Returns `true` if the pool accepts no more jobs.
    pub fn is_closed(&self) -> bool {
        !self.handle.is_here() || self.shared().lock().machine.stage() > Stage::Open
    }

    /// Returns `true` if the pool was stopped: a job that takes long should end early.
    pub fn is_stopping(&self) -> bool {
        self.handle.is_here() && self.shared().lock().machine.stage() == Stage::Stopping
    }

    /// Returns `true` if the pool is closed and its last thread has ended.
    pub fn is_terminated(&self) -> bool {
        self.shared().terminated().is_set()
    }

    /// Blocks the thread until the pool has terminated, or `timeout` is over. Returns `true` if
    /// it has terminated. Call [`close`](Self::close) or [`stop`](Self::stop) first: nothing
    /// else makes a pool terminate.
    #[must_use = "`false` means that the time was over first"]
    pub fn await_termination(&self, timeout: Duration) -> bool {
        if !self.handle.is_here() {
            return self.is_terminated();
        }
        let until = now().saturating_add(timeout);
        self.shared().wait_terminated(Some(until))
    }

    /// Returns the pool's numbers at this moment.
    pub fn stats(&self) -> PoolStats {
        match self.handle.is_here() {
            true => {
                let locked = self.shared().lock();
                PoolStats::of(&locked.machine, &locked.run_queue, now())
            }
            false => PoolStats::default(),
        }
    }

    /// Returns the name of the pool.
    pub fn name(&self) -> &str {
        &self.shared().name
    }

    pub(super) fn shared(&self) -> &Arc<Shared> {
        &self.handle.shared
    }
}

impl fmt::Debug for Pool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pool")
            .field("name", &self.shared().name)
            .field("stats", &self.stats())
            .finish_non_exhaustive()
    }
}

/// Closes the pool when the last handle is dropped.
struct Handle {
    shared: Arc<Shared>,
    when_full: WhenFull,
    generation: u32,
}

impl Handle {
    /// Returns `true` if this process has the pool's threads. A child of `fork` has
    /// not, and may have inherited the pool's lock held.
    fn is_here(&self) -> bool {
        self.generation == process::generation()
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if self.is_here() {
            self.shared.close();
        }
    }
}
