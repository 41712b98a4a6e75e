//! What wakes the coordinator of a run.
//!
//! # Orderings
//!
//! The count orders: who has read a count sees what was done before the rings in
//! it, as `tests/loom` tries for the deadline's count of changes. `added` is set
//! before its ring and asked behind the count; by itself it would need no ordering.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::kill_path::{EventCount, Nanos};

/// Wakes the coordinator of a run.
pub(in crate::coordinator) struct Bell {
    rung: EventCount,
    added: AtomicBool,
}

impl Bell {
    pub(super) fn new() -> Self {
        Self {
            rung: EventCount::new(),
            added: AtomicBool::new(false),
        }
    }

    /// Something has changed.
    pub(in crate::coordinator) fn ring(&self) {
        self.rung.advance();
    }

    /// A task was registered for a phase that has not ended.
    pub(in crate::coordinator) fn ring_for_added(&self) {
        self.added.store(true, Ordering::Release);
        self.rung.advance();
    }

    /// Counts the rings, for [`wait_past`](Self::wait_past).
    pub(super) fn rung(&self) -> u32 {
        self.rung.read()
    }

    /// Whether a task was registered since this was last asked.
    pub(super) fn take_added(&self) -> bool {
        self.added.swap(false, Ordering::AcqRel)
    }

    /// Waits for a ring after those `seen`, or until then.
    pub(super) fn wait_past(&self, seen: u32, until: Nanos) {
        self.rung.wait_past(seen, Some(until));
    }
}
