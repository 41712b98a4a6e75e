//! A task: one named piece of cleanup.
//!
//! # Orderings
//!
//! The time of the start is written before the exchange that starts the task, and
//! read behind one that has seen it started: these order it (`state`, which
//! `tests/loom` has a model of).

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::cause::Cause;
use crate::error::TaskRefused;
use crate::kill_path::{self, Nanos, Place};

use super::clock::Clock;
use super::core::Core;
use super::future::{self, BoxFuture};
use super::outcome::{Outcome, TaskResult};
use super::phase::{Phase, PhaseName};
use super::scope::Node;
use super::state::State;

pub(super) type Body = Box<dyn FnOnce(&TaskContext) -> Outcome + Send>;

/// A task as the coordinator knows it.
pub(super) struct Task {
    pub(super) id: u64,
    /// With the path of its scope.
    pub(super) name: Box<str>,
    pub(super) scope: Arc<Node>,
    pub(super) phase: usize,
    pub(super) site: &'static Location<'static>,
    site_in_words: OnceLock<Box<str>>,
    pub(super) budget: Option<Duration>,
    state: State,
    started: AtomicU64,
    body: Mutex<Option<Body>>,
    /// Its place in the roster, once it runs.
    place: OnceLock<Place>,
}

impl Task {
    fn new(
        id: u64,
        name: String,
        (scope, phase): (Arc<Node>, usize),
        site: &'static Location<'static>,
        budget: Option<Duration>,
        body: Body,
    ) -> Self {
        Self {
            id,
            name: name.into(),
            scope,
            phase,
            site,
            site_in_words: OnceLock::new(),
            budget,
            state: State::waiting(),
            started: AtomicU64::new(0),
            body: Mutex::new(Some(body)),
            place: OnceLock::new(),
        }
    }

    /// A task for a report to be about.
    #[cfg(test)]
    pub(super) fn named(name: &str, site: &'static Location<'static>) -> Self {
        let body = Box::new(|_: &TaskContext| Outcome::Done);
        Self::new(0, name.into(), (Node::root(), 0), site, None, body)
    }

    /// Whether its turn may still come.
    pub(super) fn is_waiting(&self) -> bool {
        self.state.is_waiting()
    }

    /// Takes the closure, to run it. `None` if it is not to be run any more.
    pub(super) fn start(&self, now: Nanos) -> Option<Body> {
        self.started.store(now.0, Ordering::Relaxed);
        self.state.start().then(|| self.take_body()).flatten()
    }

    /// Takes the closure, if it is still there: to be dropped with no lock of
    /// ours held.
    pub(super) fn take_body(&self) -> Option<Body> {
        self.body.lock().take()
    }

    /// Notes its place in the roster.
    pub(super) fn is_listed(&self, place: Place) {
        // A task runs once.
        let _ = self.place.set(place);
        if self.is_abandoned() {
            // Whoever gave it up was too early to see the place.
            place.abandon();
        }
    }

    /// Notes that it returned. False if nobody waits for it any more.
    pub(super) fn end(&self) -> bool {
        self.state.end()
    }

    /// Gives it up, running or not. The outcome, unless it has one already or
    /// is about to be told. What a skipped task would have used is still there,
    /// for a thread to drop on which that may hang.
    pub(super) fn give_up(&self, skipped: Outcome) -> Option<Outcome> {
        if self.state.abandon() {
            if let Some(place) = self.place.get() {
                place.abandon();
            }
            return Some(Outcome::OverBudget);
        }
        self.state.skip().then_some(skipped)
    }

    /// Whether it is to be run no more.
    fn cancel(&self) -> bool {
        self.state.cancel()
    }

    fn is_abandoned(&self) -> bool {
        self.state.is_abandoned()
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.state.is_cancelled()
    }

    /// Where it was registered, put into words when somebody asks.
    pub(super) fn site_in_words(&self) -> &str {
        self.site_in_words
            .get_or_init(|| format!("{}:{}", self.site.file(), self.site.line()).into())
    }

    /// When it started, if it has.
    pub(super) fn started(&self) -> Option<Nanos> {
        self.state
            .has_started()
            .then(|| Nanos(self.started.load(Ordering::Relaxed)))
    }
}

/// Describes a task. Made by [`Shutdown::task`](crate::Shutdown::task) and
/// [`Scope::task`](crate::Scope::task).
#[must_use = "a task is registered by `on_shutdown`"]
pub struct TaskBuilder {
    core: Arc<Core>,
    scope: Arc<Node>,
    name: String,
    phase: PhaseName,
    budget: Option<Duration>,
    site: &'static Location<'static>,
}

impl TaskBuilder {
    pub(crate) fn new(
        core: Arc<Core>,
        scope: Arc<Node>,
        name: String,
        site: &'static Location<'static>,
    ) -> Self {
        Self {
            core,
            scope,
            name,
            phase: Phase::CLOSE.into(),
            budget: None,
            site,
        }
    }

    /// The phase in which it runs; [`Phase::CLOSE`] unless set. A name will do.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.phase = phase.into();
        self
    }

    /// How long it may run at most; unless set, what its phase has left. It
    /// never gets more than that.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Registers the task: `run` is called once, in its phase of the shutdown,
    /// on a thread that has nothing else to do.
    ///
    /// It may return nothing, or a `Result` whose error says how it failed. It
    /// may panic, which is a failure too. It may never return: it is then
    /// abandoned when its budget is over, and goes on by itself until the
    /// process ends.
    ///
    /// A task may be registered during the shutdown, for the phase that runs
    /// and for later ones. The same closure registered twice is two tasks.
    ///
    /// # Errors
    ///
    /// Fails if the task's phase does not exist or is over, or if its name is
    /// empty; see [`TaskRefused`]. The closure is dropped.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and takes a lock.
    pub fn on_shutdown<F, R>(self, run: F) -> Result<TaskHandle, TaskRefused>
    where
        F: FnOnce(&TaskContext) -> R + Send + 'static,
        R: TaskResult,
    {
        self.register(Box::new(move |context| run(context).into_outcome()))
    }

    /// Like [`on_shutdown`](Self::on_shutdown) for a future, which is polled on
    /// the task's own thread, without a runtime.
    ///
    /// A future that needs its runtime's timers or sockets is polled inside it
    /// by [`on_shutdown_async_in`](Self::on_shutdown_async_in).
    ///
    /// # Errors
    ///
    /// As `on_shutdown`.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and takes a lock.
    pub fn on_shutdown_async<F>(self, future: F) -> Result<TaskHandle, TaskRefused>
    where
        F: Future<Output: TaskResult> + Send + 'static,
    {
        self.register(Box::new(move |_| future::block_on(future).into_outcome()))
    }

    /// Like [`on_shutdown_async`](Self::on_shutdown_async), with the future
    /// polled by a runtime: `spawn` gets it, on the task's own thread, and
    /// hands it over.
    ///
    /// A runtime whose workers are all blocked does not poll; the task is then
    /// abandoned when its budget is over, like one that blocks. One that drops
    /// the future makes the task fail.
    ///
    /// # Examples
    ///
    /// ```
    /// # // Stands in for a runtime's handle.
    /// # #[derive(Clone)] struct Handle;
    /// # impl Handle { fn spawn(&self, future: deadstop::BoxFuture) {
    /// #     std::thread::spawn(move || futures::executor::block_on(future));
    /// # } }
    /// # let handle = Handle;
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// // With tokio, `handle` is `tokio::runtime::Handle::current()`.
    /// let spawn = move |future| {
    ///     handle.spawn(future);
    /// };
    /// shutdown
    ///     .task("say goodbye to peers")
    ///     .on_shutdown_async_in(spawn, async { /* ... */ })?;
    /// let exit_code = shutdown.finish();
    /// # let _ = exit_code;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// As `on_shutdown`.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and takes a lock.
    pub fn on_shutdown_async_in<S, F>(self, spawn: S, future: F) -> Result<TaskHandle, TaskRefused>
    where
        S: FnOnce(BoxFuture) + Send + 'static,
        F: Future<Output: TaskResult> + Send + 'static,
    {
        self.register(Box::new(move |_| future::run_elsewhere(spawn, future)))
    }

    fn register(self, body: Body) -> Result<TaskHandle, TaskRefused> {
        if self.name.trim().is_empty() {
            return Err(TaskRefused::Unnamed);
        }
        let Some(phase) = self.core.plan.place(&self.phase) else {
            return Err(TaskRefused::UnknownPhase { phase: self.phase });
        };
        let task = Arc::new(Task::new(
            self.core.next_id(),
            self.scope.name_of(self.name),
            (self.scope, phase),
            self.site,
            self.budget,
            body,
        ));
        self.core.add(&task)?;
        Ok(TaskHandle {
            core: self.core,
            task,
        })
    }
}

impl fmt::Debug for TaskBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskBuilder")
            .field("name", &self.name)
            .field("phase", &self.phase)
            .field("budget", &self.budget)
            .finish_non_exhaustive()
    }
}

/// A registered task. Dropping the handle changes nothing.
#[derive(Clone)]
pub struct TaskHandle {
    core: Arc<Core>,
    task: Arc<Task>,
}

impl TaskHandle {
    /// Takes the task back: it will not run. Returns whether that is so; false
    /// if it has started, was skipped, or was cancelled before.
    ///
    /// However many threads cancel while the shutdown starts the task, either
    /// it runs or exactly one of them is told `true`. A program that registers
    /// a task per connection and cancels it as the connection closes leaves
    /// nothing behind.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn cancel(&self) -> bool {
        let cancelled = self.task.cancel();
        if cancelled {
            self.core.remove(&self.task);
            // On the thread of the user, whose closure it is.
            drop(self.task.take_body());
        }
        cancelled
    }

    /// Whether it was taken back.
    pub fn is_cancelled(&self) -> bool {
        self.task.is_cancelled()
    }

    /// Its name, with the path of its scope.
    pub fn name(&self) -> &str {
        &self.task.name
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskHandle").field(&self.task.name).finish()
    }
}

/// What a task is told while it runs.
pub struct TaskContext {
    pub(super) task: Arc<Task>,
    pub(super) clock: Clock,
    pub(super) ends: Nanos,
    /// How long before the deadline, wherever that is, the task's phase ends.
    pub(super) reserved_later: Duration,
    pub(super) cause: Arc<Cause>,
    pub(super) place: Option<Place>,
}

impl TaskContext {
    /// How long until the task is abandoned. Zero if it has been.
    pub fn remaining(&self) -> Duration {
        self.ends().since(kill_path::now())
    }

    /// When the task is abandoned: the end of its own budget, of its phase's,
    /// or of the whole, whichever is first. It may come to be earlier, never
    /// later.
    pub fn deadline(&self) -> Instant {
        Instant::now() + self.remaining()
    }

    /// Why the shutdown began.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Whether the task's time is over and nobody waits for it any more. What
    /// it still does may be cut off at any moment.
    pub fn is_abandoned(&self) -> bool {
        self.task.is_abandoned()
    }

    /// Says how far the task is, for the hang report to quote. Up to 128 bytes
    /// are kept, and the last text stands.
    ///
    /// It allocates nothing and waits for nobody; it does not extend anything.
    pub fn progress(&self, text: &str) {
        if let Some(place) = self.place {
            place.says(text);
        }
    }

    fn ends(&self) -> Nanos {
        let deadline = self.clock.deadline();
        self.ends.min(deadline.saturating_sub(self.reserved_later))
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("task", &self.task.name)
            .field("remaining", &self.remaining())
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}
