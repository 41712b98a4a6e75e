//! Describes a pool, and starts it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::drain::drain;
use super::machine::Limits;
use super::shared::Shared;
use super::{Drain, Pool, WhenFull};
use crate::drain::RegisterError;
use crate::drain::owner::Owner;
use crate::task::PhaseName;
use crate::{Phase, Scope, Shutdown};

impl Shutdown {
    /// Starts describing a pool of worker threads with a bounded queue. A phase waits for its
    /// accepted jobs.
    ///
    /// # Examples
    ///
    /// See [`Pool`].
    pub fn pool(&self, name: impl Into<String>) -> PoolBuilder {
        PoolBuilder::new(Owner::Shutdown(self.clone()), name.into())
    }
}

impl Scope {
    /// Starts describing a pool of this scope, which also drains when only the scope is
    /// stopped. After [`restart`](Self::restart) it stays terminated: start a new pool.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use deadstop::{Cause, Shutdown};
    ///
    /// let shutdown = Shutdown::builder().install()?;
    /// let ingest = shutdown.scope("ingest");
    /// let pool = ingest.pool("parser").start()?;
    /// pool.execute(|| println!("parsed"))?;
    /// ingest.stop(Cause::requested("a reload"), Duration::from_secs(5))?;
    /// assert!(pool.is_terminated());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn pool(&self, name: impl Into<String>) -> PoolBuilder {
        PoolBuilder::new(Owner::Scope(self.clone()), name.into())
    }
}

/// Describes a pool. Made by [`Shutdown::pool`] and [`Scope::pool`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::drain::{Drain, WhenFull};
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown
///     .pool("thumbnails")
///     .threads(4)
///     .queue(100)
///     .when_full(WhenFull::Block(Duration::from_millis(50)))
///     .on_shutdown(Drain::Discard)
///     .start()?;
/// # let _ = pool;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a pool is made by `start`"]
pub struct PoolBuilder {
    owner: Owner,
    name: String,
    phase: PhaseName,
    budget: Option<Duration>,
    limits: Limits,
    keep_alive: Duration,
    stack_size: Option<usize>,
    when_full: WhenFull,
    on_shutdown: Drain,
}

impl PoolBuilder {
    fn new(owner: Owner, name: String) -> Self {
        let threads = thread::available_parallelism().map_or(4, usize::from);
        Self {
            owner,
            name,
            phase: Phase::DRAIN.into(),
            budget: None,
            limits: Limits {
                threads,
                queue: 1_000,
                accept_from_jobs: false,
            },
            keep_alive: Duration::from_secs(60),
            stack_size: None,
            when_full: WhenFull::Reject,
            on_shutdown: Drain::Finish,
        }
    }

    /// Sets the maximum number of threads; the number of processors unless set. Zero counts as
    /// 1. The pool starts them as jobs come.
    pub fn threads(mut self, threads: usize) -> Self {
        self.limits.threads = threads.max(1);
        self
    }

    /// Sets how many jobs may wait while every thread is busy; 1,000 unless set. With 0, a
    /// job is accepted only if a thread is free for it.
    pub fn queue(mut self, jobs: usize) -> Self {
        self.limits.queue = jobs;
        self
    }

    /// Sets how long a thread waits for a job before it ends; 60 s unless set.
    pub fn keep_alive(mut self, time: Duration) -> Self {
        self.keep_alive = time;
        self
    }

    /// Sets what happens to a job when the queue is full; [`WhenFull::Reject`] unless set.
    pub fn when_full(mut self, when_full: WhenFull) -> Self {
        self.when_full = when_full;
        self
    }

    /// Sets what the shutdown does with queued jobs; [`Drain::Finish`] unless set.
    pub fn on_shutdown(mut self, drain: Drain) -> Self {
        self.on_shutdown = drain;
        self
    }

    /// Sets how long the phase waits for jobs at most; unless set, as long as the phase may
    /// last. No job starts after that time.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the phase that closes the pool; DRAIN unless set. Until then the pool accepts
    /// jobs.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.phase = phase.into();
        self
    }

    /// Sets whether a closed pool still accepts jobs from its own jobs, so that a chain of
    /// jobs can finish; `false` unless set.
    pub fn accept_from_jobs(mut self, accept: bool) -> Self {
        self.limits.accept_from_jobs = accept;
        self
    }

    /// Sets the stack size of the threads, in bytes; `std`'s default unless set.
    pub fn stack_size(mut self, bytes: usize) -> Self {
        self.stack_size = Some(bytes);
        self
    }

    /// Starts the pool: registers the task that closes it and waits for its jobs. It starts no
    /// thread yet.
    ///
    /// # Errors
    ///
    /// Fails if the pool's phase does not exist or is over, or if its name is empty. There
    /// is no pool then.
    #[track_caller]
    pub fn start(self) -> Result<Pool, RegisterError> {
        let shared = Shared::new(&self.name, self.limits, self.keep_alive, self.stack_size);
        let task = self.owner.task(&self.name).phase(self.phase);
        let task = task.budget_if_set(self.budget);
        let (drained, owner, mode) = (Arc::clone(&shared), self.owner, self.on_shutdown);
        let task = task.on_shutdown(move |cx| drain(&drained, &owner, mode, cx))?;
        shared.set_task(task);
        Ok(Pool::new(shared, self.when_full))
    }
}
