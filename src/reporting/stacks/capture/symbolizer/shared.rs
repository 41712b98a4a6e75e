//! The state that the symbolizer shares with the reporter and with `deadstop-run`.
//!
//! # Orderings
//!
//! `job` says which thread owns the contents of `slot`: the symbolizer while there is
//! a job, the reporter while it is `IDLE`. The owner releases the mutex before it
//! changes `job` (Release/Acquire), so the mutex is free when the other thread takes
//! over. The thread does not use the slot for a `Refresh`, so the reporter may replace
//! that job by a look-up at any time; the thread ends only the job that it has done.
//! `is_running` is written once, by the thread, before it takes its first job.
//! While the symbolizer works, it holds the mutex only to write one name, and
//! the reporter takes what is there when its time is over.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};

use super::job::{IDLE, Job};
use crate::lock::{Mutex, MutexGuard, SHORT_WAIT};
use crate::process::WATCH;
use crate::reporting::stacks::capture::files::Modules;
use crate::reporting::stacks::capture::unwind::SharedUnwinder;
use deadstop_core::stack::Stack;

/// The state that the threads share.
pub(super) struct Shared {
    /// The state that the thread begins with.
    pub(super) unstarted: Mutex<Option<Unstarted>>,
    /// Set if a requested report waits for the thread to start.
    pub(super) is_requested: AtomicBool,
    pub(super) is_running: AtomicBool,
    /// Set if the system refused the thread.
    pub(super) is_refused: AtomicBool,
    /// The stack whose names are looked up. The thread makes it before it runs.
    pub(super) slot: OnceLock<Box<Mutex<Stack>>>,
    job: AtomicU32,
    pub(super) is_retired: AtomicBool,
}

pub(super) struct Unstarted {
    pub(super) modules: Modules,
    pub(super) unwinder: Arc<SharedUnwinder>,
}

impl Shared {
    pub(super) fn new(modules: Modules, unwinder: Arc<SharedUnwinder>) -> Self {
        Self {
            unstarted: Mutex::new(Some(Unstarted { modules, unwinder })),
            is_requested: AtomicBool::new(false),
            is_running: AtomicBool::new(false),
            is_refused: AtomicBool::new(false),
            slot: OnceLock::new(),
            job: AtomicU32::new(IDLE),
            is_retired: AtomicBool::new(false),
        }
    }

    pub(super) fn is_running(&self) -> bool {
        self.is_running.load(Ordering::Acquire)
    }

    /// Returns `true` if the thread runs, or never will.
    pub(super) fn is_start_over(&self) -> bool {
        self.is_running() || self.is_refused.load(Ordering::Acquire)
    }

    /// Records that the thread does not start: the reporter may wait for that.
    pub(super) fn refuse(&self) {
        self.is_refused.store(true, Ordering::Release);
        WATCH.notify();
    }

    pub(super) fn is_idle(&self) -> bool {
        self.job.load(Ordering::Acquire) == IDLE
    }

    /// The thread waits for the deadline to change, or for this.
    pub(super) fn give(&self, job: Job) {
        self.job.store(job.word(), Ordering::Release);
        WATCH.notify();
    }

    /// Returns the slot, unless the other thread has it for longer than a name takes.
    pub(super) fn try_slot(&self) -> Option<MutexGuard<'_, Stack>> {
        self.slot.get()?.try_lock_within(SHORT_WAIT)
    }

    /// Returns the job that the reporter has given, if there is one.
    pub(super) fn job(&self) -> Option<Job> {
        Job::of_word(self.job.load(Ordering::Acquire))
    }

    /// Ends `job`, unless the reporter has replaced it: the reporter owns the slot again, and
    /// waits for that.
    pub(super) fn finish_job(&self, job: Job) {
        let (success, failure) = (Ordering::Release, Ordering::Relaxed);
        let _ = self
            .job
            .compare_exchange(job.word(), IDLE, success, failure);
        WATCH.notify();
    }
}
