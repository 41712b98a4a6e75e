//! Futures and threads that wait for a milestone.

use std::task::Waker;

#[cfg(feature = "crossbeam-channel")]
use crossbeam_channel::Receiver;
#[cfg(feature = "crossbeam-channel")]
use std::convert::Infallible;

use super::coordinator::Coordinator;
use super::milestone::Milestone;
use crate::coordinator::machine::ScopeId;

impl Coordinator {
    /// Returns `true` once the milestone is reached. In a child of `fork` all are, so that no call
    /// waits there.
    pub(in crate::coordinator) fn is_reached(&self, milestone: Milestone) -> bool {
        if !self.is_here() {
            return true;
        }
        match milestone {
            Milestone::Requested(ScopeId::ROOT) => self.is_requested(),
            Milestone::Requested(scope) => self.lock().state.machine.is_scope_requested(scope),
            Milestone::Reached(phase) => {
                let at = self.lock().state.machine.phase();
                at.is_some_and(|at| at >= phase)
            }
            Milestone::Ended => self.completion.get().is_some(),
        }
    }

    /// Sets the waker of `key`, in place of an earlier one.
    #[inline(never)] // Most handles have no waker.
    pub(in crate::coordinator) fn set_waker(
        &self,
        key: &mut Option<u64>,
        milestone: Milestone,
        waker: &Waker,
    ) {
        // Cloning and dropping a waker is foreign code: not under the lock.
        let waker = waker.clone();
        let mut guard = self.lock();
        let before = guard.state.wakers.set(key, milestone, waker);
        guard.release();
        drop(before);
    }

    #[inline(never)] // Most handles have no waker.
    pub(in crate::coordinator) fn remove_waker(&self, key: u64, milestone: Milestone) {
        if !self.is_here() {
            return;
        }
        let mut guard = self.lock();
        let waker = guard.state.wakers.remove(key, milestone);
        guard.release();
        drop(waker);
    }

    /// Counts a thread that waits for a phase in, or out.
    pub(in crate::coordinator) fn count_waiting_thread(&self, waits: bool) {
        let mut guard = self.lock();
        let threads = &mut guard.state.wakers.threads;
        match waits {
            true => *threads += 1,
            false => *threads -= 1,
        }
    }

    /// Returns a channel that is disconnected when the scope is requested to stop.
    #[cfg(feature = "crossbeam-channel")]
    pub(in crate::coordinator) fn request_channel(&self, scope: ScopeId) -> Receiver<Infallible> {
        let open = || crossbeam_channel::bounded(0);
        if !self.is_here() {
            return open().1;
        }
        let mut guard = self.lock();
        let state = &mut *guard.state;
        if state.machine.is_scope_requested(scope) {
            return open().1;
        }
        state
            .wakers
            .channels
            .entry(scope)
            .or_insert_with(open)
            .1
            .clone()
    }
}
