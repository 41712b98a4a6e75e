//! The state of a run: the shutdown of one scope with the scopes in it, in one of its phases.

use std::sync::Arc;
use std::time::Duration;

use super::ids::ScopeId;
use super::index::Indexed;
use super::slab::List;
use super::sorted_set::SortedSet;
use crate::cause::Cause;
use crate::coordinator::plan::Planned;
use crate::report::{PhaseReport, Skip, TaskReport};
use deadstop_core::Nanos;

/// A run that is not over.
pub(super) struct Run {
    pub(super) owner: ScopeId,
    pub(super) cause: Arc<Cause>,
    pub(super) begun: Nanos,
    /// The run's own deadline, beside the process's.
    pub(super) own_deadline: Nanos,
    /// The phases before this one are skipped.
    pub(super) first: usize,
    /// No task starts before [`release`](super::Machine::release), or this time.
    pub(super) held_until: Option<Nanos>,
    /// The phase that runs.
    pub(super) phase: usize,
    pub(super) started: Nanos,
    /// The reserves of the phases after this one, decided as it begins.
    pub(super) reserved_later: Duration,
    /// Tasks of the phase that have not started.
    pub(super) queue: List,
    pub(super) running: List,
    /// The ends of the budgets of running tasks that have their own.
    pub(super) budgets: SortedSet,
    /// The reports of all phases: blank from the one that runs on, except for its tasks.
    pub(super) phases: Vec<PhaseReport>,
    pub(super) sequence_ended: bool,
    /// The run's entry in the index.
    pub(super) indexed: Indexed,
}

impl Run {
    /// Returns the number of its tasks that may start now, if at most `at_once` may run.
    pub(super) fn startable(&self, at_once: usize) -> usize {
        if self.held_until.is_some() {
            return 0;
        }
        self.queue
            .len()
            .min(at_once.saturating_sub(self.running.len()))
    }

    /// Returns `true` if a task of the phase has not ended.
    pub(super) fn has_tasks(&self) -> bool {
        !self.running.is_empty() || !self.queue.is_empty()
    }

    /// Returns `true` if the first phase waits to be released. It waits no longer than until the time
    /// that the hold ends.
    pub(super) fn is_held(&mut self, now: Nanos) -> bool {
        self.held_until = self.held_until.filter(|until| *until > now);
        self.held_until.is_some()
    }

    /// Notes the report of a task of the phase that runs.
    pub(super) fn note(&mut self, report: TaskReport) {
        if let Some(phase) = self.phases.get_mut(self.phase) {
            phase.tasks.push(report);
        }
    }

    /// Returns the time at which the phase's time is over.
    pub(super) fn ends(&self, phase: &Planned, deadline: Nanos) -> Nanos {
        let deadline = deadline.min(self.own_deadline);
        phase.ends(self.started, deadline, self.reserved_later)
    }

    pub(super) fn skips(&self, phase: &Planned) -> Option<Skip> {
        if self.phase < self.first {
            Some(Skip::BeforeStart)
        } else if phase.disabled {
            Some(Skip::Disabled)
        } else if self.sequence_ended && !phase.always {
            Some(Skip::SequenceEnded)
        } else {
            None
        }
    }
}
