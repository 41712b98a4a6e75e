//! Runs tasks on the calling thread, one after another.

use std::sync::Arc;

use super::machine::Started;
use crate::cause::Cause;
use crate::contain::{self, contain};
use crate::coordinator::deadline::ShutdownDeadline;
use crate::coordinator::machine::RunId;
use crate::coordinator::task_context::TaskContext;
use crate::report::Outcome;
use crate::trigger::panic::message;
use deadstop_core::Nanos;

/// Runs tasks. It keeps the context of the last: the next is mostly of the same run, and
/// most of its context is the same.
pub(super) struct Executor {
    deadline: Arc<ShutdownDeadline>,
    last: Option<(RunId, TaskContext)>,
    /// Set if the thread was named after a task, and has not taken its own name back.
    pub(super) is_thread_named: bool,
}

/// The result of a task.
pub(super) struct Finished {
    pub(super) outcome: Outcome,
    pub(super) panic_payload: Option<contain::Payload>,
    pub(super) at: Nanos,
}

impl Executor {
    pub(super) fn new(deadline: Arc<ShutdownDeadline>) -> Self {
        Self {
            deadline,
            last: None,
            is_thread_named: false,
        }
    }

    /// Returns the run of the last task.
    pub(super) fn last_run(&self) -> Option<RunId> {
        self.last.as_ref().map(|(run, _)| *run)
    }

    /// Runs a task, which is listed in the roster.
    pub(super) fn run(&mut self, started: Started) -> Finished {
        let start = started.start;
        let body = start.body;
        let context = match (&mut self.last, started.cause) {
            (Some((_, context)), None) => {
                context.task = start.shared;
                context.ends = start.ends;
                context.own_deadline = start.own_deadline;
                context.reserved_later = start.reserved_later;
                &*context
            }
            (last, cause) => {
                let context = TaskContext {
                    deadline: Arc::clone(&self.deadline),
                    // Each run has one.
                    cause: cause.unwrap_or_else(|| Arc::new(Cause::Finished)),
                    task: start.shared,
                    ends: start.ends,
                    own_deadline: start.own_deadline,
                    reserved_later: start.reserved_later,
                };
                &last.insert((start.run, context)).1
            }
        };
        // A panic leaves only the task's own state behind, and the task is over.
        let result = contain(|| body.map_or(Outcome::Cancelled, |body| body(context)));
        let at = deadstop_core::now();
        let (outcome, panic_payload) = match result {
            Ok(outcome) => (outcome, None),
            Err(payload) => (Outcome::Panicked(message(payload.value())), Some(payload)),
        };
        context.task.unlist(at, outcome.is_failure());
        self.is_thread_named |= context.task.is_thread_named();
        Finished {
            outcome,
            panic_payload,
            at,
        }
    }
}
