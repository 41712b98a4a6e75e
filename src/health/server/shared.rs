//! State shared by the handle, the checks and the server: atomics, never freed.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use deadstop_core::EventCount;

use super::check::CheckState;
use crate::Shutdown;
use crate::process::{self, WATCH};

/// The state that the handle, the checks and the server share.
pub(super) struct Shared {
    pub(super) shutdown: Shutdown,
    pub(super) checks: Vec<CheckState>,
    ready: AtomicBool,
    was_ready: AtomicBool,
    /// Advanced once by the server, when it is about to answer.
    serving: EventCount,
    /// Set if the server failed to start.
    is_retired: AtomicBool,
    /// Stands for the process; a child of `fork` has another.
    generation: AtomicU32,
}

impl Shared {
    pub(super) fn new(shutdown: Shutdown, checks: Vec<CheckState>) -> Self {
        Self {
            shutdown,
            checks,
            ready: AtomicBool::new(false),
            was_ready: AtomicBool::new(false),
            serving: EventCount::new(),
            is_retired: AtomicBool::new(false),
            generation: AtomicU32::new(process::generation()),
        }
    }

    pub(super) fn set_ready(&self, ready: bool) {
        self.ready.store(ready, Ordering::Release);
        if ready {
            self.was_ready.store(true, Ordering::Release);
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.ready.load(Ordering::Acquire)
    }

    /// Returns `true` if the program was ready once.
    pub(super) fn was_ready(&self) -> bool {
        self.was_ready.load(Ordering::Acquire)
    }

    /// Notes that the server is about to answer.
    pub(super) fn begin_serving(&self) {
        self.serving.advance();
    }

    /// Blocks the thread until the server is about to answer.
    pub(super) fn wait_serving(&self) {
        while self.serving.read() == 0 {
            self.serving.wait_past(0, None);
        }
    }

    /// Ends the threads of the checks: the server failed to start.
    pub(super) fn retire(&self) {
        self.is_retired.store(true, Ordering::Release);
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired.load(Ordering::Acquire)
    }

    /// Returns `true` in the process that started the server, `false` in a child of `fork`.
    pub(super) fn is_own(&self) -> bool {
        WATCH.is_owner() && self.generation.load(Ordering::Relaxed) == process::generation()
    }
}
