//! A handle of a registered task, which cancels it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::driver::Coordinator;
use super::machine::TaskId;
use super::task_shared::TaskShared;

/// A registered task. Dropping the handle changes nothing.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().signals([]).install()?;
/// // A task for each connection, cancelled when the connection closes.
/// let goodbye = shutdown.task("say goodbye").on_shutdown(|_| {})?;
/// assert!(goodbye.cancel());
/// assert!(!goodbye.cancel());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TaskHandle {
    coordinator: Arc<Coordinator>,
    id: TaskId,
    shared: Arc<TaskShared>,
}

impl TaskHandle {
    pub(super) fn new(coordinator: &Arc<Coordinator>, id: TaskId, shared: Arc<TaskShared>) -> Self {
        Self {
            coordinator: Arc::clone(coordinator),
            id,
            shared,
        }
    }

    /// Cancels the task: it will not run. Returns `true` if this call cancelled it;
    /// `false` if it has started, was skipped, or was cancelled before.
    ///
    /// If several threads cancel while the shutdown starts the task, either it runs or exactly
    /// one of them gets `true`. The calling thread drops the closure, and all memory of the
    /// task is freed. In a child of `fork` it returns `false`.
    pub fn cancel(&self) -> bool {
        if !self.coordinator.is_here() {
            return false;
        }
        let cancelled = self.coordinator.cancel(self.id);
        let is_cancelled = cancelled.is_some();
        if is_cancelled {
            self.shared.is_cancelled.store(true, Ordering::Release);
        }
        // Here, on the caller's thread: it is the caller's closure.
        drop(cancelled);
        is_cancelled
    }

    /// Removes the task if it is not requested yet, because it has nothing left to do: a
    /// program that registers a task for each connection would fill its memory with them.
    #[cfg(feature = "tokio")]
    pub(crate) fn remove_before_request(&self) {
        if self.coordinator.is_here() {
            drop(self.coordinator.remove_before_request(self.id));
        }
    }

    /// Returns `true` if the task was cancelled.
    pub fn is_cancelled(&self) -> bool {
        self.shared.is_cancelled.load(Ordering::Acquire)
    }

    /// Returns the task's name, including the path of its scope.
    pub fn name(&self) -> &str {
        self.shared.name()
    }
}

impl fmt::Debug for TaskHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("TaskHandle").field(&self.name()).finish()
    }
}
