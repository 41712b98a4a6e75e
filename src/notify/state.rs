//! State that handles set for `deadstop-notify`.
//!
//! # Orderings
//!
//! `reload_at` is stored before `reloads_begun` advances (`Release`), and loaded after it
//! (`Acquire`). The other words pass nothing on.

use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use deadstop_core::Nanos;

use super::heartbeats::{Heartbeats, Published};
use super::situation::Reloads;

/// The state that handles and `deadstop-health` change and `deadstop-notify` reads. A caller
/// that changes it must wake the thread.
#[derive(Debug)]
pub(crate) struct Notify {
    is_ready: AtomicBool,
    reloads_begun: AtomicU32,
    reloads_ended: AtomicU32,
    reload_at: AtomicU64,
    /// The process that has taken over, or 0.
    successor: AtomicU32,
    pub(crate) heartbeats: Published,
}

impl Notify {
    pub(crate) const fn nothing() -> Self {
        Self {
            is_ready: AtomicBool::new(false),
            reloads_begun: AtomicU32::new(0),
            reloads_ended: AtomicU32::new(0),
            reload_at: AtomicU64::new(0),
            successor: AtomicU32::new(0),
            heartbeats: Published::nothing(),
        }
    }

    /// Notes that the program is ready.
    pub(crate) fn set_ready(&self) {
        self.is_ready.store(true, Ordering::Relaxed);
    }

    /// Notes that a reload begins at `now`.
    pub(crate) fn begin_reload(&self, now: Nanos) {
        self.reload_at.store(now.0, Ordering::Relaxed);
        self.reloads_begun.fetch_add(1, Ordering::Release);
    }

    /// Notes that a reload is over.
    pub(crate) fn end_reload(&self) {
        self.reloads_ended.fetch_add(1, Ordering::Relaxed);
    }

    /// Notes that process `pid` has taken over. This process says no more then.
    #[cfg(target_os = "linux")]
    pub(crate) fn hand_over_to(&self, pid: u32) {
        self.successor.store(pid, Ordering::Relaxed);
    }

    pub(super) fn is_ready(&self) -> bool {
        self.is_ready.load(Ordering::Relaxed)
    }

    pub(super) fn reloads(&self) -> Reloads {
        let begun = self.reloads_begun.load(Ordering::Acquire);
        Reloads {
            begun,
            ended: self.reloads_ended.load(Ordering::Relaxed),
            at: Nanos(self.reload_at.load(Ordering::Relaxed)),
        }
    }

    pub(super) fn successor(&self) -> Option<u32> {
        match self.successor.load(Ordering::Relaxed) {
            0 => None,
            pid => Some(pid),
        }
    }

    pub(super) fn seen_heartbeats(&self, now: Nanos) -> Heartbeats {
        self.heartbeats.read(now)
    }

    /// Makes the state that of a process that has nothing to say. Async-signal-safe.
    pub(crate) fn reset_after_fork(&self) {
        self.is_ready.store(false, Ordering::Relaxed);
        self.reloads_begun.store(0, Ordering::Relaxed);
        self.reloads_ended.store(0, Ordering::Relaxed);
        self.successor.store(0, Ordering::Relaxed);
        self.heartbeats.reset_after_fork();
    }
}
