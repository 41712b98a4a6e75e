//! Runs one task on the calling thread.

use std::sync::Arc;

use super::coordinator::Coordinator;
use super::running_task::{Payload, RunningTask};
use crate::contain::{self, contain};
use crate::coordinator::machine::Start;
use crate::report::Outcome;
use crate::trigger::panic::message;
use deadstop_core::Nanos;
use deadstop_core::roster::Entry;

/// A task that runs on thread `tid`.
pub(super) struct Execution<'a> {
    pub(super) coordinator: &'a Arc<Coordinator>,
    pub(super) start: Start<Payload>,
    pub(super) tid: i32,
}

/// The result of a task.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) panic_payload: Option<contain::Payload>,
    pub(super) at: Nanos,
    pub(super) task: Payload,
}

impl Execution<'_> {
    pub(super) fn run(self) -> Finished {
        let start = self.start;
        let task = start.payload;
        if self.coordinator.settings.is_attached {
            let phase = &self.coordinator.plan.phases()[start.phase];
            let entry = Entry {
                name: &start.name,
                phase: phase.name.as_str(),
                file: start.site.file(),
                line: start.site.line(),
                started: start.started,
                budget: start.ends.since(start.started),
            };
            task.list(&entry, self.tid);
        }
        let running = RunningTask {
            deadline: self.coordinator.deadline_handle(),
            task: Arc::clone(&task),
            name: start.name,
            ends: start.ends,
            own_deadline: start.own_deadline,
            reserved_later: start.reserved_later,
            cause: start.cause,
        };
        let body = task.take_body();
        let result = contain(|| body.map_or(Outcome::Cancelled, |body| body(running)));
        let at = deadstop_core::now();
        let (outcome, panic_payload) = match result {
            Ok(outcome) => (outcome, None),
            Err(payload) => (Outcome::Panicked(message(payload.value())), Some(payload)),
        };
        task.unlist(at, outcome.is_failure());
        Finished {
            outcome,
            panic_payload,
            at,
            task,
        }
    }
}
