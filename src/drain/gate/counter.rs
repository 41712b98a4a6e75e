//! The number of entries of a gate and whether it still admits new ones, in one word.
//!
//! ```text
//! bit 63      bits 0 to 62
//! closed      entries
//! ```
//!
//! An entry adds one and looks at the word as it was: if the gate was closed, the
//! entry takes itself back. So the gate admits an entry if and only if the addition
//! comes before the closing in the order of the word's changes, and an admitted entry
//! is counted until it leaves.
//!
//! # Orderings
//!
//! Leaving is a `Release`, and reading zero is an `Acquire`: what an entry did is
//! visible to the thread that sees the gate empty. Closing is `AcqRel`, so that what
//! the closing thread wrote before is visible to an entry that is refused. The last
//! entry of a closed gate advances the event count after it has left; a waiter reads
//! the count first. `tests/loom/drain/gate` has a model of each.

use crate::primitives::atomic::{AtomicU64, Ordering};
use crate::primitives::{EventCount, Nanos};

const CLOSED: u64 = 1 << 63;

/// The number of entries of a gate and whether it still admits new ones.
pub(crate) struct Counter {
    word: AtomicU64,
    emptied: EventCount,
}

impl Counter {
    pub(crate) const fn open() -> Self {
        Self {
            word: AtomicU64::new(0),
            emptied: EventCount::new(),
        }
    }

    /// Counts one entry. Returns `false`, and counts nothing, if the gate is closed.
    #[inline]
    pub(crate) fn enter(&self) -> bool {
        // A closed gate is not written to: refusals in a loop would keep the
        // number of entries above zero.
        if self.is_closed() {
            return false;
        }
        if self.word.fetch_add(1, Ordering::Acquire) & CLOSED == 0 {
            return true;
        }
        self.leave();
        false
    }

    /// Counts one entry, whether the gate is closed or not: for work that another
    /// counter admitted.
    pub(crate) fn enter_closed(&self) {
        self.word.fetch_add(1, Ordering::Acquire);
    }

    /// Counts one entry less.
    #[inline]
    pub(crate) fn leave(&self) {
        if self.word.fetch_sub(1, Ordering::Release) == CLOSED | 1 {
            self.emptied.advance();
        }
    }

    /// Refuses new entries from here on. Returns whether the gate was open.
    pub(crate) fn close(&self) -> bool {
        let was_open = self.word.fetch_or(CLOSED, Ordering::AcqRel) & CLOSED == 0;
        // A thread may already wait for an empty gate, and it may be empty.
        self.emptied.advance();
        was_open
    }

    /// Admits entries again; those in flight stay counted. Returns whether the gate was
    /// closed.
    pub(crate) fn reopen(&self) -> bool {
        let was_closed = self.word.fetch_and(!CLOSED, Ordering::AcqRel) & CLOSED != 0;
        // A task of the round before may wait for what is in flight.
        self.emptied.advance();
        was_closed
    }

    #[inline]
    pub(crate) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Returns the number of entries. One that is being refused may be counted for
    /// a moment.
    pub(crate) fn entries(&self) -> u64 {
        self.word.load(Ordering::Acquire) & !CLOSED
    }

    /// Returns the count of closings, openings, and departures of a closed gate's last entry.
    pub(crate) fn changes(&self) -> u32 {
        self.emptied.read()
    }

    /// Blocks the thread until there is a change after those `seen`, or until `until`. May
    /// return early.
    pub(crate) fn wait_past(&self, seen: u32, until: Option<Nanos>) {
        self.emptied.wait_past(seen, until);
    }

    /// Blocks the thread until the gate is closed and empty, or the clock of `now`
    /// reads `until`. Returns whether it is closed and empty.
    pub(crate) fn wait_empty(&self, until: Option<Nanos>, now: impl Fn() -> Nanos) -> bool {
        loop {
            let seen = self.emptied.read();
            if self.word.load(Ordering::Acquire) == CLOSED {
                return true;
            }
            if until.is_some_and(|until| until <= now()) {
                return false;
            }
            self.emptied.wait_past(seen, until);
        }
    }
}
