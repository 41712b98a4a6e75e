//! State that a task's thread, its handles, its contexts and its report share.
//!
//! # Orderings
//!
//! `is_abandoned` and `is_cancelled` are single: nothing else is passed on with them.
//! `thread` and `is_thread_named` are written and read under the coordinator's lock.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};

use super::machine::Shared;
use super::roster_entry::RosterEntry;
use crate::process::{self, report_requests::Request};
use crate::report::{Ending, Recorded, SharedText, Site, TaskRecord, TaskReport};
use deadstop_core::Nanos;
use deadstop_core::roster::Entry;

/// State that a task's thread, its handles, its contexts and its report share.
pub(super) struct TaskShared {
    /// Includes the path of the scope.
    name: String,
    pub(super) is_abandoned: AtomicBool,
    pub(super) is_cancelled: AtomicBool,
    /// The thread that runs it, or 0.
    thread: AtomicI32,
    /// Set if that thread has the task's name.
    is_thread_named: AtomicBool,
    pub(super) entry: RosterEntry,
    /// Its end, for its report.
    record: TaskRecord,
}

impl TaskShared {
    pub(super) fn new(name: String, site: &'static Location<'static>) -> Self {
        Self {
            name,
            is_abandoned: AtomicBool::new(false),
            is_cancelled: AtomicBool::new(false),
            thread: AtomicI32::new(0),
            is_thread_named: AtomicBool::new(false),
            entry: RosterEntry::new(),
            record: TaskRecord::new(Site::of(site)),
        }
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Tells the task that its time is over. Under the coordinator's lock.
    pub(super) fn abandon(&self) {
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

    /// Lists the task in the roster, as one that thread `tid` runs. Under the
    /// coordinator's lock: it is not abandoned before it is listed.
    pub(super) fn list(&self, entry: &Entry<'_>, tid: i32) {
        self.entry.add(entry, tid);
    }

    pub(super) fn unlist(&self, at: Nanos, has_failed: bool) {
        self.entry.finish(at, has_failed);
    }
}

impl AsRef<str> for TaskShared {
    fn as_ref(&self) -> &str {
        &self.name
    }
}

impl Recorded for TaskShared {
    fn name(&self) -> &str {
        &self.name
    }

    fn record(&self) -> &TaskRecord {
        &self.record
    }
}

impl Shared for Arc<TaskShared> {
    fn report(self, ending: Ending) -> TaskReport {
        self.record.end(ending);
        TaskReport::of(self)
    }
}

impl From<Arc<TaskShared>> for SharedText {
    fn from(task: Arc<TaskShared>) -> Self {
        Self::of(task)
    }
}
