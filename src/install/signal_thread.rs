//! The thread `deadstop-signal`, which takes the signals that all other threads
//! block.
//!
//! # Orderings
//!
//! The set is written before `changed` advances, and `tid` before `ready` does: the
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
    changed: EventCount::new(),
    ready: EventCount::new(),
};

pub(super) struct SignalThread {
    tid: AtomicI32,
    set: AtomicU64,
    changed: EventCount,
    ready: EventCount,
}

impl SignalThread {
    /// Makes the thread unblock `signals` and no others, and starts it if need be. The thread
    /// has done so once [`wait`](Self::wait) with the value that this returns is over.
    pub(super) fn unblock(&'static self, signals: SignalSet) -> Result<u32, InstallError> {
        self.set.store(signals.bits(), Ordering::Release);
        let before = self.ready.read();
        match self.tid.load(Ordering::Acquire) {
            0 => threads::spawn(SIGNAL, STACK, || self.run())?,
            _ => self.changed.advance(),
        }
        Ok(before)
    }

    /// Waits until the thread has unblocked its signals, and returns the thread's id.
    pub(super) fn wait(&self, before: u32) -> i32 {
        while self.ready.read() == before {
            self.ready.wait_past(before, None);
        }
        self.tid.load(Ordering::Acquire)
    }

    /// Runs the thread: it unblocks its signals and sleeps, and their handlers run on it.
    fn run(&self) {
        deadstop_core::sys::request_prompt_wakeups();
        self.tid.store(deadstop_core::tid(), Ordering::Release);
        loop {
            let seen = self.changed.read();
            let set = SignalSet::from_bits(self.set.load(Ordering::Acquire));
            SignalMask::block_all_except(set);
            self.ready.advance();
            while self.changed.read() == seen {
                self.changed.wait_past(seen, None);
            }
        }
    }

    /// Forgets the parent's thread in a child of `fork`.
    pub(super) fn reset_after_fork(&self) {
        self.tid.store(0, Ordering::Release);
    }
}
