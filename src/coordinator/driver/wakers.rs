//! The wakers of futures that wait for a milestone, and the channels that are
//! disconnected at a request.

use std::collections::BTreeMap;
#[cfg(feature = "crossbeam-channel")]
use std::collections::HashMap;
use std::ops::RangeBounds;
use std::task::Waker;

use super::machine::Machine;
use super::pool::Pool;
use crate::coordinator::machine::ScopeId;

#[cfg(feature = "crossbeam-channel")]
use crossbeam_channel::{Receiver, Sender};
#[cfg(feature = "crossbeam-channel")]
use std::convert::Infallible;

/// A milestone of the shutdown, or of a scope. In this order, those that are reached together
/// are neighbors.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(in crate::coordinator) enum Milestone {
    Requested(ScopeId),
    /// The phase at this place has begun, or is skipped.
    Reached(usize),
    Ended,
}

pub(super) struct Wakers {
    pub(super) next: u64,
    pub(super) waiting: BTreeMap<Milestone, BTreeMap<u64, Waker>>,
    /// Threads that wait for a phase.
    pub(super) threads: usize,
    #[cfg(feature = "crossbeam-channel")]
    pub(super) gates: HashMap<ScopeId, (Sender<Infallible>, Receiver<Infallible>)>,
}

impl Wakers {
    pub(super) fn new() -> Self {
        Self {
            next: 0,
            waiting: BTreeMap::new(),
            threads: 0,
            #[cfg(feature = "crossbeam-channel")]
            gates: HashMap::new(),
        }
    }

    /// Returns `true` if a thread waits for a phase.
    pub(super) fn has_threads(&self) -> bool {
        self.threads > 0
    }

    /// Hands over those whose scope is requested. They are called by pool threads: a
    /// waker is foreign code.
    pub(super) fn take_requested(&mut self, machine: &Machine, pool: &mut Pool) {
        #[cfg(feature = "crossbeam-channel")]
        self.gates
            .retain(|&scope, _| !machine.is_scope_requested(scope));
        self.take(pool, ..Milestone::Reached(0), |milestone| match milestone {
            Milestone::Requested(scope) => machine.is_scope_requested(*scope),
            Milestone::Reached(_) | Milestone::Ended => false,
        });
    }

    /// Hands over those that wait for a phase up to the one at `place`; returns whether
    /// there were any.
    pub(super) fn take_reached(&mut self, place: usize, pool: &mut Pool) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let reached = Milestone::Reached(0)..=Milestone::Reached(place);
        self.take(pool, reached, |_| true)
    }

    pub(super) fn take_ended(&mut self, pool: &mut Pool) {
        // A detached scope that was not requested goes on waiting.
        self.take(pool, Milestone::Reached(0).., |_| true);
    }

    /// Hands over those in `range` whose milestone is reached.
    fn take(
        &mut self,
        pool: &mut Pool,
        range: impl RangeBounds<Milestone>,
        is_reached: impl Fn(&Milestone) -> bool,
    ) -> bool {
        let milestones = self.waiting.range(range).map(|(milestone, _)| milestone);
        let reached: Vec<_> = milestones.filter(|it| is_reached(it)).copied().collect();
        for milestone in &reached {
            if let Some(wakers) = self.waiting.remove(milestone) {
                pool.wake(wakers);
            }
        }
        !reached.is_empty()
    }
}
