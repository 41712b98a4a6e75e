//! The state of a slot in a fixed table, which threads fill and empty without locks.
//!
//! ```text
//! FREE ──claim──▶ FILLING ──list──▶ LISTED ──take──▶ TAKEN ──end──▶ OVER
//!  ▲                                  │                │              │
//!  └──────────remove, release─────────┴────release─────┴────remove────┘
//! ```
//!
//! The thread that claims a slot is alone with it until it lists it, and so is the thread
//! that takes it until it ends or releases it.
//!
//! # Orderings
//!
//! - The state publishes the slot's fields: `list` writes it with `Release`, `take` and
//!   `read` read it with `Acquire`. A use count in its upper bits makes the removal or
//!   taking of an earlier use fail.
//! - `end` writes the state with `Release`, and `remove` sees that with `Acquire`: what the
//!   caller does after `remove` comes after what was done with the entry.
//! - `claim` has a `Release` fence before the fields are written, `read` an `Acquire` fence
//!   after it has read them. So a reader that finds the same state afterwards has read one
//!   entry.
//!
//! `tests/loom/kill_path` and `tests/loom/slot` have models of these.

use crate::atomic::{AtomicU32, Ordering, fence};

const FREE: u32 = 0;
const FILLING: u32 = 1;
const LISTED: u32 = 2;
const TAKEN: u32 = 3;
const OVER: u32 = 4;
const STATE: u32 = 7;
const NEXT_USE: u32 = 8;

/// The state of a slot.
#[derive(Debug)]
pub struct SlotState(AtomicU32);

/// One use of a slot, by which the entry can be removed.
#[derive(Clone, Copy, Debug)]
pub struct SlotUse(u32);

/// The result of a removal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Removal {
    /// The entry was listed, and is not any more.
    Removed,
    /// The entry was taken before, and that is over; or it is of before a `fork`.
    TooLate,
    /// The entry is taken, and that is not over.
    Taken,
}

impl SlotState {
    /// Returns the state of a free slot.
    pub const fn free() -> Self {
        Self(AtomicU32::new(FREE))
    }

    /// Claims the slot if it is free: the caller may write its fields, and then calls
    /// [`list`](Self::list).
    #[inline]
    pub fn claim(&self) -> bool {
        let claimed = self.step(FREE, FILLING);
        fence(Ordering::Release);
        claimed
    }

    /// Lists the slot, which the caller has claimed.
    #[inline]
    pub fn list(&self) -> SlotUse {
        let listed = self.0.load(Ordering::Relaxed) & !STATE | LISTED;
        self.0.store(listed, Ordering::Release);
        SlotUse(listed)
    }

    /// Takes the slot if it is listed: the caller may read its fields, and then calls
    /// [`end`](Self::end) or [`release`](Self::release).
    #[inline]
    pub fn take(&self) -> bool {
        self.step(LISTED, TAKEN)
    }

    /// Ends the use of the slot, which the caller has taken. It stays used until it is
    /// removed.
    pub fn end(&self) {
        let taken = self.0.load(Ordering::Relaxed);
        self.0.store(taken & !STATE | OVER, Ordering::Release);
    }

    /// Makes the slot free for its next use. No other thread may use it meanwhile, except by
    /// [`read`](Self::read).
    #[inline]
    pub fn release(&self) {
        let free = next_use(self.0.load(Ordering::Relaxed));
        self.0.store(free, Ordering::Release);
    }

    /// Removes an entry, unless it is taken.
    pub fn remove(&self, entry: SlotUse) -> Removal {
        let SlotUse(listed) = entry;
        let free = next_use(listed);
        match self
            .0
            .compare_exchange(listed, free, Ordering::AcqRel, Ordering::Acquire)
        {
            Ok(_) => Removal::Removed,
            Err(state) if state & !STATE != listed & !STATE => Removal::TooLate,
            Err(state) if state & STATE == OVER => {
                self.release();
                Removal::TooLate
            }
            Err(_) => Removal::Taken,
        }
    }

    /// Returns what `read` reads of the slot's fields, if they are of one listed entry.
    pub fn read<R>(&self, read: impl FnOnce() -> R) -> Option<R> {
        let before = self.0.load(Ordering::Acquire);
        if before & STATE != LISTED {
            return None;
        }
        let fields = read();
        fence(Ordering::Acquire);
        (self.0.load(Ordering::Relaxed) == before).then_some(fields)
    }

    #[inline]
    fn step(&self, from: u32, to: u32) -> bool {
        let state = self.0.load(Ordering::Relaxed);
        let next = state & !STATE | to;
        state & STATE == from
            && self
                .0
                .compare_exchange(state, next, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }
}

fn next_use(state: u32) -> u32 {
    (state & !STATE).wrapping_add(NEXT_USE)
}
