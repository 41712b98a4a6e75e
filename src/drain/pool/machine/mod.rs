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

mod offer;
mod run_queue;
mod take;
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

    /// Moves all submitted jobs to the run queue.
    fn refill(&mut self, queue: &mut RunQueue<J>) {
        queue.append(&mut self.submitted);
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
