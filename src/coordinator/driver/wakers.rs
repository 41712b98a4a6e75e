//! The wakers of futures that wait for a milestone, and the channels that are
//! disconnected at a request.

#[cfg(feature = "crossbeam-channel")]
use std::collections::HashMap;
use std::task::Waker;

use super::foreign_calls::ForeignCalls;
use super::machine::Machine;
use super::milestone::Milestone;
use super::waker_list::WakerList;
#[cfg(feature = "crossbeam-channel")]
use crate::coordinator::machine::ScopeId;

#[cfg(feature = "crossbeam-channel")]
use crossbeam_channel::{Receiver, Sender};
#[cfg(feature = "crossbeam-channel")]
use std::convert::Infallible;

#[derive(Default)]
pub(super) struct Wakers {
    last_key: u64,
    requested: WakerList,
    reached: WakerList,
    ended: WakerList,
    /// Threads that wait for a phase.
    pub(super) threads: usize,
    #[cfg(feature = "crossbeam-channel")]
    /// The channels that are disconnected when their scope is requested to stop.
    pub(super) channels: HashMap<ScopeId, (Sender<Infallible>, Receiver<Infallible>)>,
}

impl Wakers {
    /// Sets the waker of `key`, or of a new key; returns the one before.
    pub(super) fn set(
        &mut self,
        key: &mut Option<u64>,
        milestone: Milestone,
        waker: Waker,
    ) -> Option<Waker> {
        let key = *key.get_or_insert_with(|| {
            self.last_key += 1;
            self.last_key
        });
        self.list(milestone).set(key, milestone, waker)
    }

    pub(super) fn remove(&mut self, key: u64, milestone: Milestone) -> Option<Waker> {
        self.list(milestone).remove(key)
    }

    fn list(&mut self, milestone: Milestone) -> &mut WakerList {
        match milestone {
            Milestone::Requested(_) => &mut self.requested,
            Milestone::Reached(_) => &mut self.reached,
            Milestone::Ended => &mut self.ended,
        }
    }

    /// Returns `true` if a thread waits for a phase.
    pub(super) fn has_threads(&self) -> bool {
        self.threads > 0
    }

    /// Hands over those whose scope is requested. They are called by task threads: a
    /// waker is foreign code.
    #[inline(never)] // Once for each run.
    pub(super) fn take_requested(&mut self, machine: &Machine, calls: &mut ForeignCalls) {
        #[cfg(feature = "crossbeam-channel")]
        self.channels
            .retain(|&scope, _| !machine.is_scope_requested(scope));
        calls.wake(self.requested.take(&|milestone| match milestone {
            Milestone::Requested(scope) => machine.is_scope_requested(scope),
            Milestone::Reached(_) | Milestone::Ended => false,
        }));
    }

    /// Hands over those that wait for a phase up to `phase`; returns whether
    /// there were any.
    #[inline(never)] // Once for each phase.
    pub(super) fn take_reached(&mut self, phase: usize, calls: &mut ForeignCalls) -> bool {
        let reached = self.reached.take(&|milestone| match milestone {
            Milestone::Reached(at) => at <= phase,
            Milestone::Requested(_) | Milestone::Ended => false,
        });
        let any = !reached.is_empty();
        calls.wake(reached);
        any
    }

    #[inline(never)] // Once.
    pub(super) fn take_ended(&mut self, calls: &mut ForeignCalls) {
        // A detached scope that was not requested goes on waiting.
        calls.wake(self.reached.take(&|_| true));
        calls.wake(self.ended.take(&|_| true));
    }
}
