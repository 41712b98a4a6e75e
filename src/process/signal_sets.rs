//! The signals that the process has asked for.
//!
//! # Orderings
//!
//! Each set is one word, and nothing is passed on with it: there is nothing for
//! loom to see.

use std::sync::atomic::{AtomicU64, Ordering};

use deadstop_core::sys::SignalSet;

use super::first_signal::FirstSignal;

/// The state that signal handlers read and write, and that a child of `fork` resets.
pub(crate) struct Signals {
    pub(crate) first: FirstSignal,
    /// The number of repeated signals that did not end the process.
    pub(crate) repeated: AtomicU64,
    /// The signals that are triggers of this process.
    pub(crate) triggers: AtomicSignalSet,
    /// The signals that request a status report.
    pub(crate) status: AtomicSignalSet,
    /// The signals that stay ignored although they are triggers.
    pub(crate) ignored: AtomicSignalSet,
    /// The signals that the thread which called `install` had blocked.
    pub(crate) blocked: AtomicSignalSet,
}

impl Signals {
    pub(super) const fn none() -> Self {
        Self {
            first: FirstSignal::none(),
            repeated: AtomicU64::new(0),
            triggers: AtomicSignalSet::empty(),
            status: AtomicSignalSet::empty(),
            ignored: AtomicSignalSet::empty(),
            blocked: AtomicSignalSet::empty(),
        }
    }

    /// Forgets the parent's signals in a child of `fork`. Async-signal-safe.
    pub(crate) fn reset_after_fork(&self) {
        self.first.reset_after_fork();
        self.repeated.store(0, Ordering::Release);
        for set in [&self.triggers, &self.status, &self.ignored, &self.blocked] {
            set.store(SignalSet::EMPTY);
        }
    }
}

/// A set of signals that several threads use. Its methods are async-signal-safe.
pub(crate) struct AtomicSignalSet(AtomicU64);

impl AtomicSignalSet {
    pub(crate) const fn empty() -> Self {
        Self(AtomicU64::new(0))
    }

    pub(crate) fn load(&self) -> SignalSet {
        SignalSet::from_bits(self.0.load(Ordering::Acquire))
    }

    pub(crate) fn store(&self, set: SignalSet) {
        self.0.store(set.bits(), Ordering::Release);
    }

    pub(crate) fn add(&self, number: i32) {
        let bit = SignalSet::EMPTY.with(number).bits();
        self.0.fetch_or(bit, Ordering::AcqRel);
    }
}
