//! Which task the calling thread runs.
//!
//! A task that waits for the shutdown would wait for itself, and a task that
//! panics under `panic = "abort"` never returns to say so.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::trigger::panic::message;

use super::outcome::Outcome;
use super::run::Run;
use super::scope::Node;
use super::task::Task;

thread_local! {
    /// The run that the thread takes turns in.
    static RUN: RefCell<Option<Arc<Run>>> = const { RefCell::new(None) };
    // `exit` destroys the locals of the thread that calls it before it calls
    // the exit handlers. This one has no destructor, and is still there.
    static SEAT: Cell<Option<Seat>> = const { Cell::new(None) };
}

/// Which of a run's tasks a thread is at.
#[derive(Clone, Copy)]
pub(super) struct Seat {
    pub(super) at: usize,
    pub(super) task: u64,
}

/// The thread takes turns in `run` from here on.
pub(super) fn join(run: &Arc<Run>) {
    let run = Some(Arc::clone(run));
    let _ = RUN.try_with(|current| current.replace(run));
}

/// And no more.
pub(super) fn leave() {
    let _ = RUN.try_with(RefCell::take);
}

/// Runs `body`, which is that of the task in `seat`.
pub(super) fn run<R>(seat: Seat, body: impl FnOnce() -> R) -> R {
    SEAT.set(Some(seat));
    let result = body();
    SEAT.set(None);
    result
}

/// Whether the calling thread runs a task.
pub(crate) fn is_task() -> bool {
    SEAT.get().is_some()
}

/// Whether the calling thread runs a task of `scope`, or of one inside it.
pub(super) fn is_in(scope: &Node) -> bool {
    task().is_some_and(|task| task.scope.is_in(scope))
}

/// Whether the calling thread runs a task of the run of `scope`.
pub(super) fn runs_with(scope: &Node) -> bool {
    task().is_some_and(|task| std::ptr::eq(task.scope.runs_with(), scope))
}

/// The task that the calling thread runs, unless it was given up.
fn task() -> Option<Arc<Task>> {
    with(|run, seat| run.task(seat)).flatten()
}

/// Says that the calling thread's task, if it runs one, has panicked and will
/// not return.
pub(crate) fn panicked(payload: &(dyn Any + Send)) {
    end(|| Outcome::Panicked(message(payload)));
}

/// Says that the calling thread's task, if it runs one, will not return.
pub(crate) fn gave_up(why: &str) {
    end(|| Outcome::Failed(why.to_owned()));
}

fn end(outcome: impl FnOnce() -> Outcome) {
    with(|run, seat| run.end(seat, outcome()));
}

fn with<R>(look: impl FnOnce(&Run, Seat) -> R) -> Option<R> {
    let seat = SEAT.get()?;
    // The thread may be so far gone that it has no locals any more.
    RUN.try_with(|run| {
        let run = run.try_borrow().ok()?;
        run.as_ref().map(|run| look(run, seat))
    })
    .ok()
    .flatten()
}
