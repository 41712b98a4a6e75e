//! Jobs: what a pool runs, and the handle of one that returns something.
//!
//! ```text
//! Queued ──start──▶ Running ──▶ Ready(result) ──join──▶ Taken
//!    │                 ╰─panic──▶ Ready(Panicked)
//!    ╰─cancel, drop──▶ Ready(Cancelled)
//! ```

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use deadstop_core::Nanos;

use crate::contain::{Payload, contain};
use crate::lock::{Condvar, Mutex};
use crate::process;
use crate::sys::recent_time::recent;

thread_local! {
    /// Set if the job that the thread runs has panicked; its handle has the payload.
    static PANICKED: std::cell::Cell<bool> = const { std::cell::Cell::new(false) };
}

/// One unit of a pool's work. Dropping it without [`run`](Self::run) cancels it: its
/// [`JobHandle`], if it has one, then says so.
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

/// A job in the queue.
pub(super) struct Work {
    since: Nanos,
    job: Box<dyn Once>,
}

/// Code that runs once, and its name if it has one.
trait Once: Send {
    fn run(self: Box<Self>);
    fn name(&self) -> Option<Arc<str>>;
}

struct Plain<F>(F);

struct Named<F> {
    name: Arc<str>,
    run: F,
}

/// A shared job that has not started; dropping it cancels it.
struct Unstarted<R: Run + ?Sized>(Arc<R>);

impl<F: FnOnce() + Send> Once for Plain<F> {
    fn run(self: Box<Self>) {
        (self.0)();
    }

    fn name(&self) -> Option<Arc<str>> {
        None
    }
}

impl<F: FnOnce() + Send> Once for Named<F> {
    fn run(self: Box<Self>) {
        (self.run)();
    }

    fn name(&self) -> Option<Arc<str>> {
        Some(Arc::clone(&self.name))
    }
}

impl<R: Run + ?Sized> Once for Unstarted<R> {
    fn run(self: Box<Self>) {
        self.0.run();
    }

    fn name(&self) -> Option<Arc<str>> {
        self.0.name()
    }
}

impl<R: Run + ?Sized> Drop for Unstarted<R> {
    fn drop(&mut self) {
        self.0.cancel();
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

    fn new(job: Box<dyn Once>) -> Self {
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

/// Makes a job that returns something, and the handle that waits for it.
pub(super) fn shared<F, T>(name: Option<Arc<str>>, run: F) -> (Work, JobHandle<T>)
where
    F: FnOnce() -> T + Send + 'static,
    T: Send + 'static,
{
    let cell = Arc::new(Cell {
        state: Mutex::new(State::Queued(run)),
        ended: Condvar::new(),
        waker: Mutex::new(None),
        name,
    });
    let work = Work::new(Box::new(Unstarted(Arc::clone(&cell))));
    let handle = JobHandle {
        result: cell,
        generation: process::generation(),
    };
    (work, handle)
}

/// Waits for one job. Made by [`Pool::submit`](super::Pool::submit).
///
/// It is also a future, on any runtime. Dropping the handle changes nothing: the job
/// runs all the same. In a child of `fork` it resolves at once to
/// [`JobError::Cancelled`].
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
    result: Arc<dyn Await<T>>,
    generation: u32,
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

    /// Returns the job's result if it has ended; otherwise, gives the handle back.
    ///
    /// # Errors
    ///
    /// The outer error is the handle of a job that has not ended. The inner one is as
    /// [`join`](Self::join)'s.
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

    /// Cancels the job if it has not started. Returns whether it will not run.
    ///
    /// Its closure is dropped at once, on the calling thread. The job keeps its place in
    /// the queue until a thread comes to it.
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

/// The reason why a job returned nothing.
///
/// # Examples
///
/// ```
/// use deadstop::drain::JobError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let pool = shutdown.pool("thumbnails").start()?;
/// let job = pool.submit(|| panic!("no memory")).map_err(|rejected| rejected.to_string())?;
/// match job.join() {
///     Ok(()) => {}
///     Err(JobError::Panicked(_)) => println!("the job panicked"),
///     Err(error) => println!("{error}"),
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[non_exhaustive]
pub enum JobError {
    /// It was cancelled before it started: by its handle, or because the pool was
    /// stopped.
    Cancelled,
    /// It panicked, with this payload.
    Panicked(Box<dyn Any + Send>),
}

impl JobError {
    /// Panics again with the payload of the job's panic.
    ///
    /// # Panics
    ///
    /// Always: with the job's payload, or, if the job was cancelled, saying so.
    pub fn resume(self) -> ! {
        match self {
            Self::Cancelled => resume_unwind(Box::new("the job was cancelled")),
            Self::Panicked(payload) => resume_unwind(payload),
        }
    }
}

impl fmt::Display for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Cancelled => f.write_str("the job was cancelled before it started"),
            Self::Panicked(payload) => {
                let message = crate::trigger::panic::message(&**payload);
                write!(f, "the job panicked: {message}")
            }
        }
    }
}

impl fmt::Debug for JobError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "JobError({self})")
    }
}

impl Error for JobError {}

struct Cell<F, T> {
    state: Mutex<State<F, T>>,
    ended: Condvar,
    waker: Mutex<Option<Waker>>,
    name: Option<Arc<str>>,
}

enum State<F, T> {
    Queued(F),
    Running,
    Ready(Result<T, Lost>),
    Taken,
}

/// The reason why a job returned nothing, until a caller asks. Dropping it does not panic.
enum Lost {
    Cancelled,
    Panicked(Payload),
}

impl From<Lost> for JobError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::Cancelled => Self::Cancelled,
            Lost::Panicked(payload) => Self::Panicked(payload.into()),
        }
    }
}

impl<F, T> State<F, T> {
    fn is_finished(&self) -> bool {
        matches!(self, Self::Ready(_) | Self::Taken)
    }

    fn take(&mut self) -> Option<Result<T, JobError>> {
        match std::mem::replace(self, Self::Taken) {
            Self::Ready(result) => Some(result.map_err(JobError::from)),
            Self::Taken => Some(Err(JobError::Cancelled)),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl<F, T> Cell<F, T> {
    fn end(&self, result: Result<T, Lost>) {
        *self.state.lock() = State::Ready(result);
        self.wake();
    }

    fn wake(&self) {
        self.ended.notify_all();
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            // The application's code.
            let _ = contain(|| waker.wake());
        }
    }

    fn cancel_queued(&self) -> bool {
        let mut state = self.state.lock();
        let State::Queued(_) = *state else {
            return false;
        };
        let queued = std::mem::replace(&mut *state, State::Ready(Err(Lost::Cancelled)));
        drop(state);
        self.wake();
        // The closure is the application's: its destructor runs with no lock held.
        drop(queued);
        true
    }
}

/// The pool's side of a job.
trait Run: Send + Sync {
    fn run(&self);
    fn cancel(&self);
    fn name(&self) -> Option<Arc<str>>;
}

impl<F, T> Run for Cell<F, T>
where
    F: FnOnce() -> T + Send,
    T: Send,
{
    fn run(&self) {
        let mut state = self.state.lock();
        let State::Queued(_) = *state else {
            return;
        };
        let State::Queued(run) = std::mem::replace(&mut *state, State::Running) else {
            return;
        };
        drop(state);
        let result = contain(run);
        let panicked = result.is_err();
        self.end(result.map_err(Lost::Panicked));
        if panicked {
            PANICKED.set(true);
        }
    }

    fn cancel(&self) {
        self.cancel_queued();
    }

    fn name(&self) -> Option<Arc<str>> {
        self.name.clone()
    }
}

/// The handle's side of a job.
trait Await<T>: Send + Sync {
    fn try_take(&self) -> Option<Result<T, JobError>>;
    fn wait(&self, until: Option<Instant>) -> Option<Result<T, JobError>>;
    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>>;
    fn cancel(&self) -> bool;
    fn is_finished(&self) -> bool;
}

impl<F: Send, T: Send> Await<T> for Cell<F, T> {
    fn try_take(&self) -> Option<Result<T, JobError>> {
        self.state.lock().take()
    }

    fn wait(&self, until: Option<Instant>) -> Option<Result<T, JobError>> {
        let mut state = self.state.lock();
        while !state.is_finished() {
            let (waited, timed_out) = match until {
                None => (self.ended.wait(state), false),
                Some(until) => self.ended.wait_until(state, until),
            };
            state = waited;
            if timed_out {
                break;
            }
        }
        state.take()
    }

    fn poll(&self, waker: &Waker) -> Poll<Result<T, JobError>> {
        let replaced = self.waker.lock().replace(waker.clone());
        drop(replaced);
        match self.state.lock().take() {
            Some(result) => Poll::Ready(result),
            None => Poll::Pending,
        }
    }

    fn cancel(&self) -> bool {
        self.cancel_queued()
    }

    fn is_finished(&self) -> bool {
        self.state.lock().is_finished()
    }
}
