//! When the pool gets more threads.

use std::time::Duration;

use crate::kill_path::Nanos;

/// How long the pool may be short of threads without any progress before it
/// gets more: one, and twice as many each time that this has brought none
/// either. Tasks that are done at once cost no threads, and a thousand that
/// block have theirs after ten steps.
pub(super) const RAMP: Duration = Duration::from_micros(200);

/// How long the pool may be short of threads with progress all the time: tasks
/// that wait for a disk or a peer are each done soon, but need not wait for one
/// another.
const CROWDED: Duration = Duration::from_millis(5);

/// What the coordinator remembers from look to look.
pub(super) struct Ramp {
    place: usize,
    settled: u64,
    /// How many threads the pool gets next, if it is short of them; none if the
    /// system refuses them.
    step: usize,
    /// When the next are due.
    due: Nanos,
    /// Since when the pool has been short of them, and how many it gets for
    /// that.
    short_since: Option<Nanos>,
    crowd: usize,
}

/// What a look has found.
#[derive(Debug, Default, Eq, PartialEq)]
pub(super) struct Found {
    /// Nothing has happened for a moment: this phase takes longer.
    pub(super) is_slow: bool,
    /// How many threads to start.
    pub(super) more: usize,
}

impl Found {
    fn short_of(more: usize) -> Self {
        Self {
            is_slow: false,
            more,
        }
    }
}

impl Ramp {
    pub(super) fn new(now: Nanos) -> Self {
        Self {
            place: 0,
            settled: 0,
            step: 1,
            due: now.saturating_add(RAMP),
            short_since: None,
            crowd: 1,
        }
    }

    /// The system refuses threads: they will hardly be had in this phase.
    pub(super) fn is_refused(&mut self) {
        self.step = 0;
    }

    /// When to look next.
    pub(super) fn due(&self) -> Nanos {
        self.due
    }

    /// Whether it is of any use to look soon.
    pub(super) fn has_steps(&self) -> bool {
        self.step > 0
    }

    /// Has a look at a run that is in the phase at `place`, and in which so many
    /// tasks are `settled`.
    pub(super) fn look(&mut self, place: usize, settled: u64, now: Nanos, short: bool) -> Found {
        let progress = std::mem::replace(&mut self.settled, settled) != settled;
        let due = self.due <= now;
        if due || progress {
            self.due = now.saturating_add(RAMP);
        }
        if std::mem::replace(&mut self.place, place) != place {
            self.step = 1;
            self.crowd = 1;
        }
        if self.is_crowded(now, short) {
            let more = self.crowd;
            self.crowd *= 2;
            return Found::short_of(more);
        }
        if progress {
            self.step = self.step.min(1);
            return Found::default();
        }
        if !due {
            return Found::default();
        }
        let mut more = 0;
        if short {
            more = self.step;
            self.step *= 2;
        }
        Found {
            is_slow: true,
            more,
        }
    }

    fn is_crowded(&mut self, now: Nanos, short: bool) -> bool {
        if !short {
            self.short_since = None;
            return false;
        }
        let since = *self.short_since.get_or_insert(now);
        let crowded = now.since(since) >= CROWDED;
        if crowded {
            self.short_since = Some(now);
        }
        crowded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A ramp, and the clock that it is looked at by.
    struct Looks {
        ramp: Ramp,
        now: Nanos,
        place: usize,
        settled: u64,
    }

    impl Looks {
        fn new() -> Self {
            let now = Nanos(1_000_000_000);
            Self {
                ramp: Ramp::new(now),
                now,
                place: 0,
                settled: 0,
            }
        }

        fn after(&mut self, time: Duration, short: bool) -> Found {
            self.now = self.now.saturating_add(time);
            self.ramp.look(self.place, self.settled, self.now, short)
        }

        /// The same, and a task has ended meanwhile.
        fn after_one_more(&mut self, time: Duration, short: bool) -> Found {
            self.settled += 1;
            self.after(time, short)
        }
    }

    const MOMENT: Duration = Duration::from_nanos(1);

    fn slow_and_short_of(more: usize) -> Found {
        Found {
            is_slow: true,
            more,
        }
    }

    #[test]
    fn without_progress_there_are_twice_as_many_each_time() {
        let mut looks = Looks::new();
        assert_eq!(looks.after(RAMP - MOMENT, true), Found::default());
        assert_eq!(looks.after(MOMENT, true), slow_and_short_of(1));
        assert!(looks.ramp.due() == looks.now.saturating_add(RAMP));
        assert_eq!(looks.after(RAMP - MOMENT, true), Found::default());
        for more in [2, 4, 8] {
            assert_eq!(looks.after(RAMP, true), slow_and_short_of(more));
        }
    }

    #[test]
    fn with_threads_enough_there_are_no_more() {
        let mut looks = Looks::new();
        for _ in 0..100 {
            assert_eq!(looks.after(RAMP, false), slow_and_short_of(0));
        }
        assert_eq!(looks.after(RAMP, true), slow_and_short_of(1));
    }

    #[test]
    fn progress_puts_it_off_and_takes_it_back_to_one() {
        let mut looks = Looks::new();
        looks.after(RAMP, true);
        looks.after(RAMP, true);
        assert_eq!(looks.after_one_more(RAMP / 2, true), Found::default());
        assert_eq!(looks.after(RAMP - MOMENT, true), Found::default());
        assert_eq!(looks.after(MOMENT, true), slow_and_short_of(1));
    }

    #[test]
    fn another_phase_begins_anew() {
        let mut looks = Looks::new();
        for _ in 0..3 {
            looks.after(RAMP, true);
        }
        looks.place = 1;
        assert_eq!(looks.after(RAMP, true), slow_and_short_of(1));
        assert_eq!(looks.after(RAMP, true), slow_and_short_of(2));
    }

    #[test]
    fn where_threads_are_refused_there_are_none_until_the_next_phase() {
        let mut looks = Looks::new();
        looks.after(RAMP, true);
        assert!(looks.ramp.has_steps());
        looks.ramp.is_refused();
        assert!(!looks.ramp.has_steps());
        assert_eq!(looks.after(RAMP, true), slow_and_short_of(0));
        assert_eq!(looks.after_one_more(RAMP, true), Found::default());
        assert!(!looks.ramp.has_steps());
        looks.place = 1;
        assert_eq!(looks.after(RAMP, true), slow_and_short_of(1));
    }

    #[test]
    fn a_crowd_that_makes_progress_gets_more_all_the_same() {
        let mut looks = Looks::new();
        let mut crowded = |time| looks.after_one_more(time, true);
        assert_eq!(crowded(RAMP), Found::default());
        for more in [1, 2, 4] {
            assert_eq!(crowded(CROWDED - MOMENT), Found::default());
            assert_eq!(crowded(MOMENT), Found::short_of(more));
        }
        looks.place = 1;
        assert_eq!(looks.after_one_more(CROWDED, true), Found::short_of(1));
    }

    #[test]
    fn a_crowd_is_one_only_while_there_is_no_thread_to_spare() {
        let mut looks = Looks::new();
        looks.after_one_more(RAMP, true);
        looks.after_one_more(CROWDED - MOMENT, false);
        assert_eq!(looks.after_one_more(MOMENT, true), Found::default());
        let nearly = looks.after_one_more(CROWDED - MOMENT, true);
        assert_eq!(nearly, Found::default());
        assert_eq!(looks.after_one_more(MOMENT, true), Found::short_of(1));
    }
}
