//! Lets one thread at a time write, until the latch is closed. No thread waits.
//!
//! ```text
//!  OPEN ◀──▶ WRITING
//!   │           │
//!   └─▶ CLOSED ◀┘
//! ```
//!
//! The owner closes it. If a thread is writing at that moment, that thread gets `true`
//! from `end_write` and does what the owner would have done.
//!
//! # Orderings
//!
//! What the owner writes before `close` is visible to the writer whose `end_write`
//! returns `true`, and what a writer wrote is visible to an owner whose `close` returns
//! `true`: the exchanges are `AcqRel`. `tests/loom` has a model that fails if either is
//! `Relaxed`.

use crate::primitives::atomic::{AtomicU8, Ordering};

const OPEN: u8 = 0;
const WRITING: u8 = 1;
const CLOSED: u8 = 2;

pub(super) struct WriteLatch(AtomicU8);

impl WriteLatch {
    pub(super) fn new() -> Self {
        Self(AtomicU8::new(OPEN))
    }

    /// Returns `true` if the caller may write; it then calls `end_write`.
    pub(super) fn begin_write(&self) -> bool {
        self.0
            .compare_exchange(OPEN, WRITING, Ordering::Acquire, Ordering::Relaxed)
            .is_ok()
    }

    /// Returns `true` if the latch was closed meanwhile.
    pub(super) fn end_write(&self) -> bool {
        self.0
            .compare_exchange(WRITING, OPEN, Ordering::Release, Ordering::Acquire)
            .is_err()
    }

    /// Closes the latch. Returns `false` if a thread is writing.
    pub(super) fn close(&self) -> bool {
        self.0.swap(CLOSED, Ordering::AcqRel) != WRITING
    }
}
