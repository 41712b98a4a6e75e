//! The deadline, in one atomic word.
//!
//! ```text
//! UNARMED ──arm(t)──▶ t ──arm(an earlier t)──▶ the earlier t
//! ```
//!
//! There is no way back and no way later: [`Deadline::arm`] takes a minimum.
//! Whoever asks last cannot keep the process alive longer than whoever asked
//! first, so two triggers that race need no lock to agree. A second word keeps,
//! by a minimum too, when the first of them asked.
//!
//! A third is how long before the deadline the end begins: a process with much
//! memory takes a while to go, and may have been asked to be gone by then. That
//! one is an estimate, and goes up and down with what the process has.
//!
//! # Orderings
//!
//! Arming is an `AcqRel` minimum and reading an `Acquire`, for the backstop's
//! sake: it reads the word, sets its timer, and reads the word again. Of two
//! threads that arm, the one that sets the timer last has entered the kernel
//! after the other, and sees the other's word on the second reading (the
//! kernel's lock around the timer orders the two).
//!
//! That the watchdog sees a new word when it wakes is the event count's doing:
//! `arm` writes the word and then advances (`Release`), the watchdog reads the
//! count (`Acquire`) and then the word. So it is with the lead.
//!
//! Whoever reads both words of an arm reads the deadline first, and by that
//! word's ordering finds when it was asked for. Only this can be seen to fail in
//! a model: the ordering of `begun` and `lead` by themselves, and the acquire of
//! the two minima, stand behind the count's and the timer's.

use ::core::convert::TryFrom;
use ::core::option::Option::{self, None, Some};
use ::core::time::Duration;

use super::atomic::{AtomicU64, Ordering};
use super::sys::{EventCount, Nanos};

const UNARMED: u64 = u64::MAX;

/// When the process ends, if that is known yet.
pub(crate) struct Deadline {
    at: AtomicU64,
    begun: AtomicU64,
    lead: AtomicU64,
    armed: EventCount,
}

impl Deadline {
    pub(crate) const fn unarmed() -> Self {
        Self {
            at: AtomicU64::new(UNARMED),
            begun: AtomicU64::new(UNARMED),
            lead: AtomicU64::new(0),
            armed: EventCount::new(),
        }
    }

    /// Brings the deadline forward to `at`; leaves it if it is earlier already.
    /// `now` is when this was asked for.
    ///
    /// Nobody is woken yet; [`wake`](Self::wake) does that, after the timer is
    /// set. Async-signal-safe.
    pub(super) fn arm(&self, now: Nanos, at: Nanos) {
        self.begun.fetch_min(now.0, Ordering::AcqRel);
        self.at.fetch_min(at.0, Ordering::AcqRel);
    }

    /// Wakes whoever waits for a change. Async-signal-safe.
    pub(super) fn wake(&self) {
        self.armed.advance();
    }

    /// When the process ends. Async-signal-safe.
    pub(crate) fn get(&self) -> Option<Nanos> {
        known(&self.at)
    }

    /// When the end begins: at the deadline, or before it by as much as the
    /// process takes to go, but not before it was asked for. Async-signal-safe.
    pub(crate) fn exit(&self) -> Option<Nanos> {
        let at = self.get()?;
        let lead = Duration::from_nanos(self.lead.load(Ordering::Acquire));
        let early = at.saturating_sub(lead);
        match self.begun() {
            Some(begun) if early < begun && begun < at => Some(begun),
            _ => Some(early),
        }
    }

    /// Sets by how much the end begins before the deadline. Nobody is woken.
    pub(super) fn set_lead(&self, lead: Duration) {
        let nanos = u64::try_from(lead.as_nanos()).unwrap_or(u64::MAX);
        self.lead.store(nanos, Ordering::Release);
    }

    /// When somebody first armed it: every length is counted from here.
    /// Async-signal-safe.
    pub(crate) fn begun(&self) -> Option<Nanos> {
        known(&self.begun)
    }

    /// Counts the times it was armed, for [`wait_change`](Self::wait_change).
    pub(crate) fn changes(&self) -> u32 {
        self.armed.read()
    }

    /// Waits until it is armed again, or the clock reads `until`. It may return
    /// before either.
    pub(crate) fn wait_change(&self, seen: u32, until: Option<Nanos>) {
        self.armed.wait_past(seen, until);
    }

    /// Makes it unarmed again, in a child of `fork`, which has no watchdog and
    /// so far only one thread.
    pub(super) fn forget(&self) {
        self.at.store(UNARMED, Ordering::Release);
        self.begun.store(UNARMED, Ordering::Release);
        self.lead.store(0, Ordering::Release);
    }
}

fn known(word: &AtomicU64) -> Option<Nanos> {
    match word.load(Ordering::Acquire) {
        UNARMED => None,
        at => Some(Nanos(at)),
    }
}
