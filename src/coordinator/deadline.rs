//! The deadline of a coordinator: the process's, or its own if it is detached.
//!
//! # Orderings
//!
//! The word is single, and nothing is passed on with it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use crate::process::WATCH;
use crate::watchdog::Anchor;
use deadstop_core::Nanos;

#[derive(Debug)]
pub(super) struct ShutdownDeadline {
    anchor: Anchor,
    /// The deadline of a detached coordinator; `None` for one of the process.
    own: Option<AtomicU64>,
}

impl ShutdownDeadline {
    pub(super) fn new(is_attached: bool) -> Self {
        Self {
            anchor: Anchor::cast(),
            own: (!is_attached).then(|| AtomicU64::new(Nanos::LAST.0)),
        }
    }

    /// Returns the time at which the process ends, or a detached coordinator's time is over, as far
    /// as it is known.
    pub(super) fn get(&self) -> Nanos {
        match &self.own {
            None => WATCH.deadline().exit_at().unwrap_or(Nanos::LAST),
            Some(own) => Nanos(own.load(Ordering::Acquire)),
        }
    }

    /// Sets the deadline of a detached coordinator.
    pub(super) fn set_own(&self, at: Nanos) {
        if let Some(own) = &self.own {
            own.store(at.0, Ordering::Release);
        }
    }

    pub(super) fn instant(&self, at: Nanos) -> Instant {
        self.anchor.instant(at)
    }
}
