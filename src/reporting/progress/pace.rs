//! Intervals between lines of progress.

use std::time::Duration;

use deadstop_core::Nanos;

/// The longest time between two lines.
const LONGEST: Duration = Duration::from_secs(5);

/// The shortest: that of a grace that is over before a person reads.
const SHORTEST: Duration = Duration::from_millis(1);

/// A line is due every five seconds or fifth of the grace, whichever is
/// shorter, counted from when the shutdown began.
pub(super) struct Pace {
    deadline: Nanos,
    interval: Duration,
    due: Nanos,
}

impl Pace {
    pub(super) fn new(begun: Nanos, deadline: Nanos) -> Self {
        let interval = interval(deadline.since(begun));
        Self {
            deadline,
            interval,
            due: begun.saturating_add(interval),
        }
    }

    /// Returns the time at which the next line is due.
    pub(super) fn due(&self) -> Nanos {
        self.due
    }

    /// Follows a deadline that may have been brought forward to `deadline`: the time that is
    /// left from `now` on then takes the place of the grace.
    pub(super) fn follow(&mut self, now: Nanos, deadline: Nanos) {
        if deadline < self.deadline {
            self.deadline = deadline;
            self.interval = interval(deadline.since(now));
            self.due = self.due.min(now.saturating_add(self.interval));
        }
    }

    /// Returns `true` if a line is due at `now`. If so, the next is an interval later; only one of
    /// several missed lines is written.
    pub(super) fn is_due(&mut self, now: Nanos) -> bool {
        if now < self.due {
            return false;
        }
        self.due = self.due.saturating_add(self.interval);
        if self.due <= now {
            self.due = now.saturating_add(self.interval);
        }
        true
    }
}

fn interval(grace: Duration) -> Duration {
    (grace / 5).clamp(SHORTEST, LONGEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: Nanos = Nanos(1_000_000_000_000);

    fn at(seconds: f64) -> Nanos {
        BEGUN.saturating_add(Duration::from_secs_f64(seconds))
    }

    /// The seconds at which lines come, if they are due at once.
    fn lines(grace: f64) -> Vec<f64> {
        let mut pace = Pace::new(BEGUN, at(grace));
        let mut lines = Vec::new();
        while pace.due() < at(grace) {
            lines.push(pace.due().since(BEGUN).as_secs_f64());
            assert!(!pace.is_due(Nanos(pace.due().0 - 1)));
            assert!(pace.is_due(pace.due()));
        }
        lines
    }

    #[test]
    fn line_comes_every_fifth_of_a_short_grace() {
        assert_eq!(lines(10.0), [2.0, 4.0, 6.0, 8.0]);
        assert_eq!(lines(1.0), [0.2, 0.4, 0.6, 0.8]);
    }

    #[test]
    fn line_comes_every_five_seconds_of_a_long_grace() {
        assert_eq!(lines(32.0), [5.0, 10.0, 15.0, 20.0, 25.0, 30.0]);
    }

    #[test]
    fn zero_and_unlimited_grace_have_a_pace() {
        let mut none = Pace::new(BEGUN, BEGUN);
        assert!(none.is_due(at(1.0)));
        assert!(none.due() > at(1.0));
        let mut endless = Pace::new(BEGUN, Nanos::LAST);
        assert!(!endless.is_due(at(4.9)));
        assert!(endless.is_due(at(5.0)));
        let mut late = Pace::new(Nanos::LAST, Nanos::LAST);
        assert!(late.is_due(Nanos::LAST));
    }

    #[test]
    fn one_line_replaces_all_missed_lines() {
        let mut pace = Pace::new(BEGUN, at(10.0));
        assert!(pace.is_due(at(7.0)));
        assert!(!pace.is_due(at(7.0)));
        assert_eq!(pace.due().0, at(9.0).0);
    }

    #[test]
    fn earlier_deadline_shortens_the_interval() {
        let mut pace = Pace::new(BEGUN, at(25.0));
        assert!(pace.is_due(at(5.0)));
        pace.follow(at(6.0), at(8.0));
        assert_eq!(pace.due().0, at(6.4).0);
        assert!(pace.is_due(at(6.4)));
        assert_eq!(pace.due().0, at(6.8).0);
    }

    #[test]
    fn earlier_deadline_delays_no_line() {
        let mut pace = Pace::new(BEGUN, at(25.0));
        pace.follow(at(4.5), at(24.0));
        assert_eq!(pace.due().0, at(5.0).0);
        // Nor does one that stays, or is said to be later.
        pace.follow(at(4.6), at(24.0));
        pace.follow(at(4.6), at(25.0));
        assert_eq!(pace.due().0, at(5.0).0);
    }
}
