//! Decides what a thread does next, and when it leaves.

use super::{Dispatch, Machine, Next, RunQueue, Stage};

impl<J> Machine<J> {
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

    fn sleep(&mut self, thread: usize) -> Next<J> {
        self.threads.sleep(thread);
        Next::Sleep
    }

    /// All threads that are asleep are woken now; the driver must unpark them.
    pub(crate) fn wake_all(&mut self) -> Vec<usize> {
        self.threads.wake_all()
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
}
