//! Which task the calling thread runs.
//!
//! A task that waits for the shutdown would wait for itself, and a task that
//! panics under `panic = "abort"` never returns to say so.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crossbeam::channel::Sender;

use crate::kill_path;
use crate::trigger::panic::message;

use super::outcome::Outcome;
use super::run::Event;
use super::scope::Node;
use super::task::Task;

thread_local! {
    static CURRENT: RefCell<Option<Current>> = const { RefCell::new(None) };
    // `exit` destroys the locals of the thread that calls it before it calls
    // the exit handlers. This one has no destructor, and is still there.
    static IS_TASK: Cell<bool> = const { Cell::new(false) };
}

struct Current {
    task: Arc<Task>,
    events: Sender<Event>,
}

/// Runs `body` as `task`.
pub(super) fn run<R>(task: &Arc<Task>, events: &Sender<Event>, body: impl FnOnce() -> R) -> R {
    set(Some(Current {
        task: Arc::clone(task),
        events: events.clone(),
    }));
    let result = body();
    set(None);
    result
}

/// Whether the calling thread runs a task.
pub(crate) fn is_task() -> bool {
    IS_TASK.get()
}

/// Whether the calling thread runs a task of `scope`, or of one inside it.
pub(super) fn is_in(scope: &Node) -> bool {
    with(|current| current.is_some_and(|current| current.task.scope.is_in(scope))).unwrap_or(false)
}

/// Whether the calling thread runs a task of the run of `scope`.
pub(super) fn runs_with(scope: &Node) -> bool {
    let same = |current: &Current| std::ptr::eq(current.task.scope.runs_with(), scope);
    with(|current| current.is_some_and(same)).unwrap_or(false)
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
    with(|current| {
        if let Some(Current { task, events }) = current {
            if task.end() {
                let _ = events.send(Event::Ended {
                    id: task.id,
                    outcome: outcome(),
                    at: kill_path::now(),
                });
            }
        }
    });
}

fn with<R>(look: impl FnOnce(Option<&Current>) -> R) -> Option<R> {
    // The thread may be so far gone that it has no locals any more.
    CURRENT
        .try_with(|current| {
            current
                .try_borrow()
                .ok()
                .map(|current| look(current.as_ref()))
        })
        .ok()
        .flatten()
}

fn set(to: Option<Current>) {
    IS_TASK.set(to.is_some());
    let _ = CURRENT.try_with(|current| current.replace(to));
}
