//! The context of a running task.

use std::fmt;
use std::sync::Arc;
#[cfg(feature = "fault")]
use std::sync::OnceLock;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::deadline::ShutdownDeadline;
use super::task_shared::TaskShared;
use crate::cause::Cause;
use crate::report::Outcome;
use deadstop_core::Nanos;
use deadstop_core::roster::TaskKind;

/// A task's closure.
pub(super) type Body = Box<dyn FnOnce(&TaskContext) -> Outcome + Send>;

/// The hook that is called on a task's thread before its closure.
#[cfg(feature = "fault")]
static BEFORE_EACH_TASK: OnceLock<fn(&TaskContext)> = OnceLock::new();

/// Sets what is called on a task's thread before its closure. The first call counts.
#[cfg(feature = "fault")]
pub(crate) fn before_each_task(call: fn(&TaskContext)) {
    let _ = BEFORE_EACH_TASK.set(call);
}

/// The context of a running task: its deadline, its cause, and its progress.
///
/// A task gets one when it runs. It can be cloned and sent to the threads that do the
/// task's work.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// # let shutdown = deadstop::Shutdown::builder().signals([]).install()?;
/// shutdown.task("flush").on_shutdown(|cx| {
///     for part in 1..=3 {
///         cx.progress(&format!("part {part} of 3"));
///         if cx.is_abandoned() {
///             return Err("out of time");
///         }
///     }
///     Ok(())
/// })?;
/// # shutdown.finish();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct TaskContext {
    pub(super) deadline: Arc<ShutdownDeadline>,
    pub(super) cause: Arc<Cause>,
    pub(super) task: Arc<TaskShared>,
    pub(super) ends: Nanos,
    /// The run's own deadline, beside the process's.
    pub(super) own_deadline: Nanos,
    /// The time between the end of the task's phase and the deadline.
    pub(super) reserved_later: Duration,
}

impl TaskContext {
    /// Calls what was set by [`before_each_task`], on the task's thread.
    pub(super) fn about_to_run(&self) {
        #[cfg(feature = "fault")]
        if let Some(call) = BEFORE_EACH_TASK.get() {
            call(self);
        }
    }

    /// Returns the task's name, including the path of its scope.
    pub fn name(&self) -> &str {
        self.task.name()
    }

    /// Returns the time that is left until the task is abandoned; zero if it has been.
    pub fn remaining(&self) -> Duration {
        self.ends().since(deadstop_core::now())
    }

    /// Returns the time at which the task is abandoned: the end of its own budget, of its
    /// phase, or of the shutdown, whichever is first. Every call returns the same instant,
    /// unless the deadline was brought forward in between.
    pub fn deadline(&self) -> Instant {
        self.deadline.instant(self.ends())
    }

    /// Returns why the shutdown began.
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// Returns `true` if the task's time is over and the shutdown no longer waits for
    /// it. Work that it still does may be cut off at any moment.
    pub fn is_abandoned(&self) -> bool {
        self.task.is_abandoned.load(Ordering::Acquire)
    }

    /// Sets the text that reports show as the task's progress, up to 128 bytes. It replaces the
    /// text before.
    ///
    /// It allocates nothing and never blocks. It does not extend the deadline, and
    /// does nothing once the task has ended.
    pub fn progress(&self, text: &str) {
        self.task.entry.write(|slot| slot.set_progress(text));
    }

    /// Makes the reports show the thread `tid` as the task's: the one that it waits for.
    pub(crate) fn show_thread(&self, tid: i32) {
        self.task.entry.write(|slot| slot.set_thread(tid));
    }

    /// Returns `true` if the task's run has a deadline, and it is after `now`.
    pub(crate) fn report_is_ahead(&self, now: Nanos) -> bool {
        let deadline = self.run_deadline();
        deadline > now && deadline != Nanos::LAST
    }

    /// Makes the reports say what kind of work the task stands for.
    pub(crate) fn note_kind(&self, kind: TaskKind) {
        self.task.entry.write(|slot| slot.set_kind(kind));
    }

    /// Makes the reports say that the task is a future, which was not polled yet.
    pub(crate) fn note_future(&self) {
        self.task.entry.write(|slot| slot.mark_future());
    }

    /// Makes the reports say that thread `tid` began to poll the future at `at`.
    pub(crate) fn note_poll(&self, tid: i32, at: Nanos) {
        self.task.entry.write(|slot| slot.poll_begins(tid, at));
    }

    /// Makes the reports say that the poll is over.
    pub(crate) fn note_poll_end(&self) {
        self.task.entry.write(|slot| slot.poll_ends());
    }

    /// Returns when the task is abandoned, unless the deadline is brought forward.
    fn ends(&self) -> Nanos {
        let deadline = self.run_deadline();
        self.ends.min(deadline.saturating_sub(self.reserved_later))
    }

    /// The deadline of the process, or of the run alone if that is earlier.
    fn run_deadline(&self) -> Nanos {
        self.deadline.get().min(self.own_deadline)
    }
}

impl fmt::Debug for TaskContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskContext")
            .field("task", &self.name())
            .field("remaining", &self.remaining())
            .field("cause", &self.cause)
            .finish_non_exhaustive()
    }
}
