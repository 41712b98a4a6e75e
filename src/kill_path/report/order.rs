//! In which order tasks are told.

use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::ops::{Fn, FnMut};
use ::core::option::Option::{self, None, Some};

use super::super::roster::{Buffer, Is, Reading, Roster};
use super::super::sys::Nanos;

impl Roster {
    /// Calls `each` with every task that has not returned, the culprits first:
    /// those that were abandoned, and then whoever has run for the longest.
    pub(super) fn hung(&self, each: impl FnMut(&Reading<'_>)) {
        let rank = |is: Is| is.hangs().then_some(is != Is::Abandoned);
        self.in_order(rank, each);
    }

    /// Calls `each` with every task that is over and was kept for the record,
    /// in the order in which they began.
    pub(super) fn over(&self, each: impl FnMut(&Reading<'_>)) {
        self.in_order(|is| (!is.hangs()).then_some(false), each);
    }

    /// The threads of the tasks that have not returned, in the order in which
    /// the report has them, as far as there is room. Returns how many.
    pub(crate) fn hung_threads(&self, into: &mut [c_int]) -> usize {
        let mut len = 0_usize;
        self.hung(|task| {
            if let Some(place) = into.get_mut(len).filter(|_| task.tid > 0) {
                *place = task.tid;
                len = len.saturating_add(1);
            }
        });
        len
    }

    /// Calls `each` with the tasks that have a rank, in the order of their
    /// ranks and then of their starts.
    fn in_order(&self, rank: impl Fn(Is) -> Option<bool>, mut each: impl FnMut(&Reading<'_>)) {
        let mut buffer = Buffer::new();
        let mut last = None;
        loop {
            // The next one after the last: a table of 64 is walked 64 times at
            // most, and nothing need be kept or sorted.
            let mut next: Option<(bool, Nanos, usize)> = None;
            for (place, slot) in self.running.slots().enumerate() {
                let Some((is, started)) = slot.glance() else {
                    continue;
                };
                let Some(rank) = rank(is) else {
                    continue;
                };
                let key = (rank, started, place);
                let is_behind_last = last.is_none_or(|last| key > last);
                if is_behind_last && next.is_none_or(|next| key < next) {
                    next = Some(key);
                }
            }
            let Some(key) = next else {
                return;
            };
            last = next;
            let slot = self.running.slots().nth(key.2);
            // It may have ended meanwhile, or be somebody else's.
            let task = slot.and_then(|slot| slot.read(&mut buffer));
            if let Some(task) = task.filter(|task| rank(task.is).is_some()) {
                each(&task);
            }
        }
    }
}
