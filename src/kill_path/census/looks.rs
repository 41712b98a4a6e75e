//! The processor time of every thread, looked at twice.

use ::core::cmp::{Ord, Reverse};
use ::core::convert::TryFrom;
use ::core::ffi::c_int;
use ::core::iter::Iterator;
use ::core::option::Option::{self, None, Some};
use ::core::time::Duration;

use super::super::sizes::LOOKS;
use super::super::sys::{self, Nanos};

/// How many clocks are read between two looks at the time.
const BATCH: usize = 64;

/// Why a thread is looked at, and so in which order it is listed.
#[derive(
    ::core::clone::Clone,
    ::core::marker::Copy,
    ::core::cmp::PartialEq,
    ::core::cmp::Eq,
    ::core::cmp::PartialOrd,
    ::core::cmp::Ord,
)]
pub(super) enum Rank {
    /// It runs a task; the tasks are in the order that they were given in.
    Task(u8),
    Main,
    Other,
}

/// One thread, looked at once or twice.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(super) struct Look {
    pub(super) tid: c_int,
    pub(super) rank: Rank,
    at: Nanos,
    /// Its processor time at the last look; none if it is gone.
    pub(super) cpu: Option<Duration>,
    pub(super) busy: Option<u8>,
}

/// Up to [`LOOKS`] threads.
pub(super) struct Looks {
    looks: [Look; LOOKS],
    len: usize,
}

impl Looks {
    pub(super) const fn empty() -> Self {
        Self {
            looks: [Look {
                tid: 0,
                rank: Rank::Other,
                at: Nanos(0),
                cpu: None,
                busy: None,
            }; LOOKS],
            len: 0,
        }
    }

    pub(super) fn clear(&mut self) {
        self.len = 0;
    }

    pub(super) fn is_full(&self) -> bool {
        self.len == LOOKS
    }

    pub(super) fn get(&self, n: usize) -> Option<Look> {
        self.looks.get(..self.len)?.get(n).copied()
    }

    /// Those that are there for a reason of their own: the first ones.
    pub(super) fn is_expected(&self, tid: c_int) -> bool {
        let expected = self.looks.iter().take(self.len);
        let mut expected = expected.take_while(|look| look.rank != Rank::Other);
        expected.any(|look| look.tid == tid)
    }

    /// Adds a thread. Those of rank [`Rank::Other`] come last.
    pub(super) fn add(&mut self, tid: c_int, rank: Rank) {
        if let Some(look) = self.looks.get_mut(self.len) {
            *look = Look {
                tid,
                rank,
                at: Nanos(0),
                cpu: None,
                busy: None,
            };
            self.len = self.len.saturating_add(1);
        }
    }

    /// Reads the clock of each.
    pub(super) fn first(&mut self, until: Nanos) {
        for look in self.in_time(until) {
            look.at = sys::now();
            look.cpu = sys::cpu(look.tid);
        }
    }

    /// Reads the clocks again, for how busy each was in between.
    pub(super) fn second(&mut self, until: Nanos) {
        for look in self.in_time(until) {
            let Some(before) = look.cpu else {
                continue;
            };
            let now = sys::now();
            look.cpu = sys::cpu(look.tid);
            look.busy = look
                .cpu
                .and_then(|cpu| per_cent(cpu.saturating_sub(before), now.since(look.at)));
        }
    }

    /// Puts them in the order in which they are listed.
    pub(super) fn sort(&mut self) {
        let looks = self.looks.get_mut(..self.len).unwrap_or(&mut []);
        looks.sort_unstable_by_key(|look| (look.rank, Reverse(look.busy), look.tid));
    }

    /// Those that there is time to look at.
    fn in_time(&mut self, until: Nanos) -> impl Iterator<Item = &mut Look> {
        let looks = self.looks.get_mut(..self.len).unwrap_or(&mut []);
        let batches = looks.chunks_mut(BATCH);
        batches.take_while(move |_| sys::now() < until).flatten()
    }
}

/// `part` of `whole` in per cent, to the nearest, 100 at most.
fn per_cent(part: Duration, whole: Duration) -> Option<u8> {
    let whole = whole.as_nanos();
    let hundredfold = part.as_nanos().saturating_mul(100);
    let rounded = hundredfold.saturating_add(whole.wrapping_div(2));
    let busy = rounded.checked_div(whole)?;
    Some(u8::try_from(busy.min(100)).unwrap_or(100))
}
