//! What stands in for the kernel.

use std::ffi::c_int;
use std::time::Duration;

use crate::lazy::Mutex;

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Nanos(pub(crate) u64);

impl Nanos {
    pub(crate) fn saturating_add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length.as_nanos() as u64))
    }

    pub(crate) fn saturating_sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(length.as_nanos() as u64))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A futex that is only counted: no model waits on it.
pub(crate) struct EventCount(crate::lazy::AtomicU32);

impl EventCount {
    pub(crate) const fn new() -> Self {
        Self(crate::lazy::AtomicU32::new(0))
    }

    pub(crate) fn read(&self) -> u32 {
        self.0.load(loom::sync::atomic::Ordering::Acquire)
    }

    pub(crate) fn advance(&self) {
        self.0.fetch_add(1, loom::sync::atomic::Ordering::Release);
    }

    pub(crate) fn wait_past(&self, _seen: u32, _until: Option<Nanos>) {
        loom::thread::yield_now();
    }
}

loom::lazy_static! {
    /// The kernel's side of the timer, of which each model has one.
    pub(super) static ref TIMER: Kernel = Kernel(Mutex::new(None));
}

/// The kernel sets a timer under a lock.
pub(super) struct Kernel(Mutex<Option<Nanos>>);

impl Kernel {
    pub(super) fn set_to(&self) -> Option<Nanos> {
        *self.0.lock()
    }
}

pub(super) struct Timer;

#[derive(Clone, Copy)]
pub(super) enum Target {
    Process,
    Thread { signal: c_int, tid: c_int },
}

impl Target {
    pub(super) fn free_signal() -> Option<c_int> {
        None
    }
}

impl Timer {
    pub(super) const fn absent() -> Self {
        Self
    }

    pub(super) fn is_present(&self) -> bool {
        true
    }

    pub(super) fn create(&self, _target: Target) -> Result<(), c_int> {
        Ok(())
    }

    pub(super) fn forget(&self) {}

    pub(super) fn set(&self, at: Nanos) {
        *TIMER.0.lock() = Some(at);
    }
}

#[derive(Clone, Copy)]
pub(super) struct SignalSet;

impl SignalSet {
    pub(super) const EMPTY: Self = Self;

    pub(super) fn with(self, _signal: c_int) -> Self {
        self
    }
}
