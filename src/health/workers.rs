//! Decides which workers of a runtime are blocked in a poll: a pure state machine, with
//! what the runtime counts and time passed in.
//!
//! A worker parks when it has nothing to do, and counts that and its way back. While it is
//! busy, it adds to its busy time after each batch of polls. So a worker that is not parked
//! and counts nothing is in one poll.

use std::time::Duration;

use deadstop_core::Nanos;

/// The runtime's counters of a worker.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(super) struct Counts {
    /// The number of parks and unparks: odd while it is parked.
    pub(super) parks: u64,
    pub(super) busy: Duration,
}

impl Counts {
    fn is_parked(self) -> bool {
        self.parks % 2 == 1
    }
}

#[derive(Clone, Copy)]
struct Worker {
    counts: Counts,
    /// The time of its last change, or at which it was last seen parked.
    moved: Nanos,
    is_reported: bool,
}

/// The workers of a runtime.
pub(super) struct Workers(Vec<Worker>);

/// The result of a look at all workers.
#[derive(Debug, Eq, PartialEq)]
pub(super) struct Look {
    /// `true` if each worker has moved within half of the limit.
    pub(super) all_move: bool,
    /// The workers that are found blocked, once each time, with how long.
    pub(super) blocked: Vec<(usize, Duration)>,
}

impl Workers {
    pub(super) fn new(count: usize, now: Nanos) -> Self {
        let worker = Worker {
            counts: Counts::default(),
            moved: now,
            is_reported: false,
        };
        Self(vec![worker; count])
    }

    /// Looks at the workers at `now`. A worker may stay in one poll for `limit`.
    pub(super) fn look(
        &mut self,
        counts: impl Fn(usize) -> Counts,
        limit: Duration,
        now: Nanos,
    ) -> Look {
        let mut look = Look {
            all_move: true,
            blocked: Vec::new(),
        };
        for (index, worker) in self.0.iter_mut().enumerate() {
            let counted = counts(index);
            if counted != worker.counts || counted.is_parked() {
                worker.counts = counted;
                worker.moved = now;
                worker.is_reported = false;
                continue;
            }
            let length = now.since(worker.moved);
            look.all_move &= length <= limit / 2;
            if length > limit && !worker.is_reported {
                worker.is_reported = true;
                look.blocked.push((index, length));
            }
        }
        look
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(2);
    const BEGUN: Nanos = Nanos(1_000_000_000_000);

    fn at(tenths: u32) -> Nanos {
        BEGUN.saturating_add(Duration::from_millis(100) * tenths)
    }

    fn counts(parks: u64, busy: u64) -> Counts {
        Counts {
            parks,
            busy: Duration::from_millis(busy),
        }
    }

    /// Looks each tenth of a second, and returns what was found blocked, and when.
    fn blocked(workers: &mut Workers, of: impl Fn(u32, usize) -> Counts) -> Vec<(u32, usize)> {
        let looks = (0..100).map(|tenth| {
            let look = workers.look(|index| of(tenth, index), LIMIT, at(tenth));
            look.blocked
                .into_iter()
                .map(move |(index, _)| (tenth, index))
        });
        looks.flatten().collect()
    }

    #[test]
    fn worker_in_one_poll_is_found_once_and_not_before_the_limit() {
        let mut workers = Workers::new(2, BEGUN);
        let found = blocked(&mut workers, |_, index| match index {
            0 => counts(1, 0),
            _ => counts(2, 5),
        });
        assert_eq!(found, [(21, 1)]);
    }

    #[test]
    fn parked_and_busy_workers_are_not_blocked() {
        let mut workers = Workers::new(3, BEGUN);
        let found = blocked(&mut workers, |tenth, index| match index {
            0 => counts(7, 40),
            1 => counts(2, u64::from(tenth / 15)),
            _ => counts(u64::from(tenth / 15) * 2, 0),
        });
        assert_eq!(found, []);
    }

    #[test]
    fn worker_that_moved_again_is_found_again() {
        let mut workers = Workers::new(1, BEGUN);
        let found = blocked(&mut workers, |tenth, _| counts(2, u64::from(tenth / 50)));
        assert_eq!(found, [(21, 0), (71, 0)]);
    }

    #[test]
    fn workers_that_take_turns_in_long_polls_all_move() {
        let mut workers = Workers::new(2, BEGUN);
        for tenth in 0..100_u32 {
            let turn = |index: usize| u64::from(tenth + 4 * index as u32) / 9;
            let look = workers.look(|index| counts(2, turn(index)), LIMIT, at(tenth));
            assert!(look.all_move, "at {tenth}");
        }
        let look = workers.look(|_| counts(2, 11), LIMIT, at(120));
        assert!(!look.all_move, "they stopped");
    }
}
