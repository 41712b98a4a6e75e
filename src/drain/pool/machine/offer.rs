//! Decides on jobs that are offered, and on the threads that come for them.

use super::{Dispatch, Machine, Offered, RunQueue, Stage, Start};

impl<J> Machine<J> {
    /// Returns `true` if [`offer`](Self::offer) decides the same however far the run
    /// queue has come since the machine has seen it.
    #[inline]
    pub(crate) fn is_certain(&self) -> bool {
        self.has_room() && (self.threads.has_searching() || !self.has_more() || self.is_covered(1))
    }

    /// Offers a job; `from_job` if a job of this pool does. The machine must be
    /// [certain](Self::is_certain), or have seen the run queue as it is.
    #[inline]
    pub(crate) fn offer(&mut self, job: J, from_job: bool) -> Offered<J> {
        if let Some(stage) = self.refuses(from_job) {
            return Offered::Refused(job, stage);
        }
        if self.threads.may_have_none() {
            return Offered::Starting(job);
        }
        if !self.has_room() {
            return Offered::Full(job);
        }
        self.submitted.push_back(job);
        self.accepted += 1;
        Offered::Accepted(match self.threads.has_searching() {
            true => Dispatch::Nothing,
            false => self.dispatch(),
        })
    }

    /// Gives back the job that has waited longest, to make room.
    pub(crate) fn drop_oldest(&mut self, queue: &mut RunQueue<J>) -> Option<J> {
        if queue.is_empty() {
            self.refill(queue);
        }
        let oldest = queue.remove_first();
        self.see(queue.progress());
        self.counts.dropped += u64::from(oldest.is_some());
        oldest
    }

    /// Returns the stage, and counts the job as rejected, if the pool takes none.
    #[inline]
    pub(crate) fn refuses(&mut self, from_job: bool) -> Option<Stage> {
        let accepts = match self.stage {
            Stage::Open => true,
            Stage::Draining => from_job && self.limits.accept_from_jobs,
            Stage::Stopping => false,
        };
        self.counts.rejected += u64::from(!accepts);
        (!accepts).then_some(self.stage)
    }

    /// Returns `true` if one more job has room. Each job that is queued or runs takes
    /// some.
    fn has_room(&self) -> bool {
        let inside = self.accepted - self.seen.ended;
        let limit = self.limits.queue.saturating_add(self.limits.threads);
        inside < limit as u64
    }

    /// Returns `true` if there is a thread to wake or to start.
    fn has_more(&self) -> bool {
        self.threads.has_asleep() || self.threads.alive() < self.limits.threads
    }

    /// Returns `true` if a thread comes for each queued job and for `more`: each thread that is
    /// searching, woken or starting takes one.
    fn is_covered(&self, more: u64) -> bool {
        let queued = self.accepted - self.seen.taken + more;
        queued <= self.threads.free() as u64
    }

    /// Calls one more thread if no thread comes for some queued job.
    pub(super) fn dispatch(&mut self) -> Dispatch {
        if self.is_covered(0) {
            return Dispatch::Nothing;
        }
        if let Some(thread) = self.threads.wake_last() {
            return Dispatch::Wake { thread };
        }
        self.start().map_or(Dispatch::Nothing, Dispatch::Start)
    }

    /// Takes a number for a thread to start, if there may be one more.
    fn start(&mut self) -> Option<Start> {
        if self.threads.alive() == self.limits.threads {
            return None;
        }
        let start = self.threads.request();
        self.counts.largest = self.counts.largest.max(self.threads.alive());
        Some(start)
    }

    /// The system gave the thread, which may have come and gone meanwhile.
    pub(crate) fn started(&mut self, start: Start) {
        self.threads.started(start);
    }

    /// The system gave no thread. Returns the job that the thread was requested for if no
    /// other thread can run it. Otherwise returns how a thread comes for what is queued.
    pub(crate) fn start_failed(
        &mut self,
        queue: &mut RunQueue<J>,
        start: Start,
    ) -> (Option<J>, Dispatch) {
        self.leave(start.thread);
        if self.threads.alive() > 0 {
            // A submitter may have relied on this thread while another fell asleep. No other
            // start: the system has just refused one.
            let dispatch = match self.threads.has_asleep() {
                true => self.dispatch(),
                false => Dispatch::Nothing,
            };
            return (None, dispatch);
        }
        // A thread does not leave while a job waits, and since the last one left, no other
        // submitter's job was accepted.
        self.refill(queue);
        let job = queue.remove_first();
        self.see(queue.progress());
        self.counts.rejected += u64::from(job.is_some());
        (job, Dispatch::Nothing)
    }
}
