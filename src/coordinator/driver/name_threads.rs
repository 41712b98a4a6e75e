//! Names threads after the tasks that they run, for `ps`, `top` and thread dumps.
//!
//! Naming takes system calls, and the name matters only for tasks that hang. So
//! `deadstop-run` names the thread of a task that has run for a while, from outside.
//!
//! Only `deadstop-run` gives a thread a task's name. A thread that was named takes its
//! own name back before it waits for work. Where that comes first, `deadstop-run` sees
//! afterwards that the task has ended, and takes the name back itself.

use std::sync::Arc;
use std::time::Duration;

use super::coordinator::{Coordinator, State};
use crate::coordinator::machine::TaskId;
use crate::coordinator::task_shared::TaskShared;
use crate::sys;
use deadstop_core::Nanos;

/// The name of a task thread without a task.
pub(super) const THREAD_NAME: &str = "deadstop-task";

/// The time for which a task runs before its thread is named.
pub(super) const NAME_AFTER: Duration = Duration::from_millis(1);

/// A thread to be named.
pub(super) struct Unnamed {
    task: TaskId,
    tid: i32,
    shared: Arc<TaskShared>,
}

impl State {
    /// Returns the threads whose tasks have run for a while and that have no name yet, and
    /// decides when to look again. The walk goes from the newest task back to the first whose
    /// thread has a name: all older ones have one too, so it is short with ten thousand tasks.
    pub(super) fn unnamed_threads(&mut self, now: Nanos) -> Vec<Unnamed> {
        let mut unnamed = Vec::new();
        let mut due = Nanos::LAST;
        let mut is_due = false;
        self.machine.each_running_back(|task, started, shared| {
            if shared.is_thread_named() {
                return false;
            }
            let at = started.saturating_add(NAME_AFTER);
            is_due |= at <= now;
            if !is_due {
                due = due.min(at);
            } else if let Some(tid) = shared.take_unnamed_thread() {
                let shared = Arc::clone(shared);
                unnamed.push(Unnamed { task, tid, shared });
            }
            true
        });
        self.naming_due = due;
        unnamed
    }
}

impl Coordinator {
    /// Names threads after their tasks. Without the lock: the system calls take a while.
    pub(super) fn name_threads(&self, threads: &[Unnamed]) {
        for thread in threads {
            sys::thread::set_name_of(thread.tid, thread.shared.name());
        }
        let ended: Vec<i32> = {
            let guard = self.lock();
            let machine = &guard.state.machine;
            let ended = threads.iter().filter(|it| !machine.is_running(it.task));
            ended.map(|it| it.tid).collect()
        };
        for tid in ended {
            sys::thread::set_name_of(tid, THREAD_NAME);
        }
    }
}
