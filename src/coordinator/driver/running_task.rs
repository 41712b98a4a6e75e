//! A task's closure, and the context that it runs with.
//!
//! # Orderings
//!
//! `is_abandoned` and `is_cancelled` are single: nothing else is passed on with them.
//! `thread` and `is_thread_named` are written and read under the coordinator's lock.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use super::deadline::ShutdownDeadline;
use crate::cause::Cause;
use crate::coordinator::roster_entry::RosterEntry;
use crate::process::{self, report_requests::Request};
use crate::report::Outcome;
use deadstop_core::Nanos;
use deadstop_core::roster::Entry;

/// The machine's payload for each task.
pub(super) type Payload = Arc<TaskShared>;

/// A task's closure.
pub(in crate::coordinator) type Body = Box<dyn FnOnce(RunningTask) -> Outcome + Send>;

/// The state that a task's handles and the machine share.
pub(in crate::coordinator) struct TaskShared {
    body: Mutex<Option<Body>>,
    pub(in crate::coordinator) is_abandoned: AtomicBool,
    pub(in crate::coordinator) is_cancelled: AtomicBool,
    /// The thread that runs it, or 0.
    thread: AtomicI32,
    /// Set if that thread has the task's name.
    is_thread_named: AtomicBool,
    pub(in crate::coordinator) entry: RosterEntry,
}

impl TaskShared {
    pub(in crate::coordinator) fn new(body: Body) -> Self {
        Self {
            body: Mutex::new(Some(body)),
            is_abandoned: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
            thread: AtomicI32::new(0),
            is_thread_named: AtomicBool::new(false),
            entry: RosterEntry::new(),
        }
    }

    /// Takes the closure, if it is still there: to run it, or to drop it with no lock
    /// held.
    pub(in crate::coordinator) fn take_body(&self) -> Option<Body> {
        self.body.lock().take()
    }

    /// Tells the task that its time is over.
    pub(in crate::coordinator) fn abandon(&self) {
        self.is_abandoned.store(true, Ordering::Release);
        if self.entry.mark_abandoned() {
            process::request_report(Request::Abandoned);
        }
    }

    /// Sets the thread that runs the task.
    pub(super) fn set_thread(&self, tid: i32) {
        self.thread.store(tid, Ordering::Relaxed);
    }

    /// Returns the thread that runs the task if it has not been named, and notes that
    /// it will be.
    pub(super) fn take_unnamed_thread(&self) -> Option<i32> {
        let tid = self.thread.load(Ordering::Relaxed);
        let is_new = tid != 0 && !self.is_thread_named.swap(true, Ordering::Relaxed);
        is_new.then_some(tid)
    }

    pub(super) fn is_thread_named(&self) -> bool {
        self.is_thread_named.load(Ordering::Relaxed)
    }

    /// Lists the task in the roster, as one that thread `tid` runs.
    pub(in crate::coordinator) fn list(&self, entry: &Entry<'_>, tid: i32) {
        self.entry.add(entry, tid);
        if self.is_abandoned.load(Ordering::Acquire) {
            // It was abandoned before it was listed.
            self.entry.mark_abandoned();
            process::request_report(Request::Abandoned);
        }
    }

    pub(in crate::coordinator) fn unlist(&self, at: Nanos, has_failed: bool) {
        self.entry.finish(at, has_failed);
    }
}

/// The context of a running task.
#[derive(Clone)]
pub(in crate::coordinator) struct RunningTask {
    pub(in crate::coordinator) deadline: Arc<ShutdownDeadline>,
    pub(in crate::coordinator) task: Arc<TaskShared>,
    pub(in crate::coordinator) name: Arc<str>,
    pub(in crate::coordinator) ends: Nanos,
    pub(in crate::coordinator) own_deadline: Nanos,
    /// The time from the end of the task's phase to the deadline.
    pub(in crate::coordinator) reserved_later: Duration,
    pub(in crate::coordinator) cause: Arc<Cause>,
}

impl RunningTask {
    /// Returns the time at which the task is abandoned, unless the deadline is brought forward.
    pub(in crate::coordinator) fn ends(&self) -> Nanos {
        let deadline = self.deadline.get().min(self.own_deadline);
        self.ends.min(deadline.saturating_sub(self.reserved_later))
    }
}
