//! State shared by the handles and `deadstop-health`.

use std::sync::atomic::{AtomicU32, Ordering};

use deadstop_core::EventCount;

use super::beats::Beats;
use crate::process::WATCH;
use crate::{Shutdown, process};

/// The state that the handles and `deadstop-health` share. Never freed.
pub(super) struct State {
    pub(super) shutdown: Shutdown,
    pub(super) beats: Beats,
    /// Advanced by each finding about a heartbeat.
    pub(super) findings: EventCount,
    /// Advanced to wake `deadstop-health`. It is no descriptor: a program that closes all of
    /// them, or gives their numbers to other files, does not reach it.
    pub(super) changes: EventCount,
    /// Stands for the process; a child of `fork` has another.
    generation: AtomicU32,
}

impl State {
    pub(super) fn new(shutdown: Shutdown) -> Self {
        Self {
            shutdown,
            beats: Beats::new(),
            findings: EventCount::new(),
            changes: EventCount::new(),
            generation: AtomicU32::new(process::generation()),
        }
    }

    /// Returns `true` in the process that made the state, `false` in a child of `fork`.
    pub(super) fn is_own(&self) -> bool {
        WATCH.is_owner() && self.generation.load(Ordering::Relaxed) == process::generation()
    }

    /// Wakes `deadstop-health`.
    pub(super) fn wake(&self) {
        self.changes.advance();
    }
}
