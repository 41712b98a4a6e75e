//! A task from its registration to its report.

use std::panic::Location;
use std::time::Duration;

use super::ids::{RunId, ScopeId, TaskId};
use crate::report::{Ending, Outcome, SharedText, TaskReport};
use deadstop_core::Nanos;

/// State that a task and its report share with the driver: the task's name is in it.
pub(in crate::coordinator) trait Shared: Clone + Into<SharedText> {
    /// Returns the report of the task, which is over. Called once for each task.
    fn report(self, ending: Ending) -> TaskReport;
}

/// The settings of a task that is registered.
pub(in crate::coordinator) struct NewTask {
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
pub(in crate::coordinator) struct Task<S, B> {
    pub(in crate::coordinator) shared: S,
    /// Its closure, until it starts.
    pub(super) body: Option<B>,
    pub(in crate::coordinator) site: &'static Location<'static>,
    pub(super) scope: ScopeId,
    pub(in crate::coordinator) phase: usize,
    pub(super) budget: Option<Duration>,
    pub(super) state: TaskState,
}

/// The state of a task; drawn in the head of the module.
#[derive(Clone, Copy)]
pub(super) enum TaskState {
    /// Pending or queued: [`queued_in`](super::Machine::queued_in) says which of them.
    Waiting,
    Running {
        run: RunId,
        started: Nanos,
        /// The time at which its time is over, as it was when it started.
        ends: Nanos,
    },
}

impl<S: Shared, B> Task<S, B> {
    pub(super) fn new(new: NewTask, shared: S, body: B) -> Self {
        Self {
            shared,
            body: Some(body),
            site: new.site,
            scope: new.scope,
            phase: new.phase,
            budget: new.budget,
            state: TaskState::Waiting,
        }
    }

    /// Makes the report of a task that ended at `now`, in a run that began at `begun`. A task
    /// that never started had until `ends`; what it would have run is returned too.
    pub(super) fn into_report(
        self,
        outcome: Outcome,
        ends: Nanos,
        now: Nanos,
        begun: Nanos,
    ) -> (TaskReport, Option<B>) {
        let (started, ends) = match self.state {
            TaskState::Running { started, ends, .. } => (started, ends),
            TaskState::Waiting => (now, ends),
        };
        let ending = Ending {
            outcome,
            start: started.0.saturating_sub(begun.0),
            took: now.0.saturating_sub(started.0),
            budget: ends.0.saturating_sub(started.0),
        };
        (self.shared.report(ending), self.body)
    }
}

/// A task that starts now.
pub(in crate::coordinator) struct Start<S, B> {
    pub(in crate::coordinator) task: TaskId,
    pub(in crate::coordinator) run: RunId,
    pub(in crate::coordinator) site: &'static Location<'static>,
    pub(in crate::coordinator) phase: usize,
    pub(in crate::coordinator) started: Nanos,
    pub(in crate::coordinator) ends: Nanos,
    /// The run's own deadline, beside the process's.
    pub(in crate::coordinator) own_deadline: Nanos,
    /// The time between the end of the phase and the deadline.
    pub(in crate::coordinator) reserved_later: Duration,
    pub(in crate::coordinator) shared: S,
    pub(in crate::coordinator) body: Option<B>,
}
