//! Threads for tasks.
//!
//! A task has a thread for as long as it runs, and a thread that is stuck in a
//! task is left to it. A thread whose task has returned takes the next, so that
//! ten thousand short tasks do not cost ten thousand threads.
//!
//! One thread is parked before there is any load. If the system gives no more,
//! that one runs the tasks one by one. When it has been at its task for a
//! moment, another is started to park in its place.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::{io, thread};

use crossbeam::channel::{Receiver, Sender, unbounded};

use crate::error::InstallError;
use crate::kill_path::Mask;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Threads that wait for more work than this end instead.
const KEPT: usize = 8;

const THREAD: &str = "deadstop-task";

/// The threads, and what they have yet to do.
pub(super) struct Pool {
    jobs: (Sender<Job>, Receiver<Job>),
    parked: AtomicUsize,
    refused: AtomicBool,
    retired: AtomicBool,
    /// What the threads let through: tasks are the user's code, and may start
    /// programs, which inherit it.
    mask: Mask,
}

impl Pool {
    /// Makes the pool with one thread, parked.
    pub(super) fn new(mask: Mask) -> Result<Arc<Self>, InstallError> {
        let pool = Arc::new(Self {
            jobs: unbounded(),
            parked: AtomicUsize::new(0),
            refused: AtomicBool::new(false),
            retired: AtomicBool::new(false),
            mask,
        });
        pool.start_one().map_err(|source| InstallError::Thread {
            name: THREAD,
            source,
        })?;
        Ok(pool)
    }

    /// Hands over work. A thread that is parked takes it; that there is one is
    /// [`staff`](Self::staff)'s business.
    pub(super) fn submit(&self, job: Job) {
        // The pool holds a receiver, so this cannot fail.
        let _ = self.jobs.0.send(job);
    }

    /// Whether work waits for a thread, or the next would.
    pub(super) fn is_short(&self) -> bool {
        self.parked.load(Ordering::Acquire) <= self.jobs.1.len()
    }

    /// Starts threads until the pool is not short of them, `most` at most.
    /// False if the system refuses one: the work then waits for a thread that
    /// has finished its own.
    pub(super) fn staff(self: &Arc<Self>, most: usize) -> bool {
        for _ in 0..most {
            if !self.is_short() {
                break;
            }
            if self.start_one().is_err() {
                self.refused.store(true, Ordering::Relaxed);
                return false;
            }
        }
        true
    }

    /// Has the parked thread end.
    pub(super) fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        self.submit(Box::new(|| {}));
    }

    /// Whether the system refused a thread.
    pub(super) fn was_refused(&self) -> bool {
        self.refused.load(Ordering::Relaxed)
    }

    fn start_one(self: &Arc<Self>) -> io::Result<()> {
        let pool = Arc::clone(self);
        // Counted before it runs: whoever starts threads must not start one
        // more just because the last has not got to its first line.
        self.parked.fetch_add(1, Ordering::AcqRel);
        let mask = Mask::block_all();
        let thread = thread::Builder::new()
            .name(THREAD.into())
            .spawn(move || pool.work());
        mask.restore();
        if thread.is_err() {
            self.parked.fetch_sub(1, Ordering::AcqRel);
        }
        thread.map(drop)
    }

    /// A thread's life. It begins counted as parked.
    fn work(&self) {
        self.mask.restore();
        // The pool holds a sender, so the channel never closes.
        while let Ok(job) = self.jobs.1.recv() {
            self.parked.fetch_sub(1, Ordering::AcqRel);
            job();
            if self.retired.load(Ordering::Acquire) {
                return;
            }
            if self.parked.fetch_add(1, Ordering::AcqRel) >= KEPT && self.jobs.1.is_empty() {
                self.parked.fetch_sub(1, Ordering::AcqRel);
                return;
            }
        }
    }
}
