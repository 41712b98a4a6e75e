//! Summary of the heartbeats, for the watchdog of systemd.
//!
//! # Orderings
//!
//! `checked` is stored last with `Release` and loaded first with `Acquire`: a reader that
//! sees a round sees what it found, or what a later round found.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use deadstop_core::Nanos;

/// The maximum age of a round of the watch. Rounds are at most 1 s apart.
const FRESH: Duration = Duration::from_secs(3);

/// No heartbeat is late.
const NEVER: u64 = 0;

/// No heartbeat exists now, so that no round is due.
const UNWATCHED: u64 = u64::MAX;

/// State of all heartbeats.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Heartbeats {
    /// The process never had one.
    None,
    /// Every heartbeat is in time.
    InTime,
    /// A heartbeat is late. It was found late at `since`.
    Late { since: Nanos },
    /// The watcher has not run for too long.
    Unknown,
}

/// Result of a round of the watch.
#[cfg_attr(
    not(any(feature = "health", test)),
    expect(dead_code, reason = "only heartbeats publish")
)]
pub(crate) enum Seen {
    /// There is no heartbeat any more.
    Nothing,
    /// Every heartbeat is in time.
    InTime,
    /// A heartbeat is late.
    Late,
}

/// The words that `deadstop-health` writes.
#[derive(Debug)]
pub(crate) struct Published {
    checked: AtomicU64,
    late_since: AtomicU64,
}

impl Published {
    pub(super) const fn nothing() -> Self {
        Self {
            checked: AtomicU64::new(0),
            late_since: AtomicU64::new(NEVER),
        }
    }

    /// Publishes what the round at `now` has seen. Returns `true` if a heartbeat is late
    /// now, or in time again.
    #[cfg_attr(
        not(any(feature = "health", test)),
        expect(dead_code, reason = "only heartbeats publish")
    )]
    pub(crate) fn publish(&self, seen: Seen, now: Nanos) -> bool {
        let before = self.late_since.load(Ordering::Relaxed);
        let since = match seen {
            Seen::Late if before != NEVER => before,
            Seen::Late => now.0.max(1),
            Seen::InTime | Seen::Nothing => NEVER,
        };
        self.late_since.store(since, Ordering::Relaxed);
        let checked = match seen {
            Seen::Nothing => UNWATCHED,
            _ => now.0.max(1),
        };
        let was_none = self.checked.swap(checked, Ordering::Release) == 0;
        was_none || since != before
    }

    pub(super) fn read(&self, now: Nanos) -> Heartbeats {
        let checked = self.checked.load(Ordering::Acquire);
        let since = self.late_since.load(Ordering::Relaxed);
        match (checked, since) {
            (0, _) => Heartbeats::None,
            (UNWATCHED, _) => Heartbeats::InTime,
            (checked, _) if now.since(Nanos(checked)) > FRESH => Heartbeats::Unknown,
            (_, NEVER) => Heartbeats::InTime,
            (_, since) => Heartbeats::Late {
                since: Nanos(since),
            },
        }
    }

    pub(super) fn reset_after_fork(&self) {
        self.checked.store(0, Ordering::Relaxed);
        self.late_since.store(NEVER, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Nanos = Nanos(7_000_000_000);

    #[test]
    fn process_without_heartbeats_has_none_until_the_first_round() {
        let published = Published::nothing();
        assert_eq!(published.read(NOW), Heartbeats::None);
        assert!(published.publish(Seen::InTime, NOW), "the first is news");
        assert_eq!(published.read(NOW), Heartbeats::InTime);
        assert!(!published.publish(Seen::InTime, NOW));
    }

    #[test]
    fn stall_keeps_the_time_at_which_it_was_found() {
        let published = Published::nothing();
        published.publish(Seen::Late, NOW);
        let later = NOW.saturating_add(Duration::from_secs(1));
        assert!(!published.publish(Seen::Late, later));
        assert_eq!(published.read(later), Heartbeats::Late { since: NOW });
        assert!(published.publish(Seen::InTime, later), "it recovered");
    }

    #[test]
    fn watcher_that_does_not_run_says_nothing() {
        let published = Published::nothing();
        published.publish(Seen::InTime, NOW);
        let later = NOW.saturating_add(FRESH + Duration::from_millis(1));
        assert_eq!(published.read(later), Heartbeats::Unknown);
        published.publish(Seen::Nothing, NOW);
        assert_eq!(published.read(later), Heartbeats::InTime);
    }
}
