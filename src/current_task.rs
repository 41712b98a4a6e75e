//! The task that the calling thread runs.
//!
//! A task that waits for the shutdown would wait for itself, and a task that panics
//! under `panic = "abort"` never returns to report it. Triggers and exit handlers
//! ask here; the coordinator enters its tasks here.

use std::cell::{Cell, RefCell};
use std::sync::Arc;

use crate::report::Outcome;

/// The owner of a task: the coordinator.
pub(crate) trait TaskOwner: Send + Sync {
    /// Notes that the thread of the task `id` will not return from it.
    fn give_up(&self, id: u128, outcome: Outcome);
}

thread_local! {
    static OWNER: RefCell<Option<Arc<dyn TaskOwner>>> = const { RefCell::new(None) };
    // `exit` destroys the thread-locals of the thread that calls it before it calls
    // the exit handlers. This one has no destructor, and is still there. The pointer is
    // only compared.
    static TASK: Cell<Option<(*const (), u128)>> = const { Cell::new(None) };
}

/// Calls `run` as the task `id` of `owner`.
pub(crate) fn enter<T: TaskOwner + 'static, R>(
    owner: &Arc<T>,
    id: u128,
    run: impl FnOnce() -> R,
) -> R {
    let is_known = OWNER.try_with(|current| {
        let current = current.borrow();
        let known = current.as_ref().map(|it| Arc::as_ptr(it).cast::<()>());
        known == Some(Arc::as_ptr(owner).cast())
    });
    if is_known == Ok(false) {
        let owner = Arc::clone(owner) as Arc<dyn TaskOwner>;
        let _ = OWNER.try_with(|current| current.replace(Some(owner)));
    }
    TASK.set(Some((Arc::as_ptr(owner).cast(), id)));
    let result = run();
    TASK.set(None);
    result
}

/// Returns `true` if the calling thread runs a task, of any coordinator.
pub(crate) fn is_task() -> bool {
    TASK.get().is_some()
}

/// Returns the task of `owner` that the calling thread runs.
pub(crate) fn task_of<T>(owner: &T) -> Option<u128> {
    let (known, id) = TASK.get()?;
    (known == std::ptr::from_ref(owner).cast()).then_some(id)
}

/// Notes that the calling thread will not return from its task of `owner`, if it runs one. Its
/// destructors may have run already: `exit` runs them before it calls exit handlers.
pub(crate) fn leave<T: TaskOwner>(owner: &T, outcome: impl FnOnce() -> Outcome) {
    if let Some(id) = task_of(owner) {
        TASK.set(None);
        owner.give_up(id, outcome());
    }
}

/// Notes that the calling thread will not return from its task, if it runs one.
pub(crate) fn give_up(outcome: impl FnOnce() -> Outcome) {
    let Some((_, id)) = TASK.get() else { return };
    // The thread may be so far gone that it has no thread-locals any more.
    let _ = OWNER.try_with(|current| {
        if let Some(owner) = current.borrow().as_ref() {
            owner.give_up(id, outcome());
        }
    });
}
