//! The state of a task.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::ids::{RunId, ScopeId, TaskId};
use crate::cause::Cause;
use crate::report::{Outcome, Site, TaskReport};
use deadstop_core::Nanos;

/// What a task is registered with.
pub(in crate::coordinator) struct NewTask {
    /// Includes the path of the scope.
    pub(in crate::coordinator) name: Arc<str>,
    pub(in crate::coordinator) site: &'static Location<'static>,
    pub(in crate::coordinator) scope: ScopeId,
    pub(in crate::coordinator) phase: usize,
    pub(in crate::coordinator) budget: Option<Duration>,
}

/// The reason why a task was not registered.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(in crate::coordinator) enum Refusal {
    Over,
    PhaseOver,
}

/// A task that has not ended.
pub(in crate::coordinator) struct Task<P> {
    pub(in crate::coordinator) name: Arc<str>,
    pub(in crate::coordinator) site: &'static Location<'static>,
    pub(super) scope: ScopeId,
    pub(in crate::coordinator) phase: usize,
    pub(super) budget: Option<Duration>,
    pub(super) payload: P,
    pub(super) state: TaskState,
}

/// The state of a task; drawn in the head of the module.
#[derive(Clone, Copy)]
pub(super) enum TaskState {
    Pending,
    Queued(RunId),
    Running {
        run: RunId,
        started: Nanos,
        /// The time at which its time is over, as it was when it started.
        ends: Nanos,
    },
}

impl<P> Task<P> {
    pub(super) fn new(new: NewTask, payload: P, state: TaskState) -> Self {
        Self {
            name: new.name,
            site: new.site,
            scope: new.scope,
            phase: new.phase,
            budget: new.budget,
            payload,
            state,
        }
    }

    /// The report of a task that ended at `now`, in a run that began at `begun`. One
    /// that never started had until `ends`.
    pub(super) fn report(
        &self,
        outcome: Outcome,
        ends: Nanos,
        now: Nanos,
        begun: Nanos,
    ) -> TaskReport {
        let (started, ends) = match self.state {
            TaskState::Running { started, ends, .. } => (started, ends),
            TaskState::Pending | TaskState::Queued(_) => (now, ends),
        };
        TaskReport {
            name: Arc::clone(&self.name),
            outcome,
            start: started.0.saturating_sub(begun.0),
            took: now.0.saturating_sub(started.0),
            budget: ends.0.saturating_sub(started.0),
            site: Site::of(self.site),
        }
    }
}

/// A task that starts now.
pub(in crate::coordinator) struct Start<P> {
    pub(in crate::coordinator) task: TaskId,
    pub(in crate::coordinator) name: Arc<str>,
    pub(in crate::coordinator) site: &'static Location<'static>,
    pub(in crate::coordinator) phase: usize,
    pub(in crate::coordinator) started: Nanos,
    pub(in crate::coordinator) ends: Nanos,
    /// The run's own deadline, beside the process's.
    pub(in crate::coordinator) own_deadline: Nanos,
    /// How long before the deadline the phase ends.
    pub(in crate::coordinator) reserved_later: Duration,
    pub(in crate::coordinator) cause: Arc<Cause>,
    pub(in crate::coordinator) payload: P,
}
