//! Threads for tasks.
//!
//! A task has a thread for as long as it runs, and a thread that is stuck in a
//! task is left to it. A thread whose task has returned takes the next, so that
//! ten thousand short tasks do not cost ten thousand threads.
//!
//! One thread is parked before there is any load. If the system gives no more,
//! that one runs the tasks one by one. When it has been at its task for a
//! moment, another is started to park in its place.
//!
//! # Orderings
//!
//! `retired` is set before a job is put into the queue, and read behind one that was
//! taken out: the queue's lock orders the two. `refused` is a note for the report,
//! with which nothing is passed on.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, Thread};

use parking_lot::Mutex;

use crate::error::InstallError;
use crate::kill_path::Mask;

use super::run::Run;

pub(super) type Job = Box<dyn FnOnce() + Send>;

/// Threads that wait for more work than this end instead.
const KEPT: usize = 8;

const THREAD: &str = "deadstop-task";

/// What a thread can do.
enum Work {
    Job(Job),
    /// Take turns in a run.
    Run(Arc<Run>),
}

/// The threads, and what they have yet to do.
pub(super) struct Pool {
    state: Mutex<State>,
    refused: AtomicBool,
    retired: AtomicBool,
    /// What the threads let through: tasks are the user's code, and may start
    /// programs, which inherit it.
    mask: Mask,
}

struct State {
    work: VecDeque<Work>,
    /// How many have nothing to do, or have not got to their first line.
    idle: usize,
    /// Those of them that sleep, the last to fall asleep at the end.
    asleep: Vec<Thread>,
}

impl Pool {
    /// Makes the pool with one thread, parked.
    pub(super) fn new(mask: Mask) -> Result<Arc<Self>, InstallError> {
        let pool = Arc::new(Self {
            state: Mutex::new(State {
                work: VecDeque::new(),
                idle: 0,
                asleep: Vec::new(),
            }),
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
        self.hand_over(Work::Job(job));
    }

    /// Has a thread help with `run`.
    pub(super) fn offer(&self, run: &Arc<Run>) {
        self.hand_over(Work::Run(Arc::clone(run)));
    }

    fn hand_over(&self, work: Work) {
        let thread = {
            let mut state = self.state.lock();
            state.work.push_back(work);
            state.asleep.pop()
        };
        if let Some(thread) = thread {
            thread.unpark();
        }
    }

    /// Whether work waits for a thread, or the next would. `backlog` is what a
    /// run has not offered yet.
    pub(super) fn is_short(&self, backlog: usize) -> bool {
        let state = self.state.lock();
        let jobs = state
            .work
            .iter()
            .filter(|work| matches!(work, Work::Job(_)));
        state.idle <= jobs.count() + backlog
    }

    /// Starts threads until the pool is not short of them, `most` at most.
    /// False if the system refuses one: the work then waits for a thread that
    /// has finished its own.
    pub(super) fn staff(self: &Arc<Self>, most: usize, backlog: usize) -> bool {
        for _ in 0..most {
            if !self.is_short(backlog) {
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
        self.state.lock().idle += 1;
        let mask = Mask::block_all();
        let thread = thread::Builder::new()
            .name(THREAD.into())
            .spawn(move || pool.work());
        mask.restore();
        if thread.is_err() {
            self.state.lock().idle -= 1;
        }
        thread.map(drop)
    }

    /// A thread's life. It begins counted as idle.
    fn work(&self) {
        self.mask.restore();
        while let Some(work) = self.wait_for_work() {
            match work {
                Work::Job(job) => job(),
                Work::Run(run) => run.help(),
            }
            if self.retired.load(Ordering::Acquire) {
                return;
            }
            let mut state = self.state.lock();
            if state.idle >= KEPT && state.work.is_empty() {
                return;
            }
            state.idle += 1;
        }
    }

    /// Waits for work, and counts the thread as busy. Always some.
    fn wait_for_work(&self) -> Option<Work> {
        let mut state = self.state.lock();
        loop {
            if let Some(work) = state.work.pop_front() {
                state.idle -= 1;
                return Some(work);
            }
            let me = thread::current();
            if !state.asleep.iter().any(|thread| thread.id() == me.id()) {
                state.asleep.push(me);
            }
            drop(state);
            // It may return for no reason: a task may have left a waker behind.
            thread::park();
            state = self.state.lock();
        }
    }
}
