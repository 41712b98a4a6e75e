//! The scheduler of a pool: submitted jobs and the run queue under a lock each, and threads that
//! search, sleep and are woken.
//!
//! ```text
//!          machine's lock              run queue's lock
//! offer ──────▶ submitted ──both locks──▶ run queue ──────▶ next ──▶ the thread runs it
//!    │                                                       │ nothing
//!    ╰──unpark──▶ parked ◀───────────both locks──────────────╯
//! ```
//!
//! | file | holds |
//! | --- | --- |
//! | [`locked`] | the two locks, and what their release publishes |
//! | [`offer`] | the submitters' side |
//! | [`next`] | the threads' side |
//! | [`observe`] | what is notified of jobs |
//!
//! A thread that takes both locks takes the run queue's first. A submitter locks the machine alone
//! unless its decision depends on the run queue; a thread that has ended a job locks the
//! run queue alone unless that is empty.
//!
//! A thread is marked as asleep under both locks, and parks after that; what wakes it marks
//! it as woken under the machine's lock, and unparks it after that. An unpark that comes
//! first makes the park return at once, so no wake-up is lost.
//!
//! # Orderings
//!
//! `accepted`, `taken` and `ended` are copies of numbers that only grow, each written under
//! its lock. A reader without that lock may see one that is too small, and must decide as
//! is right for that: a submitter looks under both locks before it refuses a job or wakes a
//! thread, and a thread looks under both before it sleeps. `tests/loom/drain/pool` has
//! models.

pub(super) mod locked;
mod next;
mod observe;
mod offer;

pub(crate) use self::observe::Observe;

use super::machine::{Machine, Progress, RunQueue};
use crate::primitives::atomic::{AtomicU64, Ordering};
use crate::primitives::thread::Thread;
use crate::primitives::{CachePadded, EventCount, Mutex};

/// The machine and the run queue, and the threads that they wake.
pub(crate) struct Scheduler<J, O> {
    run_queue: CachePadded<Mutex<RunQueue<J>>>,
    machine: CachePadded<Mutex<Machine<J>>>,
    /// The number of jobs that were queued.
    accepted: CachePadded<AtomicU64>,
    progress: CachePadded<SharedProgress>,
    /// The threads to be woken, by their numbers.
    threads: Mutex<Vec<Option<Thread>>>,
    /// Advances with each answer of the system to the request for a thread.
    starts: EventCount,
    observer: O,
}

/// The run queue's progress.
struct SharedProgress {
    taken: AtomicU64,
    ended: AtomicU64,
}

impl<J, O: Observe<J>> Scheduler<J, O> {
    pub(crate) const fn new(machine: Machine<J>, observer: O) -> Self {
        Self {
            run_queue: CachePadded::new(Mutex::new(RunQueue::empty())),
            machine: CachePadded::new(Mutex::new(machine)),
            accepted: CachePadded::new(AtomicU64::new(0)),
            progress: CachePadded::new(SharedProgress {
                taken: AtomicU64::new(0),
                ended: AtomicU64::new(0),
            }),
            threads: Mutex::new(Vec::new()),
            starts: EventCount::new(),
            observer,
        }
    }

    pub(crate) fn observer(&self) -> &O {
        &self.observer
    }

    /// Returns a lower bound of the run queue's progress.
    fn progress(&self) -> Progress {
        Progress {
            taken: self.progress.taken.load(Ordering::Relaxed),
            ended: self.progress.ended.load(Ordering::Relaxed),
        }
    }

    /// Wakes threads that were asleep. One that has left meanwhile saw the job, and
    /// another one that has its number searches once more than it must.
    pub(crate) fn wake(&self, threads: &[usize]) {
        for thread in threads {
            let thread = self.threads.lock().get(*thread).cloned().flatten();
            if let Some(thread) = thread {
                thread.unpark();
            }
        }
    }

    /// Wakes every thread that is asleep, to see that the pool is closed.
    pub(crate) fn wake_all(&self) {
        let asleep = self.lock().machine.wake_all();
        self.wake(&asleep);
    }
}
