//! The phases that have begun.
//!
//! One thread at a time writes, in order, and each word once: a phase begins
//! once and ends once.
//!
//! # Orderings
//!
//! A phase's `state` is written last (`Release`) and read first (`Acquire`), so
//! that a reader that sees a state sees the fields that belong to it.

use core::slice;

use super::words::{Words, words};
use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::sizes::{MAX_PHASES, PHASE_NAME_LEN};
use crate::sys::Nanos;

const NOT_BEGUN: u32 = 0;
const BEGUN: u32 = 1;
const OVER: u32 = 2;

/// The first phases of a shutdown, and a count of all that have begun.
#[derive(Debug)]
pub struct Phases {
    slots: [Phase; MAX_PHASES],
    begun: AtomicU32,
}

/// A slot for one phase.
#[derive(Debug)]
pub(crate) struct Phase {
    state: AtomicU32,
    name: Words<{ words(PHASE_NAME_LEN) }>,
    started: AtomicU64,
    ends: AtomicU64,
    ended: AtomicU64,
}

/// One phase, as it was at one moment.
pub(crate) struct PhaseReading<'a> {
    pub(crate) name: &'a str,
    pub(crate) started: Nanos,
    /// The end of its budget.
    pub(crate) ends: Nanos,
    /// The time at which it ended, if it has.
    pub(crate) ended: Option<Nanos>,
}

impl Phases {
    pub(crate) const fn none() -> Self {
        Self {
            slots: [const { Phase::not_begun() }; MAX_PHASES],
            begun: AtomicU32::new(0),
        }
    }

    /// Records that the next phase begins at `now`, and that its budget is used up
    /// at `ends`.
    pub fn begin(&self, name: &str, now: Nanos, ends: Nanos) {
        let index = self.begun.load(Ordering::Relaxed);
        self.begun.store(index.wrapping_add(1), Ordering::Relaxed);
        if let Some(phase) = self.slots.get(index as usize) {
            phase.name.write(name);
            phase.started.store(now.0, Ordering::Relaxed);
            phase.ends.store(ends.0, Ordering::Relaxed);
            phase.state.store(BEGUN, Ordering::Release);
        }
    }

    /// Records that the phase that began last has ended.
    pub fn end(&self, now: Nanos) {
        if let Some(phase) = self.last() {
            phase.ended.store(now.0, Ordering::Relaxed);
            phase.state.store(OVER, Ordering::Release);
        }
    }

    /// Calls `each` with the name of each phase that has begun, when it began, and when it
    /// ended, if it has.
    pub fn visit(&self, mut each: impl FnMut(&str, Nanos, Option<Nanos>)) {
        let mut buffer = [0; PHASE_NAME_LEN];
        for slot in &self.slots {
            if let Some(phase) = slot.read(&mut buffer) {
                each(phase.name, phase.started, phase.ended);
            }
        }
    }

    /// Returns `true` once a phase has begun.
    pub(crate) fn have_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) > 0
    }

    /// Returns the slot of the phase that began last. `None` if it has none.
    pub(crate) fn last(&self) -> Option<&Phase> {
        let begun = self.begun.load(Ordering::Relaxed);
        self.slots.get((begun as usize).checked_sub(1)?)
    }

    /// Returns the slots of the phases in the order in which they began, and then
    /// the empty slots.
    #[inline(never)] // As those of the tables.
    pub(crate) fn slots(&self) -> slice::Iter<'_, Phase> {
        self.slots.iter()
    }

    /// Returns the number of phases that have begun and have no slot.
    pub(crate) fn unlisted(&self) -> u32 {
        let begun = self.begun.load(Ordering::Relaxed);
        begun.saturating_sub(MAX_PHASES as u32)
    }

    pub(crate) fn reset_after_fork(&self) {
        for phase in &self.slots {
            phase.state.store(NOT_BEGUN, Ordering::Relaxed);
            phase.name.clear();
        }
        self.begun.store(0, Ordering::Relaxed);
    }
}

impl Phase {
    const fn not_begun() -> Self {
        Self {
            state: AtomicU32::new(NOT_BEGUN),
            name: Words::empty(),
            started: AtomicU64::new(0),
            ends: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// Reads the phase with its name into `buffer`. `None` if it has not begun.
    #[inline(never)] // Only reports read, and three parts of them.
    pub(crate) fn read<'a>(
        &self,
        buffer: &'a mut [u8; PHASE_NAME_LEN],
    ) -> Option<PhaseReading<'a>> {
        let over = match self.state.load(Ordering::Acquire) {
            BEGUN => false,
            OVER => true,
            _ => return None,
        };
        let nanos = |word: &AtomicU64| Nanos(word.load(Ordering::Relaxed));
        Some(PhaseReading {
            name: self.name.read(buffer).unwrap_or("?"),
            started: nanos(&self.started),
            ends: nanos(&self.ends),
            ended: over.then(|| nanos(&self.ended)),
        })
    }
}
