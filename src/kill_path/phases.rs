//! The phases of the shutdown, as far as they have come.
//!
//! One thread at a time writes, in order, and each word once: a phase begins,
//! and ends, and never comes again.
//!
//! # Orderings
//!
//! A phase's `state` is written last (`Release`) and read first (`Acquire`), so
//! that a reader who sees a state sees what goes with it.

use ::core::iter::Iterator;
use ::core::option::Option::{self, None, Some};

use super::atomic::{AtomicU32, AtomicU64, Ordering};
use super::sizes::{PHASE, PHASES};
use super::sys::Nanos;
use super::text::Text;

const NOT_BEGUN: u32 = 0;
const BEGUN: u32 = 1;
const OVER: u32 = 2;

/// The first phases of a shutdown, and a count of those beyond.
pub(crate) struct Phases {
    slots: [Phase; PHASES],
    begun: AtomicU32,
}

/// Room for one phase.
pub(super) struct Phase {
    state: AtomicU32,
    name: Text<PHASE>,
    started: AtomicU64,
    ends: AtomicU64,
    ended: AtomicU64,
}

/// One phase, as it stood at one moment.
pub(super) struct PhaseReading<'a> {
    pub(super) name: &'a str,
    pub(super) started: Nanos,
    /// When its time is over.
    pub(super) ends: Nanos,
    /// When it ended, if it has.
    pub(super) ended: Option<Nanos>,
}

impl Phases {
    pub(super) const fn none() -> Self {
        Self {
            slots: [const { Phase::not_begun() }; PHASES],
            begun: AtomicU32::new(0),
        }
    }

    /// The next phase begins at `now`, and its time is over at `ends`.
    pub(crate) fn begin(&self, name: &str, now: Nanos, ends: Nanos) {
        let place = self.begun.fetch_add(1, Ordering::Relaxed);
        if let Some(phase) = self.slots.get(place as usize) {
            phase.name.write(name);
            phase.started.store(now.0, Ordering::Relaxed);
            phase.ends.store(ends.0, Ordering::Relaxed);
            phase.state.store(BEGUN, Ordering::Release);
        }
    }

    /// The phase that began last has ended.
    pub(crate) fn end(&self, now: Nanos) {
        let begun = self.begun.load(Ordering::Relaxed);
        let last = (begun as usize).checked_sub(1);
        if let Some(phase) = last.and_then(|last| self.slots.get(last)) {
            phase.ended.store(now.0, Ordering::Relaxed);
            phase.state.store(OVER, Ordering::Release);
        }
    }

    /// Those that began first, in order, and then places for those to come.
    pub(super) fn slots(&self) -> impl Iterator<Item = &Phase> {
        self.slots.iter()
    }

    /// How many more have begun than there is room for.
    pub(super) fn unlisted(&self) -> u32 {
        let begun = self.begun.load(Ordering::Relaxed);
        begun.saturating_sub(PHASES as u32)
    }

    pub(super) fn forget(&self) {
        for phase in &self.slots {
            phase.state.store(NOT_BEGUN, Ordering::Relaxed);
            phase.name.forget();
        }
        self.begun.store(0, Ordering::Relaxed);
    }
}

impl Phase {
    const fn not_begun() -> Self {
        Self {
            state: AtomicU32::new(NOT_BEGUN),
            name: Text::empty(),
            started: AtomicU64::new(0),
            ends: AtomicU64::new(0),
            ended: AtomicU64::new(0),
        }
    }

    /// Reads the phase, if it has begun, with its name in `buffer`.
    pub(super) fn read<'a>(&self, buffer: &'a mut [u8; PHASE]) -> Option<PhaseReading<'a>> {
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
