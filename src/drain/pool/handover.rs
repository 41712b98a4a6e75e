//! How jobs reach threads: the machine under its lock, and threads that look, sleep and
//! are woken.
//!
//! ```text
//! offer ──lock──▶ queue ──lock──▶ next ──▶ the thread runs it
//!    │                             │ nothing
//!    ╰──unpark──▶ parked ◀─────────╯
//! ```
//!
//! A thread is marked as asleep under the lock, and parks after that; what wakes it marks
//! it as idle under the lock, and unparks it after that. An unpark that comes first makes
//! the park return at once, so no wake-up is lost.
//!
//! # Orderings
//!
//! `pending` is a hint for threads that look for a job; they take the lock to get one.
//! `tests/loom/drain/pool` has models.

use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use super::machine::{Machine, Next, Queued};
use crate::primitives::atomic::{AtomicUsize, Ordering};
use crate::primitives::thread::{self, Thread};
use crate::primitives::{Backoff, Mutex, MutexGuard};

/// Is shown the machine each time that its lock is about to be released.
pub(crate) trait Observe<J> {
    fn observe(&self, machine: &Machine<J>);
}

impl<J> Observe<J> for () {
    fn observe(&self, _: &Machine<J>) {}
}

/// The machine, and the threads that it wakes.
pub(crate) struct Handover<J, O> {
    machine: Mutex<Machine<J>>,
    observer: O,
    /// The number of queued jobs.
    pending: AtomicUsize,
    /// The threads, by their places, to be woken.
    threads: Mutex<Vec<Option<Thread>>>,
}

/// The machine, locked.
pub(crate) struct Locked<'a, J, O: Observe<J>> {
    machine: MutexGuard<'a, Machine<J>>,
    handover: &'a Handover<J, O>,
}

impl<'a, J, O: Observe<J>> Locked<'a, J, O> {
    /// Returns the guard, for a wait that unlocks it.
    pub(crate) fn unlocked(&mut self) -> &mut MutexGuard<'a, Machine<J>> {
        self.handover.show(&self.machine);
        &mut self.machine
    }
}

impl<J, O: Observe<J>> Deref for Locked<'_, J, O> {
    type Target = Machine<J>;

    fn deref(&self) -> &Self::Target {
        &self.machine
    }
}

impl<J, O: Observe<J>> DerefMut for Locked<'_, J, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.machine
    }
}

impl<J, O: Observe<J>> Drop for Locked<'_, J, O> {
    fn drop(&mut self) {
        self.handover.show(&self.machine);
    }
}

impl<J, O: Observe<J>> Handover<J, O> {
    pub(crate) const fn new(machine: Machine<J>, observer: O) -> Self {
        Self {
            machine: Mutex::new(machine),
            observer,
            pending: AtomicUsize::new(0),
            threads: Mutex::new(Vec::new()),
        }
    }

    #[cfg(feature = "health")]
    pub(crate) fn observer(&self) -> &O {
        &self.observer
    }

    pub(crate) fn lock(&self) -> Locked<'_, J, O> {
        Locked {
            machine: self.machine.lock(),
            handover: self,
        }
    }

    fn show(&self, machine: &Machine<J>) {
        self.pending
            .store(machine.queued().len(), Ordering::Relaxed);
        self.observer.observe(machine);
    }

    /// The calling thread has the place from here on.
    pub(crate) fn arrive(&self, place: usize) {
        self.set_thread(place, Some(thread::current()));
    }

    fn set_thread(&self, place: usize, thread: Option<Thread>) {
        let mut threads = self.threads.lock();
        if threads.len() <= place {
            threads.resize_with(place + 1, || None);
        }
        threads[place] = thread;
    }

    /// Wakes threads that were asleep. One that has left meanwhile saw the job, and
    /// another one that has its place looks once more than it must.
    pub(crate) fn wake(&self, places: &[usize]) {
        for place in places {
            let thread = self.threads.lock().get(*place).cloned().flatten();
            if let Some(thread) = thread {
                thread.unpark();
            }
        }
    }

    /// Wakes every thread that is asleep, to see that the pool is closed.
    pub(crate) fn wake_all(&self) {
        let asleep = self.lock().wake_all();
        self.wake(&asleep);
    }

    /// Returns the next job for the thread, which has nothing to do, with the lock; waits
    /// until there is one. `None` if the thread leaves: it is off the machine then.
    ///
    /// `rests` is called under the lock before each wait.
    pub(crate) fn next<'a>(
        &'a self,
        mut machine: Locked<'a, J, O>,
        place: usize,
        keep_alive: Duration,
        mut rests: impl FnMut(&Machine<J>),
    ) -> Option<(Queued<J>, Locked<'a, J, O>)> {
        let mut next = machine.take(place);
        loop {
            match next {
                Next::Run(queued) => return Some((queued, machine)),
                Next::Look => {
                    rests(&machine);
                    drop(machine);
                    self.look();
                    machine = self.lock();
                    next = machine.take_or_sleep(place);
                }
                Next::Sleep => {
                    rests(&machine);
                    drop(machine);
                    let slept = Instant::now();
                    thread::park_timeout(keep_alive);
                    machine = self.lock();
                    if slept.elapsed() >= keep_alive && machine.expire(place) {
                        return None;
                    }
                    next = machine.take(place);
                }
                Next::Leave => {
                    rests(&machine);
                    machine.leave(place);
                    // Others may wait for a job that this thread's might have submitted.
                    let asleep = machine.wake_all();
                    drop(machine);
                    self.wake(&asleep);
                    return None;
                }
            }
        }
    }

    /// Waits a short time for a job.
    fn look(&self) {
        let backoff = Backoff::new();
        while self.pending.load(Ordering::Relaxed) == 0 && !backoff.is_completed() {
            backoff.snooze();
        }
    }
}
