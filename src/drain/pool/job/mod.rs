//! Jobs: what a pool runs, and what becomes of it.

mod error;
mod handle;
mod result;

use std::fmt;
use std::sync::Arc;

use deadstop_core::Nanos;

use crate::contain::contain;
use crate::lock::Mutex;
use crate::sys::recent_time::recent;

pub use self::error::JobError;
pub use self::handle::JobHandle;
pub(super) use self::result::with_handle;

thread_local! {
    /// Set if the job that the thread runs has panicked; its handle has the payload.
    pub(super) static PANICKED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// One unit of a pool's work. Dropping it without [`run`](Self::run) cancels it: its
/// [`JobHandle`], if it has one, returns [`JobError::Cancelled`].
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown.pool("mailer").start()?;
/// pool.close();
/// // A closed pool gives the job back; the caller decides.
/// if let Err(rejected) = pool.execute(|| println!("sent")) {
///     rejected.job.run();
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a job that is dropped does not run"]
pub struct Job {
    work: Mutex<Work>,
}

/// The code of a job, and the time at which it was queued.
pub(super) struct Work {
    since: Nanos,
    job: Box<dyn RunOnce>,
}

/// Code that runs once, and its name if it has one.
pub(super) trait RunOnce: Send {
    fn run(self: Box<Self>);
    fn name(&self) -> Option<Arc<str>>;
}

struct Plain<F>(F);

struct Named<F> {
    name: Arc<str>,
    run: F,
}

impl<F: FnOnce() + Send> RunOnce for Plain<F> {
    fn run(self: Box<Self>) {
        (self.0)();
    }

    fn name(&self) -> Option<Arc<str>> {
        None
    }
}

impl<F: FnOnce() + Send> RunOnce for Named<F> {
    fn run(self: Box<Self>) {
        (self.run)();
    }

    fn name(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.name))
    }
}

impl Work {
    /// Makes a job of a closure, which is queued now.
    #[inline]
    pub(super) fn once(run: impl FnOnce() + Send + 'static) -> Self {
        Self::new(Box::new(Plain(run)))
    }

    pub(super) fn named(name: Arc<str>, run: impl FnOnce() + Send + 'static) -> Self {
        Self::new(Box::new(Named { name, run }))
    }

    pub(super) fn new(job: Box<dyn RunOnce>) -> Self {
        Self {
            since: recent(),
            job,
        }
    }

    pub(super) fn name(&self) -> Option<Arc<str>> {
        self.job.name()
    }

    /// Returns the time at which the job was queued.
    pub(super) fn since(&self) -> Nanos {
        self.since
    }

    /// The job is queued now, and not when it was made.
    pub(super) fn queued_now(&mut self) {
        self.since = recent();
    }

    /// Runs the job and catches its panic. Returns whether it panicked.
    pub(super) fn run_and_catch(self) -> bool {
        PANICKED.set(false);
        let ran = contain(|| self.job.run());
        ran.is_err() || PANICKED.get()
    }
}

impl Job {
    pub(super) fn new(work: Work) -> Self {
        Self {
            work: Mutex::new(work),
        }
    }

    /// Runs the job on the calling thread. A panic of a job that has a handle goes to the
    /// handle; any other panic goes to the caller.
    pub fn run(self) {
        self.work.into_inner().job.run();
    }
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}
