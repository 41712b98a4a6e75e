//! The named entries of a gate: a fixed table, so that an entry allocates nothing.
//!
//! Slots are taken first come, first served: when the table is full, the entries that
//! are not listed are younger than those that were listed at that moment.

use std::sync::atomic::{AtomicI32, AtomicU32, AtomicU64, Ordering};

use deadstop_core::Nanos;
use deadstop_core::roster::{Text, words};
use deadstop_core::slot_state::SlotState;

/// The number of named entries that a gate lists.
pub(crate) const SLOTS: usize = 64;

/// The bytes of a name that are kept.
const NAME: usize = 64;

/// The named entries of a gate.
pub(crate) struct Roster {
    slots: [Slot; SLOTS],
    next: AtomicU32,
}

struct Slot {
    state: SlotState,
    tid: AtomicI32,
    entered: AtomicU64,
    name: Text<{ words(NAME) }>,
}

/// A slot that an entry holds.
#[derive(Clone, Copy)]
pub(crate) struct SlotIndex(u32);

/// A named entry, as it was at one moment.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Listed {
    pub(crate) name: String,
    pub(crate) entered: Nanos,
    /// The thread that entered.
    pub(crate) tid: i32,
}

impl Roster {
    pub(crate) const fn empty() -> Self {
        Self {
            slots: [const {
                Slot {
                    state: SlotState::free(),
                    tid: AtomicI32::new(0),
                    entered: AtomicU64::new(0),
                    name: Text::empty(),
                }
            }; SLOTS],
            next: AtomicU32::new(0),
        }
    }

    /// Lists an entry. Returns `None` if the table is full.
    pub(crate) fn enter(&self, name: &str, entered: Nanos, tid: i32) -> Option<SlotIndex> {
        // Threads begin at different slots, so that they seldom want the same one.
        let first = self.next.fetch_add(1, Ordering::Relaxed) as usize;
        let at = (0..SLOTS)
            .map(|offset| (first + offset) % SLOTS)
            .find(|at| self.slots[*at].state.claim())?;
        let slot = &self.slots[at];
        slot.name.write(name);
        slot.entered.store(entered.0, Ordering::Relaxed);
        slot.tid.store(tid, Ordering::Relaxed);
        slot.state.list();
        Some(SlotIndex(at as u32))
    }

    /// Takes an entry off the list.
    pub(crate) fn leave(&self, slot: SlotIndex) {
        self.slots[slot.0 as usize].state.release();
    }

    /// Returns the listed entry that entered first.
    pub(crate) fn oldest(&self) -> Option<Listed> {
        let listed = self.slots.iter().filter_map(Slot::read);
        listed.min_by_key(|listed| listed.entered)
    }
}

impl Slot {
    fn read(&self) -> Option<Listed> {
        self.state.read(|| {
            let mut buffer = [0; NAME];
            Listed {
                name: self.name.read(&mut buffer).unwrap_or("?").to_owned(),
                entered: Nanos(self.entered.load(Ordering::Relaxed)),
                tid: self.tid.load(Ordering::Relaxed),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn oldest_is_the_entry_that_entered_first_and_has_not_left() {
        let roster = Roster::empty();
        assert_eq!(roster.oldest(), None);
        let second = roster
            .enter("second", Nanos(20), 2)
            .expect("there is a slot");
        let first = roster
            .enter("first", Nanos(10), 1)
            .expect("there is a slot");
        assert_eq!(
            roster.oldest(),
            Some(Listed {
                name: "first".into(),
                entered: Nanos(10),
                tid: 1
            })
        );
        roster.leave(first);
        assert_eq!(roster.oldest().map(|listed| listed.tid), Some(2));
        roster.leave(second);
        assert_eq!(roster.oldest(), None);
    }

    #[test]
    fn full_roster_lists_no_more_and_takes_the_next_once_a_slot_is_free() {
        let roster = Roster::empty();
        let slots: Vec<_> = (0..SLOTS)
            .map(|at| roster.enter("entry", Nanos(at as u64), 1).expect("a slot"))
            .collect();
        assert!(roster.enter("one more", Nanos(0), 1).is_none());
        roster.leave(slots[40]);
        assert!(roster.enter("one more", Nanos(0), 1).is_some());
    }

    #[test]
    fn name_longer_than_a_slot_is_cut_at_a_character() {
        let roster = Roster::empty();
        roster.enter(&"ä".repeat(40), Nanos(1), 1);
        let oldest = roster.oldest().expect("it is listed");
        assert_eq!(oldest.name, "ä".repeat(32));
    }
}
