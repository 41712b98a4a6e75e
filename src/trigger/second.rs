//! When a signal is a second one.
//!
//! Process managers send pairs (`SIGTERM` and `SIGHUP`, or one to the group and
//! one to the leader), and a terminal that closes adds its own. What comes
//! within 200 ms of the first is the same request; what comes later is a person
//! who will not wait.

use std::time::Duration;

use crate::kill_path::Nanos;
use crate::sync::atomic::{AtomicU64, Ordering};

/// For how long after the first a signal is still the same request.
pub(super) const SAME_REQUEST: Duration = Duration::from_millis(200);

const NONE: u64 = u64::MAX;

/// When the first signal came.
pub(crate) struct FirstSignal(AtomicU64);

impl FirstSignal {
    pub(crate) const fn none() -> Self {
        Self(AtomicU64::new(NONE))
    }

    /// Takes note of a signal that came at `now`; whether it is a second one.
    /// Async-signal-safe.
    pub(crate) fn is_second(&self, now: Nanos) -> bool {
        // A minimum, so that of two handlers at once it does not matter which
        // gets here first. Nothing else is published through the word.
        let first = self.0.fetch_min(now.0, Ordering::Relaxed);
        first != NONE && now.since(Nanos(first)) > SAME_REQUEST
    }

    pub(super) fn forget(&self) {
        self.0.store(NONE, Ordering::Relaxed);
    }
}
