//! Decides which connections are served: a pure state machine, with time passed in.
//!
//! ```text
//!           accept            request            answer sent
//!   Free ──────────▶ Reading ─────────▶ Writing ─────────────▶ Lingering ──▶ Free
//!                       │                  ▲
//!                       └────▶ Waiting ────┘    (for the status report)
//! ```
//!
//! A peer may be slow, mute, or hold a thousand connections. Each state has a deadline, and
//! when all slots are taken the oldest makes way for the next one: it must be
//! [`MIN_AGE`] old, so that the request of an honest peer, which is here at once, is read.
//! So `SLOTS / MIN_AGE` connections per second get through whatever the peers do. A
//! lingering connection has its answer, and makes way first.

use std::time::Duration;

use deadstop_core::Nanos;

/// Connections that are served at the same time.
pub(super) const SLOTS: usize = 16;

/// The longest time for a connection's request, and again for its answer.
const LIFE: Duration = Duration::from_secs(2);

/// The longest wait for the peer to close after its answer: closing at once could destroy
/// an answer that is under way.
const LINGER: Duration = Duration::from_millis(250);

/// The age at which a connection makes way when all slots are taken.
const MIN_AGE: Duration = Duration::from_millis(10);

/// The state of a connection.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Doing {
    Free,
    Reading,
    Waiting,
    Writing,
    Lingering,
}

#[derive(Clone, Copy)]
struct Slot {
    doing: Doing,
    opened: Nanos,
    deadline: Nanos,
}

/// The slots.
pub(super) struct Slots([Slot; SLOTS]);

/// Whether the next connection has a slot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Admission {
    Free(usize),
    /// The connection there makes way.
    Evict(usize),
    /// None before then.
    Later(Nanos),
}

impl Slots {
    pub(super) fn new() -> Self {
        Self(
            [Slot {
                doing: Doing::Free,
                opened: Nanos(0),
                deadline: Nanos::LAST,
            }; SLOTS],
        )
    }

    pub(super) fn doing(&self, index: usize) -> Doing {
        self.0[index].doing
    }

    /// Returns the slot that a waiting connection would get.
    pub(super) fn admission(&self, now: Nanos) -> Admission {
        let indexed = || self.0.iter().enumerate();
        if let Some((index, _)) = indexed().find(|(_, slot)| slot.doing == Doing::Free) {
            return Admission::Free(index);
        }
        let oldest = |slots: &mut dyn Iterator<Item = (usize, &Slot)>| {
            slots
                .min_by_key(|(_, slot)| slot.opened)
                .map(|(index, slot)| (index, slot.opened))
        };
        let lingering = &mut indexed().filter(|(_, slot)| slot.doing == Doing::Lingering);
        if let Some((index, _)) = oldest(lingering) {
            return Admission::Evict(index);
        }
        match oldest(&mut indexed()) {
            Some((index, opened)) => {
                let grown = opened.saturating_add(MIN_AGE);
                match grown <= now {
                    true => Admission::Evict(index),
                    false => Admission::Later(grown),
                }
            }
            None => Admission::Later(Nanos::LAST),
        }
    }

    pub(super) fn open(&mut self, index: usize, now: Nanos) {
        self.0[index] = Slot {
            doing: Doing::Reading,
            opened: now,
            deadline: now.saturating_add(LIFE),
        };
    }

    /// The connection goes on with something else.
    pub(super) fn enter(&mut self, index: usize, doing: Doing, now: Nanos) {
        let slot = &mut self.0[index];
        slot.doing = doing;
        let length = match doing {
            Doing::Lingering => LINGER,
            _ => LIFE,
        };
        slot.deadline = now.saturating_add(length);
    }

    pub(super) fn close(&mut self, index: usize) {
        self.0[index].doing = Doing::Free;
    }

    pub(super) fn is_expired(&self, index: usize, now: Nanos) -> bool {
        let slot = self.0[index];
        slot.doing != Doing::Free && slot.deadline <= now
    }

    /// Returns the time for which the connection has existed.
    pub(super) fn age(&self, index: usize, now: Nanos) -> Duration {
        now.since(self.0[index].opened)
    }

    /// Returns the time at which the next connection expires.
    pub(super) fn due(&self) -> Option<Nanos> {
        let taken = self.0.iter().filter(|slot| slot.doing != Doing::Free);
        taken.map(|slot| slot.deadline).min()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: Nanos = Nanos(1_000_000_000_000);

    fn after(millis: u64) -> Nanos {
        START.saturating_add(Duration::from_millis(millis))
    }

    /// Slots that are all taken, one per millisecond.
    fn full() -> Slots {
        let mut slots = Slots::new();
        for index in 0..SLOTS {
            let Admission::Free(free) = slots.admission(after(index as u64)) else {
                panic!("a slot is free");
            };
            slots.open(free, after(index as u64));
        }
        slots
    }

    #[test]
    fn oldest_makes_way_once_it_is_old_enough() {
        let mut slots = full();
        assert_eq!(slots.admission(after(9)), Admission::Later(after(10)));
        assert_eq!(slots.admission(after(10)), Admission::Evict(0));
        slots.open(0, after(10));
        assert_eq!(slots.admission(after(10)), Admission::Later(after(11)));
        assert_eq!(slots.admission(after(11)), Admission::Evict(1));
    }

    #[test]
    fn connection_with_its_answer_makes_way_first() {
        let mut slots = full();
        slots.enter(7, Doing::Lingering, after(16));
        slots.enter(9, Doing::Lingering, after(16));
        assert_eq!(slots.admission(after(16)), Admission::Evict(7));
    }

    /// A thousand connections that say nothing: an honest one among them is accepted
    /// within a second.
    #[test]
    fn flood_of_mute_connections_passes_at_a_steady_rate() {
        let mut slots = Slots::new();
        let mut now = START;
        for _ in 0..1000 {
            let index = loop {
                match slots.admission(now) {
                    Admission::Free(index) | Admission::Evict(index) => break index,
                    Admission::Later(then) => now = then,
                }
            };
            slots.open(index, now);
        }
        assert!(
            now.since(START) < Duration::from_secs(1),
            "{:?}",
            now.since(START)
        );
    }

    #[test]
    fn connection_expires_after_its_life_and_a_lingering_one_sooner() {
        let mut slots = Slots::new();
        assert_eq!(slots.due(), None);
        slots.open(3, START);
        assert_eq!(slots.due(), Some(after(2000)));
        assert!(!slots.is_expired(3, after(1999)) && slots.is_expired(3, after(2000)));
        slots.enter(3, Doing::Writing, after(1500));
        assert_eq!(slots.due(), Some(after(3500)));
        slots.enter(3, Doing::Lingering, after(2500));
        assert_eq!(slots.due(), Some(after(2750)));
        slots.close(3);
        assert!(!slots.is_expired(3, after(5000)));
        assert_eq!(slots.due(), None);
    }
}
