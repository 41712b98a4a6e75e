//! The thread `deadstop-signal`, which takes the signals that all other threads
//! block.
//!
//! # Orderings
//!
//! The set is written before `told` advances, and `tid` before `ready` does: the
//! event counts order them, as `tests/loom` tries for the deadline's.

use std::sync::atomic::{AtomicI32, AtomicU64, Ordering};

use crate::error::InstallError;
use crate::threads;
use deadstop_core::EventCount;
use deadstop_core::sys::{SignalMask, SignalSet};

const SIGNAL: &str = "deadstop-signal";

pub(super) static SIGNAL_THREAD: SignalThread = SignalThread {
    tid: AtomicI32::new(0),
    set: AtomicU64::new(0),
    told: EventCount::new(),
    ready: EventCount::new(),
};

pub(super) struct SignalThread {
    tid: AtomicI32,
    set: AtomicU64,
    told: EventCount,
    ready: EventCount,
}

impl SignalThread {
    /// Makes the thread hear `signals` and no others, and returns its id. When
    /// this returns, it hears them.
    pub(super) fn hear(&'static self, signals: SignalSet) -> Result<i32, InstallError> {
        self.set.store(signals.bits(), Ordering::Release);
        let before = self.ready.read();
        match self.tid.load(Ordering::Acquire) {
            // Handlers of the program run on it too: they get a stack of the
            // usual size.
            #[cfg(feature = "signals")]
            0 => threads::spawn_deep(SIGNAL, || self.run())?,
            // The backup timer's handler alone.
            #[cfg(not(feature = "signals"))]
            0 => threads::spawn(SIGNAL, || self.run())?,
            _ => self.told.advance(),
        }
        while self.ready.read() == before {
            self.ready.wait_past(before, None);
        }
        Ok(self.tid.load(Ordering::Acquire))
    }

    /// Runs the thread. It does nothing itself; signal handlers run on it.
    fn run(&self) {
        deadstop_core::sys::request_prompt_wakeups();
        self.tid.store(deadstop_core::tid(), Ordering::Release);
        loop {
            let seen = self.told.read();
            let set = SignalSet::from_bits(self.set.load(Ordering::Acquire));
            SignalMask::block_all_except(set);
            self.ready.advance();
            while self.told.read() == seen {
                self.told.wait_past(seen, None);
            }
        }
    }

    /// Forgets the parent's thread in a child of `fork`.
    pub(super) fn reset_after_fork(&self) {
        self.tid.store(0, Ordering::Release);
    }
}
