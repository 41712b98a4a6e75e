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

/// The stack: handlers of the program run on the thread too, and get the usual size.
#[cfg(feature = "signals")]
const STACK: usize = 2 * 1024 * 1024;
/// Only the backup timer's handler runs on it.
#[cfg(not(feature = "signals"))]
const STACK: usize = 64 * 1024;

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
    /// Makes the thread hear `signals` and no others. It does so when
    /// [`wait`](Self::wait) for what this returns is over.
    pub(super) fn hear(&'static self, signals: SignalSet) -> Result<u32, InstallError> {
        self.set.store(signals.bits(), Ordering::Release);
        let before = self.ready.read();
        match self.tid.load(Ordering::Acquire) {
            0 => threads::spawn(SIGNAL, STACK, || self.run())?,
            _ => self.told.advance(),
        }
        Ok(before)
    }

    /// Waits until the thread hears its signals, and returns its id.
    pub(super) fn wait(&self, before: u32) -> i32 {
        while self.ready.read() == before {
            self.ready.wait_past(before, None);
        }
        self.tid.load(Ordering::Acquire)
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
