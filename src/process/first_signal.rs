//! Decides whether a signal is a second one.
//!
//! Process managers send pairs (`SIGTERM` and `SIGHUP`, or one to the group and
//! one to the leader), and a terminal that closes adds its own. On a busy machine
//! a pair may be handled far apart. So a signal is a second one only if the first
//! was acted upon more than 200 ms before: the sender has seen that its first
//! signal did not suffice.
//!
//! # Orderings
//!
//! Both words are single, and nothing is published through them.

use std::time::Duration;

use crate::primitives::Nanos;
use crate::primitives::atomic::{AtomicU64, Ordering};

/// For how long after the first a signal is still the same request.
pub(crate) const SAME_REQUEST: Duration = Duration::from_millis(200);

const NONE: u64 = u64::MAX;

/// The times at which the first signal was handled, and at which the coordinator acted upon it.
pub(crate) struct FirstSignal {
    handled: AtomicU64,
    acted_upon: AtomicU64,
}

impl FirstSignal {
    pub(crate) const fn none() -> Self {
        Self {
            handled: AtomicU64::new(NONE),
            acted_upon: AtomicU64::new(NONE),
        }
    }

    /// Notes a signal that was handled at `now`. Returns how long the first was
    /// before it, if this is a second one. Async-signal-safe.
    pub(crate) fn second(&self, now: Nanos) -> Option<Duration> {
        // A minimum, so that of two handlers at once it does not matter which
        // gets here first.
        let first = self.handled.fetch_min(now.0, Ordering::Relaxed);
        let acted_upon = self.acted_upon.load(Ordering::Relaxed);
        if first == NONE || acted_upon == NONE {
            return None;
        }
        let is_second = now.since(Nanos(first.max(acted_upon))) > SAME_REQUEST;
        is_second.then(|| now.since(Nanos(first)))
    }

    /// Notes that the coordinator has begun the shutdown.
    #[cfg(feature = "shutdown")]
    pub(crate) fn note_acted_upon(&self, now: Nanos) {
        self.acted_upon.fetch_min(now.0, Ordering::Relaxed);
    }

    /// Forgets the parent's signals in a child of `fork`. Async-signal-safe.
    pub(crate) fn reset_after_fork(&self) {
        self.handled.store(NONE, Ordering::Relaxed);
        self.acted_upon.store(NONE, Ordering::Relaxed);
    }
}
