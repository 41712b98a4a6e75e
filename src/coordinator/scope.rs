//! A scope: a part of the program that can also be stopped alone.
//!
//! # Orderings
//!
//! `asked` is changed under the registry's lock, and whoever decides by it which run
//! takes a task holds that lock. Who reads it without is told that the end was asked
//! for, and nothing else is passed on with it: there is nothing for loom to see.

#[cfg(feature = "crossbeam-channel")]
use std::convert::Infallible;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

#[cfg(feature = "crossbeam-channel")]
use crossbeam::channel::{Receiver, Sender};
use parking_lot::Mutex;

use crate::cause::Cause;
use crate::error::WaitError;
use crate::installation::WATCH;
use crate::kill_path;
use crate::trigger::{FIRST, TRIGGERED};

use super::clock::Clock;
use super::core::Core;
use super::current;
use super::requested::Requested;
use super::run::{Bell, Run};
use super::shutdown_report::ShutdownReport;
use super::task::TaskBuilder;

/// A place in the tree of scopes. The root is the whole shutdown.
pub(crate) struct Node {
    /// Empty for the root, `/ingest/reader` below.
    path: String,
    parent: Option<Arc<Self>>,
    detached: bool,
    asked: AtomicBool,
    state: Mutex<State>,
}

struct State {
    position: Position,
    report: Option<Arc<ShutdownReport>>,
    /// How often it was restarted, and what was reported of the run before.
    restarts: u64,
    before: Option<Arc<ShutdownReport>>,
    #[cfg(feature = "crossbeam-channel")]
    gate: Option<(Sender<Infallible>, Receiver<Infallible>)>,
}

/// How far a run is. It changes under the registry's lock.
#[derive(Clone)]
pub(super) enum Position {
    Before,
    At { phase: usize, bell: Arc<Bell> },
    Over,
}

impl Node {
    pub(super) fn root() -> Arc<Self> {
        Arc::new(Self::new(String::new(), None, false))
    }

    fn new(path: String, parent: Option<Arc<Self>>, detached: bool) -> Self {
        Self {
            path,
            parent,
            detached,
            asked: AtomicBool::new(false),
            state: Mutex::new(State {
                position: Position::Before,
                report: None,
                restarts: 0,
                before: None,
                #[cfg(feature = "crossbeam-channel")]
                gate: None,
            }),
        }
    }

    pub(super) fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    pub(super) fn path(&self) -> &str {
        &self.path
    }

    /// The name of a task of this scope.
    pub(super) fn name_of(&self, task: String) -> String {
        match self.is_root() {
            true => task,
            false => format!("{}/{task}", self.path),
        }
    }

    /// Whether its end has been asked for: its own, or one that it joins.
    pub(crate) fn is_requested(&self) -> bool {
        match &self.parent {
            // In this order: the second is a system call, and a program that
            // looks at this in a loop is spared it.
            None => FIRST.is_some() && WATCH.is_home(),
            Some(parent) => {
                self.asked.load(Ordering::Acquire) || (!self.detached && parent.is_requested())
            }
        }
    }

    /// A channel that is disconnected at the request.
    #[cfg(feature = "crossbeam-channel")]
    pub(super) fn receiver(&self) -> Receiver<Infallible> {
        let mut state = self.state.lock();
        // Under the lock: a request that comes now opens the gate after this.
        if self.is_requested() {
            return crossbeam::channel::bounded(0).1;
        }
        let gate = state
            .gate
            .get_or_insert_with(|| crossbeam::channel::bounded(0));
        gate.1.clone()
    }

    /// Disconnects the channel, if its end has been asked for.
    #[cfg(feature = "crossbeam-channel")]
    pub(super) fn open_gate(&self) {
        let mut state = self.state.lock();
        if self.is_requested() {
            state.gate = None;
        }
    }

    /// The scope whose run its tasks are part of: itself, if its end was asked
    /// for alone or it is detached, and else what its parent is part of.
    pub(super) fn runs_with(&self) -> &Self {
        let alone = self.detached || self.asked.load(Ordering::Acquire);
        match &self.parent {
            Some(parent) if !alone => parent.runs_with(),
            _ => self,
        }
    }

    pub(super) fn set_position(&self, position: Position) {
        self.state.lock().position = position;
    }

    /// Its run moves on to the phase at `place`.
    pub(super) fn move_to(&self, place: usize, bell: &Arc<Bell>) {
        let mut state = self.state.lock();
        match &mut state.position {
            Position::At { phase, .. } => *phase = place,
            position => {
                *position = Position::At {
                    phase: place,
                    bell: Arc::clone(bell),
                };
            }
        }
    }

    fn position(&self) -> Position {
        self.state.lock().position.clone()
    }

    /// Whether its run is over.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.position(), Position::Over)
    }

    fn restarts(&self) -> u64 {
        self.state.lock().restarts
    }

    /// What was reported of the run that it was restarted after, if it was since
    /// there were so many `restarts`.
    fn report_before(&self, restarts: u64) -> Option<Arc<ShutdownReport>> {
        let state = self.state.lock();
        let before = state.before.as_ref();
        before.filter(|_| state.restarts != restarts).cloned()
    }

    /// How far the run is that its tasks belong to.
    pub(super) fn position_of_tasks(&self) -> Position {
        match (self.position(), &self.parent) {
            (Position::Before, Some(parent)) if !self.detached => parent.position_of_tasks(),
            (position, _) => position,
        }
    }

    /// Whether its tasks belong to a run of `run`: it is that scope, or below
    /// it with nothing in between that stops by itself.
    pub(super) fn joins(&self, run: &Self) -> bool {
        if std::ptr::eq(self, run) {
            return true;
        }
        let alone = self.detached || matches!(self.position(), Position::At { .. });
        match &self.parent {
            Some(parent) if !alone => parent.joins(run),
            _ => false,
        }
    }

    /// Whether it is `scope`, or somewhere below it.
    pub(super) fn is_in(&self, scope: &Self) -> bool {
        std::ptr::eq(self, scope)
            || self
                .parent
                .as_ref()
                .is_some_and(|parent| parent.is_in(scope))
    }
}

/// A part of the program that can be stopped alone, and otherwise joins the
/// whole.
///
/// Its tasks run in the same phases as all others. Asked to stop alone, it runs
/// them with a grace of its own, and an overrun is the caller's to deal with:
/// the process goes on.
///
/// A scope is known by its name: asking twice for `"ingest"` gives the same
/// one. Scopes nest, and `scope("ingest").scope("reader")` is also
/// `scope("ingest/reader")`. Cloning a handle is free, and dropping it changes
/// nothing.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::{Cause, Outcome, Shutdown};
///
/// let shutdown = Shutdown::builder().signals([]).install()?;
/// let ingest = shutdown.scope("ingest");
/// ingest.task("reader").on_shutdown(|_| {})?;
///
/// let report = ingest.stop(Cause::requested("a reload"), Duration::from_secs(5))?;
/// assert_eq!(report.task("/ingest/reader").unwrap().outcome(), &Outcome::Done);
///
/// // The process goes on, and so may the scope.
/// assert!(ingest.restart());
/// ingest.task("reader").on_shutdown(|_| {})?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Scope {
    core: Arc<Core>,
    node: Arc<Node>,
}

impl Scope {
    pub(crate) fn below(core: &Arc<Core>, parent: &Arc<Node>, name: &str, detached: bool) -> Self {
        let mut scopes = core.scopes.lock();
        let mut node = Arc::clone(parent);
        let mut segments = name.split('/').filter(|name| !name.is_empty()).peekable();
        while let Some(segment) = segments.next() {
            let path = format!("{}/{segment}", node.path);
            let known = scopes.iter().find(|node| node.path == path);
            node = match known {
                Some(known) => Arc::clone(known),
                None => {
                    let detached = detached && segments.peek().is_none();
                    let new = Arc::new(Node::new(path, Some(node), detached));
                    scopes.push(Arc::clone(&new));
                    new
                }
            };
        }
        drop(scopes);
        Self {
            core: Arc::clone(core),
            node,
        }
    }

    /// Starts describing a task of this scope.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates.
    #[track_caller]
    pub fn task(&self, name: impl Into<String>) -> TaskBuilder {
        TaskBuilder::new(
            Arc::clone(&self.core),
            Arc::clone(&self.node),
            name.into(),
            Location::caller(),
        )
    }

    /// The scope of that name in this one. Slashes in the name make scopes in
    /// scopes; an empty name is this scope itself.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn scope(&self, name: &str) -> Self {
        Self::below(&self.core, &self.node, name, false)
    }

    /// Like [`scope`](Self::scope), but detached: it stops only if it is asked
    /// itself, and not because its parent is. One that exists stays as it is.
    ///
    /// What its parent's tasks still need goes into a detached scope, which one
    /// of them [stops](Self::stop) when it needs it no more.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn detached_scope(&self, name: &str) -> Self {
        Self::below(&self.core, &self.node, name, true)
    }

    /// Its path: `/ingest/reader`.
    pub fn name(&self) -> &str {
        self.node.path()
    }

    /// Whether its end has been asked for, alone or with what it is part of.
    pub fn is_requested(&self) -> bool {
        self.node.is_requested()
    }

    /// The moment at which its end is asked for.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: what it returns takes a lock as it is polled
    /// and dropped.
    pub fn requested(&self) -> Requested {
        Requested::new(Arc::clone(&self.core), Arc::clone(&self.node))
    }

    /// Asks this scope, and those in it, to stop within `grace`, and returns at
    /// once. Whether this was the first request; false also if the whole
    /// shutdown has begun, which the scope then is part of.
    ///
    /// A task that overruns is abandoned and reported. The process goes on,
    /// unless the whole shutdown's deadline passes.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn request(&self, cause: Cause, grace: Duration) -> bool {
        if !WATCH.is_home() || self.node.is_root() {
            return false;
        }
        let begun = kill_path::now();
        {
            // A restart is under this lock too, and so is the end of the whole,
            // which from then on has a run to wait for.
            let _registry = self.core.registry.lock();
            let joined = !self.node.detached && self.node.is_requested();
            let over = self.core.root.is_over();
            if joined || over || self.node.asked.swap(true, Ordering::AcqRel) {
                return false;
            }
            self.core.begin_scope_run();
        }
        TRIGGERED.advance();
        self.core.tell_requested();
        let clock = Clock::of_scope(begun, begun.saturating_add(grace));
        let scope = self.clone();
        self.core
            .pool
            .submit(Box::new(move || scope.run(clock, cause)));
        self.core.pool.staff(1, 0);
        true
    }

    /// Waits until the scope has stopped, and returns what became of its tasks.
    /// If it stops as part of another, or of the whole, the report is of that. One
    /// that is [restarted](Self::restart) before the caller comes to see it has
    /// stopped all the same.
    ///
    /// # Errors
    ///
    /// Fails in a task of this scope, or of one that it stops with, which would
    /// wait for itself, and in a child of `fork`. The scope stops all the same.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn wait(&self) -> Result<Arc<ShutdownReport>, WaitError> {
        self.wait_since(self.node.restarts())
    }

    fn wait_since(&self, restarts: u64) -> Result<Arc<ShutdownReport>, WaitError> {
        if !WATCH.is_home() {
            return Err(WaitError::Forked);
        }
        if current::is_in(&self.node) {
            return Err(WaitError::FromTask);
        }
        loop {
            let seen = TRIGGERED.read();
            if let Some(report) = self.node.report_before(restarts) {
                return Ok(report);
            }
            let run = self.node.runs_with();
            if let Some(report) = run.state.lock().report.clone() {
                return Ok(report);
            }
            if let Some(end) = self.core.end.get() {
                return Ok(end.report);
            }
            // The end of the whole comes after every task.
            let of_whole = run.is_root() && run.is_requested();
            if current::runs_with(run) || (of_whole && current::is_task()) {
                return Err(WaitError::FromTask);
            }
            TRIGGERED.wait_past(seen, None);
        }
    }

    /// Asks the scope to stop, and waits until it has:
    /// [`request`](Self::request) and [`wait`](Self::wait) in one.
    ///
    /// # Errors
    ///
    /// As `wait`.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn stop(&self, cause: Cause, grace: Duration) -> Result<Arc<ShutdownReport>, WaitError> {
        // Who restarts it may be faster.
        let restarts = self.node.restarts();
        self.request(cause, grace);
        self.wait_since(restarts)
    }

    /// Makes a scope that has stopped, and those in it, ready for new tasks.
    /// False if it has not stopped, or if the whole shutdown has begun.
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it takes a lock.
    pub fn restart(&self) -> bool {
        let _registry = self.core.registry.lock();
        // The report is the last that a run leaves behind: one that came after
        // the restart would pass for the next run's.
        let report = self.node.state.lock().report.clone();
        if report.is_none() || self.core.root.is_requested() {
            return false;
        }
        let scopes = self.core.scopes.lock();
        for node in scopes.iter().filter(|node| node.is_in(&self.node)) {
            let mut state = node.state.lock();
            // A scope inside that runs by itself goes on doing so.
            if !matches!(state.position, Position::At { .. }) {
                state.position = Position::Before;
                state.restarts += 1;
                state.before = state.report.take().or_else(|| report.clone());
                node.asked.store(false, Ordering::Release);
            }
        }
        true
    }

    /// The scope's own run, on a thread of the pool.
    fn run(&self, clock: Clock, cause: Cause) {
        self.core
            .log
            .info(format!("scope {} stops: {cause}", self.name()));
        let run = Run::new(&self.core, &self.node, clock, cause, 0);
        run.begin();
        run.watch();
        let Some(report) = run.report() else {
            // Only this thread asks for it.
            return;
        };
        let text = format!("scope {} has stopped\n{report}", self.name());
        match report.is_clean() {
            true => self.core.log.info(text.trim_end().to_owned()),
            false => self.core.log.warn(text.trim_end().to_owned()),
        }
        self.node.state.lock().report = Some(Arc::new(report));
        self.core.end_scope_run();
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.node.path).finish()
    }
}
