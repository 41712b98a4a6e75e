//! A running task's entry in the roster, which clones of its context may write to after
//! the task has ended.
//!
//! # Orderings
//!
//! `key` is written under the coordinator's lock, before the task runs. Threads that
//! abandon the task read it under the lock, and the task's own threads read it after.
//!
//! `ended_at` and `has_failed` are written before the latch is closed, and read by the
//! writer that finds it closed: the latch orders them.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::write_latch::WriteLatch;
use crate::process::ROSTER;
use deadstop_core::Nanos;
use deadstop_core::roster::{Entry, SlotRef};

/// The task is not in the roster.
const ABSENT: u64 = 0;

/// The roster only counts the task.
const COUNTED: u64 = u64::MAX;

pub(super) struct RosterEntry {
    /// The key of the slot, or one of the two above.
    key: AtomicU64,
    latch: WriteLatch,
    ended_at: AtomicU64,
    has_failed: AtomicBool,
}

impl RosterEntry {
    pub(super) fn new() -> Self {
        Self {
            key: AtomicU64::new(ABSENT),
            latch: WriteLatch::new(),
            ended_at: AtomicU64::new(0),
            has_failed: AtomicBool::new(false),
        }
    }

    /// Lists the task, which thread `tid` runs.
    pub(super) fn add(&self, entry: &Entry<'_>, tid: i32) {
        let key = match ROSTER.running.add(entry) {
            Some(slot) => {
                slot.set_thread(tid);
                slot.key()
            }
            None => COUNTED,
        };
        self.key.store(key, Ordering::Relaxed);
    }

    /// Returns `true` if the task is listed.
    pub(super) fn mark_abandoned(&self) -> bool {
        let slot = self.slot();
        if let Some(slot) = slot {
            slot.mark_abandoned();
        }
        slot.is_some()
    }

    /// Calls `write` with the slot, unless the task has ended or another thread is
    /// writing.
    pub(super) fn write(&self, write: impl FnOnce(SlotRef)) {
        let Some(slot) = self.slot() else { return };
        if self.latch.begin_write() {
            write(slot);
            if self.latch.end_write() {
                // The task has ended meanwhile.
                self.give_back();
            }
        }
    }

    /// Records that the task has ended at `at`.
    pub(super) fn finish(&self, at: Nanos, has_failed: bool) {
        self.ended_at.store(at.0, Ordering::Relaxed);
        self.has_failed.store(has_failed, Ordering::Relaxed);
        if self.latch.close() {
            self.give_back();
        }
    }

    fn give_back(&self) {
        if self.key.load(Ordering::Relaxed) != ABSENT {
            let at = Nanos(self.ended_at.load(Ordering::Relaxed));
            let has_failed = self.has_failed.load(Ordering::Relaxed);
            ROSTER.running.finish(self.slot(), at, has_failed);
        }
    }

    fn slot(&self) -> Option<SlotRef> {
        match self.key.load(Ordering::Relaxed) {
            ABSENT | COUNTED => None,
            key => ROSTER.running.slot(key),
        }
    }
}
