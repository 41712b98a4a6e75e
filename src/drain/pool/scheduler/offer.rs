//! The submitters' side of a pool's scheduler: offers a job, and tells the machine whether the
//! system gives a thread for it.
//!
//! A submitter that must know whether the system gives a thread reads `starts` before it
//! looks at the machine, and waits for `starts` to advance, which follows the system's
//! answer.

use super::Scheduler;
use super::locked::Locked;
use super::observe::Observe;
use crate::drain::pool::machine::{Dispatch, Offered, Start};

impl<J, O: Observe<J>> Scheduler<J, O> {
    /// Offers a job; `from_job` if a job of this pool does. Never returns
    /// [`Offered::Starting`].
    #[inline]
    pub(crate) fn offer(&self, job: J, from_job: bool) -> Offered<J> {
        let mut machine = self.lock_machine();
        if !machine.is_certain() {
            machine.see(self.progress());
            if !machine.is_certain() {
                drop(machine);
                return self.offer_under_both(job, from_job);
            }
        }
        match machine.offer(job, from_job) {
            Offered::Starting(job) => {
                drop(machine);
                self.offer_under_both(job, from_job)
            }
            offered => offered,
        }
    }

    #[cold]
    fn offer_under_both(&self, job: J, from_job: bool) -> Offered<J> {
        self.offer_by(job, |locked, job| locked.machine.offer(job, from_job))
    }

    /// Calls `offer` under both locks, and again after each answer of the system, while it
    /// returns [`Offered::Starting`].
    pub(crate) fn offer_by(
        &self,
        mut job: J,
        mut offer: impl FnMut(&mut Locked<'_, J, O>, J) -> Offered<J>,
    ) -> Offered<J> {
        loop {
            let starts = self.starts.read();
            job = match offer(&mut self.lock(), job) {
                Offered::Starting(job) => job,
                offered => return offered,
            };
            self.starts.wait_past(starts, None);
        }
    }

    /// The system gave the thread.
    pub(crate) fn started(&self, start: Start) {
        self.lock_machine().started(start);
        self.starts.advance();
    }

    /// The system refused the thread. Returns the job that it was requested for if no other
    /// thread can run it.
    pub(crate) fn start_failed(&self, start: Start) -> Option<J> {
        let mut locked = self.lock();
        let (job, dispatch) = locked.machine.start_failed(&mut locked.run_queue, start);
        drop(locked);
        self.starts.advance();
        if let Dispatch::Wake { thread } = dispatch {
            self.wake(&[thread]);
        }
        job
    }
}
