//! The handle of a scope: a named group of tasks that can also be stopped alone.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::driver::{Coordinator, ScopeHandle};
use super::machine::{Request, ScopeId, ScopeOutcome};
use super::milestones::Requested;
use super::task_builder::TaskBuilder;
use crate::cause::Cause;
use crate::error::WaitError;
use crate::process::TRIGGERED;
use crate::report::ShutdownReport;

/// A named group of tasks that the program can stop on its own. Otherwise it stops with the
/// whole shutdown.
///
/// Its tasks run in the same phases as all others. If only the scope is requested to stop, its
/// tasks run within the grace of that request, and the process goes on.
///
/// The name identifies a scope: `shutdown.scope("ingest")` twice gives the same scope. Scopes
/// nest, and `scope("ingest").scope("reader")` is also `scope("ingest/reader")`. Looking a
/// scope up takes constant time. A scope is deleted when it has no handles, no tasks and no
/// scopes in it.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::report::Outcome;
/// use deadstop::{Cause, Shutdown};
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
pub struct Scope(ScopeHandle);

impl Scope {
    pub(crate) fn new(coordinator: &Arc<Coordinator>, name: &str, detached: bool) -> Self {
        Self(ScopeHandle::root(coordinator).open(name, detached))
    }

    /// Starts describing a task of this scope.
    #[track_caller]
    pub fn task(&self, name: impl Into<String>) -> TaskBuilder {
        TaskBuilder::of_scope(self.0.clone(), name.into(), Location::caller())
    }

    /// Returns the scope called `name` in this one, and creates it if needed. Slashes
    /// make scopes in scopes; the empty name is this scope itself.
    pub fn scope(&self, name: &str) -> Self {
        Self(self.0.open(name, false))
    }

    /// Like [`scope`](Self::scope), but detached: the scope does not stop with its parent, only
    /// at a request of its own. An existing scope stays as it is.
    ///
    /// Use a detached scope for resources that the parent's tasks still need. One of these
    /// tasks [stops](Self::stop) the scope when they no longer need it.
    pub fn detached_scope(&self, name: &str) -> Self {
        Self(self.0.open(name, true))
    }

    /// Returns the scope's path: `/ingest/reader`.
    pub fn name(&self) -> &str {
        &self.0.path
    }

    /// Returns `true` once the scope is requested to stop, alone or with its parent.
    pub fn is_requested(&self) -> bool {
        let coordinator = &self.0.coordinator;
        if !coordinator.is_here() {
            return false;
        }
        match self.0.id {
            ScopeId::ROOT => coordinator.is_requested(),
            id => coordinator.change(|machine, _| {
                machine.use_scope(id);
                machine.is_scope_requested(id)
            }),
        }
    }

    /// Returns a handle that resolves when the scope is requested to stop, alone or with
    /// its parent.
    pub fn requested(&self) -> Requested {
        if self.0.coordinator.is_here() {
            let id = self.0.id;
            self.0
                .coordinator
                .change(|machine, _| machine.use_scope(id));
        }
        Requested::of_scope(self.0.clone())
    }

    /// Requests this scope, and the scopes in it, to stop within `grace`, and returns at once.
    /// Returns `true` if this call stops it. Returns `false` if it is already stopping, alone
    /// or with its parent; if it is the whole shutdown; in a child of `fork`; and if the scope
    /// does not exist, which also logs a warning.
    ///
    /// The coordinator abandons and reports a task that overruns. The process goes on, unless
    /// the deadline of the whole shutdown passes.
    pub fn request(&self, cause: Cause, grace: Duration) -> bool {
        self.request_stop(cause, grace) == Some(Request::First)
    }

    fn request_stop(&self, cause: Cause, grace: Duration) -> Option<Request> {
        let coordinator = &self.0.coordinator;
        if !coordinator.is_here() {
            return None;
        }
        let id = self.0.id;
        let request = coordinator.change(|machine, now| {
            machine.request_scope(id, cause, now.saturating_add(grace), now)
        });
        match request {
            Request::First => TRIGGERED.advance(),
            Request::Again => {}
            Request::Unknown => {
                let error = self.unknown();
                coordinator.reporting.warn(format!("{error}"));
            }
        }
        Some(request)
    }

    /// Says what was lost or left: in the log, or on standard error if the logger does not
    /// take it.
    pub(crate) fn alert(&self, text: String) {
        self.0.coordinator.reporting.alert(text);
    }

    fn unknown(&self) -> WaitError {
        WaitError::UnknownScope {
            path: self.0.path.to_string(),
        }
    }

    /// Waits until the scope has stopped, and returns the report of its tasks. If the scope
    /// stopped with its parent or with the whole shutdown, the report is theirs. If the scope
    /// was [restarted](Self::restart) before this call noticed the stop, the report is that of
    /// the stop before the restart.
    ///
    /// # Errors
    ///
    /// Fails in a task that would wait for itself: a task of this scope, or of a scope that it
    /// stops with. Fails in a child of `fork`. The scope is not changed.
    pub fn wait(&self) -> Result<Arc<ShutdownReport>, WaitError> {
        self.wait_since(self.restarts())
    }

    fn restarts(&self) -> u64 {
        let (coordinator, id) = (&self.0.coordinator, self.0.id);
        match coordinator.is_here() {
            true => coordinator.change(|machine, _| machine.restarts(id)),
            false => 0,
        }
    }

    fn wait_since(&self, restarts: u64) -> Result<Arc<ShutdownReport>, WaitError> {
        let (coordinator, id) = (&self.0.coordinator, self.0.id);
        let task = coordinator.task_on_this_thread();
        loop {
            if !coordinator.is_here() {
                return Err(WaitError::Forked);
            }
            let seen = TRIGGERED.read();
            let (outcome, waits_for_itself) = coordinator.change(|machine, _| {
                let waits_for_itself = task.is_some_and(|task| machine.waits_for_itself(task, id));
                (machine.scope_outcome(id, restarts), waits_for_itself)
            });
            match outcome {
                ScopeOutcome::Report(report) => return Ok(report),
                _ if waits_for_itself => return Err(WaitError::FromTask),
                ScopeOutcome::WithWhole => {
                    if let Some(end) = coordinator.completion.get() {
                        return Ok(end.report);
                    }
                }
                ScopeOutcome::NotYet => {}
            }
            TRIGGERED.wait_past(seen, None);
        }
    }

    /// Requests the scope to stop within `grace`, and waits until it has:
    /// [`request`](Self::request) and [`wait`](Self::wait) in one.
    ///
    /// # Errors
    ///
    /// Fails like `wait`, and if the scope does not exist: no task was ever registered in it,
    /// and the program never asked whether it stops. Nothing is stopped then.
    pub fn stop(&self, cause: Cause, grace: Duration) -> Result<Arc<ShutdownReport>, WaitError> {
        // Another thread may restart it before this one sees that it has stopped.
        let restarts = self.restarts();
        match self.request_stop(cause, grace) {
            None => Err(WaitError::Forked),
            Some(Request::Unknown) => Err(self.unknown()),
            Some(Request::First | Request::Again) => self.wait_since(restarts),
        }
    }

    /// Makes a scope that has stopped alone, and the scopes in it, ready for new tasks. Returns
    /// `false` if it has not stopped alone, or if the whole shutdown has begun.
    pub fn restart(&self) -> bool {
        let (coordinator, id) = (&self.0.coordinator, self.0.id);
        let restarts =
            coordinator.is_here() && coordinator.change(|machine, _| machine.restart_scope(id));
        if restarts {
            // Those that wait for the run before.
            TRIGGERED.advance();
        }
        restarts
    }
}

impl fmt::Debug for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Scope").field(&self.0.path).finish()
    }
}
