//! A task's turn, on the thread that runs it.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use super::Run;
use crate::cause::Cause;
use crate::coordinator::current::{self, Seat};
use crate::coordinator::outcome::Outcome;
use crate::coordinator::task::{Body, Task, TaskContext};
use crate::kill_path::{self, Nanos};
use crate::report::ROSTER;
use crate::sys;
use crate::trigger::panic::message;

/// A task's turn: what the thread that runs it needs to know.
pub(super) struct Turn {
    pub(super) seat: Seat,
    pub(super) task: Arc<Task>,
    pub(super) body: Body,
    /// The place of its phase.
    pub(super) phase: usize,
    pub(super) started: Nanos,
    pub(super) ends: Nanos,
}

/// What became of a turn.
pub(super) struct Done {
    pub(super) outcome: Outcome,
    pub(super) payload: Option<Box<dyn Any + Send>>,
    pub(super) cause: Arc<Cause>,
    pub(super) at: Nanos,
}

impl Turn {
    /// Runs the task on the calling thread, whose id is `tid`. `cause` is given
    /// back.
    pub(super) fn take(self, run: &Run, tid: i32, cause: Arc<Cause>) -> Done {
        let task = self.task;
        let phase = &run.core.plan.phases()[self.phase];
        sys::thread::set_name(&task.name);
        let place = ROSTER.running.enter(&kill_path::Entry {
            name: &task.name,
            phase: phase.name.as_str(),
            file: task.site.file(),
            line: task.site.line(),
            started: self.started,
            budget: self.ends.since(self.started),
        });
        if let Some(place) = place {
            place.runs_on(tid);
            task.is_listed(place);
        }
        let context = TaskContext {
            task,
            clock: run.clock,
            ends: self.ends,
            reserved_later: phase.reserved_later,
            cause,
            place,
        };
        let result = current::run(self.seat, || {
            // What a panic leaves behind is the task's own, and the task is
            // over.
            catch_unwind(AssertUnwindSafe(|| {
                #[cfg(feature = "fault")]
                crate::fault::strike_task(&context.task.name, &context);
                (self.body)(&context)
            }))
        });
        let at = kill_path::now();
        let (outcome, payload) = match result {
            Ok(outcome) => (outcome, None),
            Err(payload) => (Outcome::Panicked(message(&*payload)), Some(payload)),
        };
        ROSTER.running.end(place, at, outcome.is_failure());
        Done {
            outcome,
            payload,
            cause: context.cause,
            at,
        }
    }
}
