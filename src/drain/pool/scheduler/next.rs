//! The threads' side of a pool's scheduler: finds the next job of a thread, which searches for a
//! short time and sleeps where there is none.

use std::time::{Duration, Instant};

use deadstop_core::Nanos;

use super::Scheduler;
use super::locked::{Locked, LockedQueue};
use super::observe::Observe;
use crate::drain::pool::machine::{Dispatch, Next, RunQueue, Running};
use crate::primitives::atomic::Ordering;
use crate::primitives::{Backoff, thread};

/// What the machine has decided for a thread.
struct Decided<'a, J, O: Observe<J>> {
    next: Next<J>,
    /// The decision is about this state.
    locked: Locked<'a, J, O>,
    /// When the thread asked for it.
    at: Nanos,
}

impl<J, O: Observe<J>> Scheduler<J, O> {
    /// Registers the calling thread, whose kernel id is `tid`, as the pool's number `thread`.
    pub(crate) fn arrive(&self, thread: usize, tid: i32) {
        self.lock_queue().arrive(thread, tid);
        let mut threads = self.threads.lock();
        if threads.len() <= thread {
            threads.resize_with(thread + 1, || None);
        }
        threads[thread] = Some(thread::current());
    }

    /// Returns the next job for the thread, which has none, and which thread to call for
    /// others; waits until there is a job. `ended` says whether the thread's last job
    /// panicked, if it had one. `None` if the thread leaves: it is off the machine then.
    pub(crate) fn next(
        &self,
        thread: usize,
        keep_alive: Duration,
        ended: Option<bool>,
    ) -> Option<(J, Dispatch)> {
        let at = self.observer.now();
        let mut run_queue = self.lock_queue();
        if let Some(panicked) = ended {
            run_queue.end(thread, panicked);
            if let Some(job) = run_queue.pop() {
                self.begin(&mut run_queue, thread, &job, at);
                let is_blocked = run_queue.blocked > 0;
                drop(run_queue);
                if is_blocked {
                    self.observer.has_room(&self.lock_machine());
                }
                return Some((job, Dispatch::Nothing));
            }
        }
        let mut decided = self.take(run_queue, thread, at, ended.is_some());
        loop {
            let Decided {
                next,
                mut locked,
                at,
            } = decided;
            decided = match next {
                Next::Run(job, dispatch) => {
                    self.begin(&mut locked.run_queue, thread, &job, at);
                    return Some((job, dispatch));
                }
                Next::Search => {
                    drop(locked);
                    self.search(thread)
                }
                Next::Sleep => {
                    drop(locked);
                    self.sleep(thread, keep_alive)?
                }
                Next::Leave => {
                    self.leave(locked, thread);
                    return None;
                }
            };
        }
    }

    /// Asks the machine for the first decision about a thread. `had_job` says whether the thread
    /// has just ended one.
    fn take<'a>(
        &'a self,
        run_queue: LockedQueue<'a, J, O>,
        thread: usize,
        at: Nanos,
        had_job: bool,
    ) -> Decided<'a, J, O> {
        let mut locked = self.with_machine(run_queue);
        if had_job && locked.run_queue.blocked > 0 {
            self.observer.has_room(&locked.machine);
        }
        let next = locked.machine.take(&mut locked.run_queue, thread);
        if had_job && !matches!(next, Next::Run(..)) {
            self.observer.rests(&locked.machine, &locked.run_queue);
        }
        Decided { next, locked, at }
    }

    /// Searches for a job for a short time.
    fn search(&self, thread: usize) -> Decided<'_, J, O> {
        let backoff = Backoff::new();
        while !self.may_have_job() && !backoff.is_completed() {
            backoff.snooze();
        }
        let at = self.observer.now();
        let mut locked = self.lock();
        let next = locked.machine.take_or_sleep(&mut locked.run_queue, thread);
        Decided { next, locked, at }
    }

    /// Sleeps until the thread is woken. Returns `None` if it has expired instead.
    fn sleep(&self, thread: usize, keep_alive: Duration) -> Option<Decided<'_, J, O>> {
        let slept = Instant::now();
        thread::park_timeout(keep_alive);
        let at = self.observer.now();
        let mut locked = self.lock();
        let is_over = slept.elapsed() >= keep_alive;
        if is_over && locked.machine.expire(&locked.run_queue, thread) {
            return None;
        }
        let next = locked.machine.take(&mut locked.run_queue, thread);
        Some(Decided { next, locked, at })
    }

    /// Takes the thread off the machine.
    fn leave(&self, mut locked: Locked<'_, J, O>, thread: usize) {
        locked.machine.leave(thread);
        // Others may wait for a job that this thread's might have submitted.
        let asleep = locked.machine.wake_all();
        drop(locked);
        self.wake(&asleep);
    }

    /// Notes that the thread begins a job.
    fn begin(&self, run_queue: &mut RunQueue<J>, thread: usize, job: &J, since: Nanos) {
        let name = self.observer.name(job);
        run_queue.run(thread, Running { since, name });
        self.observer.begins(run_queue);
    }

    fn may_have_job(&self) -> bool {
        self.accepted.load(Ordering::Relaxed) != self.progress.taken.load(Ordering::Relaxed)
    }
}
