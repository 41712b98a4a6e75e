//! The decisions of a pool: a state machine without threads, locks or clock.
//!
//! ```text
//!          close                 stop
//! Open ───────────▶ Draining ───────────▶ Stopping
//!   ╰──────────────────stop──────────────────▲
//!
//! Draining and Stopping are Terminated once no thread is left, and no caller runs a job.
//! ```
//!
//! What each thread does is in [`ThreadTable`].
//!
//! Submitters push to one queue, and threads pop from another, the [run queue](RunQueue),
//! which has a lock of its own: they meet only when the run queue is empty and a thread
//! moves all submitted jobs there, or when a thread rests. So a submitter knows the numbers
//! of the run queue as they were; they only grow. It asks for the present ones where its
//! decision depends on them.
//!
//! One thread that has nothing to do searches for a job for some microseconds before it
//! sleeps: waking it takes a system call. While it searches, a submitter wakes no other
//! thread; when it takes a job and more are left, it wakes the next one. The thread that
//! fell asleep last is woken first, so that the others can expire.
//!
//! Jobs are accepted while Open; while Draining, only from jobs, if the pool says so.
//! Draining runs what is queued; Stopping gives it back.
//!
//! # Threads that the system refuses
//!
//! A job is accepted only if a thread exists that will run it, or if its own submitter asks
//! the system for the first thread. If the system refuses that one, the job goes back to its
//! submitter. Meanwhile, other submitters [wait](Offered::Starting) for the system's answer.
//! So no job is queued in a pool without threads.

mod run_queue;
#[cfg(test)]
mod tests;
mod thread_table;

use std::collections::VecDeque;

use self::thread_table::ThreadTable;

pub(crate) use self::run_queue::{Progress, RunQueue, Running};
pub(crate) use self::thread_table::Start;

/// The progress of a pool. It only advances.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    Open,
    Draining,
    Stopping,
}

/// The limits of a pool.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At least 1.
    pub(crate) threads: usize,
    /// Jobs that wait beyond those that a thread is free for.
    pub(crate) queue: usize,
    pub(crate) accept_from_jobs: bool,
}

/// The decision on a job that is offered.
#[derive(Debug)]
pub(crate) enum Offered<J> {
    Accepted(Dispatch),
    Full(J),
    /// The system has not said yet whether it gives the pool's only threads. Offer the job
    /// again when it has.
    Starting(J),
    /// The pool takes no more jobs.
    Refused(J, Stage),
}

/// The driver's action, so that a thread comes for a queued job.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Dispatch {
    /// A thread will come for it.
    Nothing,
    /// Wake this thread, which is asleep.
    Wake { thread: usize },
    /// Ask the system for this thread, and tell the machine what it answers.
    Start(Start),
}

/// The next action of a thread.
#[derive(Debug)]
pub(crate) enum Next<J> {
    Run(J, Dispatch),
    /// Search for a job for a short time, and then ask [`Machine::take_or_sleep`].
    Search,
    Sleep,
    Leave,
}

/// Numbers of a pool's life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) largest: usize,
    pub(crate) rejected: u64,
    pub(crate) dropped: u64,
    pub(crate) caller_ran: u64,
    /// The jobs of `caller_ran` that panicked.
    pub(crate) caller_panicked: u64,
}

/// A pool's stage, threads, and jobs that no thread has come for.
#[derive(Debug)]
pub(crate) struct Machine<J> {
    stage: Stage,
    limits: Limits,
    /// The run queue has older ones.
    submitted: VecDeque<J>,
    /// Jobs that were queued so far.
    accepted: u64,
    /// The run queue's numbers, which may have grown since.
    seen: Progress,
    threads: ThreadTable,
    pub(crate) counts: Counts,
}

impl<J> Machine<J> {
    pub(crate) const fn open(limits: Limits) -> Self {
        Self {
            stage: Stage::Open,
            limits,
            submitted: VecDeque::new(),
            accepted: 0,
            seen: Progress::NONE,
            threads: ThreadTable::empty(),
            counts: Counts {
                largest: 0,
                rejected: 0,
                dropped: 0,
                caller_ran: 0,
                caller_panicked: 0,
            },
        }
    }

    /// Learns how far the run queue is, at least.
    pub(crate) fn see(&mut self, progress: Progress) {
        self.seen = self.seen.max(progress);
    }

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
    fn dispatch(&mut self) -> Dispatch {
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

    /// Moves all submitted jobs to the run queue.
    fn refill(&mut self, queue: &mut RunQueue<J>) {
        queue.append(&mut self.submitted);
    }

    /// Returns the thread's next action. The thread has no job at this moment.
    pub(crate) fn take(&mut self, queue: &mut RunQueue<J>, thread: usize) -> Next<J> {
        let next = self.take_or_leave(queue, thread);
        if !matches!(next, Next::Search) {
            return next;
        }
        if self.threads.has_searching() {
            // One thread that searches is enough: others would only meet at the lock.
            return self.sleep(thread);
        }
        self.threads.search(thread);
        next
    }

    /// Does the same for a thread that has searched for a job.
    pub(crate) fn take_or_sleep(&mut self, queue: &mut RunQueue<J>, thread: usize) -> Next<J> {
        let next = self.take_or_leave(queue, thread);
        if !matches!(next, Next::Search) {
            return next;
        }
        self.sleep(thread)
    }

    fn sleep(&mut self, thread: usize) -> Next<J> {
        self.threads.sleep(thread);
        Next::Sleep
    }

    /// All threads that are asleep are woken now; the driver must unpark them.
    pub(crate) fn wake_all(&mut self) -> Vec<usize> {
        self.threads.wake_all()
    }

    fn take_or_leave(&mut self, queue: &mut RunQueue<J>, thread: usize) -> Next<J> {
        let rested = self.threads.settle(thread);
        if queue.is_empty() {
            self.refill(queue);
        }
        let job = queue.pop();
        self.see(queue.progress());
        if let Some(job) = job {
            // While this thread searched, submitters called no other.
            let dispatch = match rested {
                true => self.dispatch(),
                false => Dispatch::Nothing,
            };
            return Next::Run(job, dispatch);
        }
        if self.is_done() {
            return Next::Leave;
        }
        Next::Search
    }

    /// Returns `true` if no job can come any more.
    fn is_done(&self) -> bool {
        match self.stage {
            Stage::Open => false,
            // A job that another thread runs may still submit one. The thread that asks
            // counts as busy.
            // That of a caller starts a thread if it must.
            Stage::Draining => !self.limits.accept_from_jobs || self.running() <= 1,
            Stage::Stopping => true,
        }
    }

    /// The thread has slept for too long. Returns whether it leaves.
    pub(crate) fn expire(&mut self, queue: &RunQueue<J>, thread: usize) -> bool {
        let leaves = self.queued(queue) == 0;
        if leaves {
            self.leave(thread);
        }
        leaves
    }

    /// Notes that the thread is gone.
    pub(crate) fn leave(&mut self, thread: usize) {
        self.threads.leave(thread);
    }

    /// Takes no more jobs. Returns whether that is new.
    pub(crate) fn close(&mut self) -> bool {
        let was_open = self.stage == Stage::Open;
        self.stage = self.stage.max(Stage::Draining);
        was_open
    }

    /// Takes no more jobs and gives back, in order, those that have not started.
    pub(crate) fn stop(&mut self, queue: &mut RunQueue<J>) -> VecDeque<J> {
        self.stage = Stage::Stopping;
        self.refill(queue);
        let jobs = queue.remove_all();
        self.see(queue.progress());
        self.counts.dropped += jobs.len() as u64;
        jobs
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

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn is_terminated(&self, queue: &RunQueue<J>) -> bool {
        let is_idle = self.threads.alive() == 0 && queue.callers() == 0;
        self.stage > Stage::Open && is_idle && self.queued(queue) == 0
    }

    /// Returns the number of running jobs. A thread between two jobs counts as running one.
    pub(crate) fn running(&self) -> usize {
        self.threads.busy()
    }

    pub(crate) fn alive(&self) -> usize {
        self.threads.alive()
    }

    /// Returns the number of jobs queued so far.
    pub(crate) fn accepted(&self) -> u64 {
        self.accepted
    }

    /// Returns the number of waiting jobs.
    pub(crate) fn queued(&self, queue: &RunQueue<J>) -> usize {
        queue.len() + self.submitted.len()
    }

    /// Returns the jobs that wait, oldest first.
    pub(crate) fn waiting<'a>(&'a self, queue: &'a RunQueue<J>) -> impl Iterator<Item = &'a J> {
        queue.jobs().iter().chain(&self.submitted)
    }
}
