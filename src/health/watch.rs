//! Decides which heartbeats are late: a pure state machine, with time passed in.
//!
//! ```text
//!            sight                        no tick for longer than the limit
//! Absent ────────────▶ Alive ─────────────────────────────────────────────▶ Stalled
//!   ▲                    ▲                                                     │
//!   │ closed             └───────────── tick, or a pause ──────────────────────┘
//! ```
//!
//! A tick carries no time. The watcher notes the round in which it sees the tick, so a
//! heartbeat is never found late too early, and at most one round too late.
//!
//! A watcher that wakes late (SIGSTOP, starvation) cannot say whether the other threads
//! ran meanwhile: that time is not counted against any heartbeat, and that round finds
//! none late.

use std::time::Duration;

use deadstop_core::Nanos;

/// The longest and the shortest time between two rounds.
const LONGEST: Duration = Duration::from_secs(1);
const SHORTEST: Duration = Duration::from_millis(5);

/// The largest delay of a round that may still find a heartbeat late.
const TOLERANCE: Duration = Duration::from_millis(50);

/// A round's observation of one heartbeat.
#[derive(Clone, Copy)]
pub(super) struct Sight {
    /// Differs between two heartbeats that used the same place.
    pub(super) session: u32,
    /// Set if it ticked since the round before.
    pub(super) ticked: bool,
    /// The longest time between two ticks; `None` while it is paused.
    pub(super) limit: Option<Duration>,
}

/// A round's result for one heartbeat.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Finding {
    Nothing,
    /// The heartbeat is late. Found once per stall.
    Stalled,
    /// The heartbeat ticked again, or was paused or closed.
    Recovered,
}

#[derive(Clone, Copy)]
struct Tracked {
    session: u32,
    last: Nanos,
    is_stalled: bool,
}

/// The state of up to `N` heartbeats.
pub(super) struct Watch<const N: usize> {
    tracked: [Option<Tracked>; N],
    due: Option<Nanos>,
    now: Nanos,
    lost: Duration,
    period: Option<Duration>,
}

impl<const N: usize> Watch<N> {
    pub(super) const fn new(now: Nanos) -> Self {
        Self {
            tracked: [None; N],
            due: None,
            now,
            lost: Duration::ZERO,
            period: None,
        }
    }

    /// Returns the time at which the next round must begin; `None` without heartbeats.
    pub(super) fn due(&self) -> Option<Nanos> {
        self.due
    }

    /// Begins a round. It may begin before it is due.
    pub(super) fn begin(&mut self, now: Nanos) {
        self.now = now;
        self.lost = self.due.map_or(Duration::ZERO, |due| now.since(due));
        self.period = None;
    }

    /// Looks at the heartbeat in place `index`; `None` if there is none.
    pub(super) fn see(&mut self, index: usize, sight: Option<Sight>) -> Finding {
        let now = self.now;
        let Some(place) = self.tracked.get_mut(index) else {
            return Finding::Nothing;
        };
        let before = *place;
        let Some(sight) = sight else {
            *place = None;
            return recovery(before);
        };
        if let Some(limit) = sight.limit {
            let period = period(limit);
            self.period = Some(self.period.map_or(period, |other| other.min(period)));
        } else {
            self.period = Some(self.period.unwrap_or(LONGEST));
        }
        let known = before.filter(|tracked| tracked.session == sight.session);
        let (Some(tracked), false, Some(limit)) = (known, sight.ticked, sight.limit) else {
            *place = Some(Tracked {
                session: sight.session,
                last: now,
                is_stalled: false,
            });
            return recovery(before);
        };
        let last = tracked.last.saturating_add(self.lost);
        let is_late = self.lost <= TOLERANCE && now.since(last) > limit;
        *place = Some(Tracked {
            last,
            is_stalled: tracked.is_stalled || is_late,
            ..tracked
        });
        match is_late && !tracked.is_stalled {
            true => Finding::Stalled,
            false => Finding::Nothing,
        }
    }

    /// Ends a round.
    pub(super) fn end(&mut self) {
        self.due = self.period.map(|period| self.now.saturating_add(period));
    }

    /// Returns the time at which a round last saw the heartbeat in place `index` tick.
    pub(super) fn last(&self, index: usize) -> Option<Nanos> {
        self.tracked.get(index)?.map(|tracked| tracked.last)
    }
}

/// Returns the time between two rounds that a heartbeat with this limit needs.
pub(super) fn period(limit: Duration) -> Duration {
    (limit / 4).clamp(SHORTEST, LONGEST)
}

fn recovery(before: Option<Tracked>) -> Finding {
    match before.is_some_and(|before| before.is_stalled) {
        true => Finding::Recovered,
        false => Finding::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);

    /// A watch of one heartbeat on a virtual clock.
    struct Scene {
        watch: Watch<1>,
        now: Nanos,
        session: u32,
        limit: Option<Duration>,
    }

    impl Scene {
        fn new() -> Self {
            let now = deadstop_core::now();
            let mut scene = Self {
                watch: Watch::new(now),
                now,
                session: 1,
                limit: Some(LIMIT),
            };
            assert_eq!(scene.round(false), Finding::Nothing);
            scene
        }

        fn sight(&self, ticked: bool) -> Option<Sight> {
            Some(Sight {
                session: self.session,
                ticked,
                limit: self.limit,
            })
        }

        fn round(&mut self, ticked: bool) -> Finding {
            let sight = self.sight(ticked);
            self.watch.begin(self.now);
            let finding = self.watch.see(0, sight);
            self.watch.end();
            finding
        }

        /// Runs each round when it is due, for `length`, without ticks.
        fn pass(&mut self, length: Duration) -> Vec<(Duration, Finding)> {
            let begun = self.now;
            let end = begun.saturating_add(length);
            let mut found = Vec::new();
            while let Some(due) = self.watch.due().filter(|due| *due <= end) {
                self.now = due;
                match self.round(false) {
                    Finding::Nothing => {}
                    finding => found.push((self.now.since(begun), finding)),
                }
            }
            self.now = end;
            found
        }
    }

    #[test]
    fn stall_is_found_once_and_not_before_the_limit() {
        let found = Scene::new().pass(LIMIT * 10);
        let [(after, Finding::Stalled)] = found[..] else {
            panic!("{found:?}");
        };
        assert!(after > LIMIT && after <= LIMIT + LIMIT / 4, "{after:?}");
    }

    #[test]
    fn heartbeat_that_ticks_is_not_late() {
        let mut scene = Scene::new();
        for _ in 0..20 {
            assert_eq!(scene.pass(LIMIT - LIMIT / 4), []);
            assert_eq!(scene.round(true), Finding::Nothing);
        }
    }

    #[test]
    fn tick_ends_a_stall_and_the_next_stall_is_found_again() {
        let mut scene = Scene::new();
        assert_eq!(scene.pass(LIMIT * 2).len(), 1);
        assert_eq!(scene.round(true), Finding::Recovered);
        assert_eq!(scene.round(true), Finding::Nothing);
        assert_eq!(scene.pass(LIMIT * 2).len(), 1);
    }

    #[test]
    fn round_that_begins_late_finds_no_heartbeat_late() {
        let mut scene = Scene::new();
        scene.now = scene.now.saturating_add(LIMIT * 100);
        assert_eq!(scene.round(false), Finding::Nothing);
        // The lost time does not count in later rounds either.
        assert_eq!(scene.pass(LIMIT - LIMIT / 4), []);
        assert_eq!(
            scene.pass(LIMIT).len(),
            1,
            "the heartbeat is late all the same"
        );
    }

    /// The time for which the watcher did not run says nothing about the other threads.
    #[test]
    fn heartbeat_that_a_late_round_would_find_is_found_in_the_next() {
        let mut scene = Scene::new();
        assert_eq!(scene.pass(LIMIT), []);
        let due = scene.watch.due().expect("there is a heartbeat");
        scene.now = due.saturating_add(TOLERANCE * 2);
        assert_eq!(scene.round(false), Finding::Nothing);
        scene.now = scene.watch.due().expect("there is a heartbeat");
        assert_eq!(scene.round(false), Finding::Stalled);
    }

    #[test]
    fn paused_heartbeat_is_not_late_and_its_pause_does_not_count() {
        let mut scene = Scene::new();
        scene.limit = None;
        assert_eq!(scene.pass(LIMIT * 50), []);
        scene.round(false);
        scene.limit = Some(LIMIT);
        assert_eq!(scene.pass(LIMIT - LIMIT / 4), []);
        assert_eq!(scene.pass(LIMIT).len(), 1);
    }

    #[test]
    fn longer_limit_is_kept() {
        let mut scene = Scene::new();
        scene.limit = Some(LIMIT * 10);
        assert_eq!(scene.pass(LIMIT * 9), []);
        assert_eq!(scene.pass(LIMIT * 2).len(), 1);
    }

    #[test]
    fn heartbeat_in_the_place_of_a_closed_one_begins_anew() {
        let mut scene = Scene::new();
        scene.pass(LIMIT - LIMIT / 8);
        scene.session = 2;
        assert_eq!(scene.round(false), Finding::Nothing);
        assert_eq!(scene.pass(LIMIT - LIMIT / 4), []);
    }

    #[test]
    fn without_heartbeats_no_round_is_due() {
        let mut scene = Scene::new();
        scene.watch.begin(scene.now);
        assert_eq!(scene.watch.see(0, None), Finding::Nothing);
        scene.watch.end();
        assert!(scene.watch.due().is_none());
    }
}
