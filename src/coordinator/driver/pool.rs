//! The pool of task threads: its queue, and its number of threads.

use std::collections::VecDeque;
use std::task::Waker;
use std::vec;

use super::machine::Started;
use crate::coordinator::task_context::Body;

pub(super) struct Pool {
    /// Threads without work, those that are about to run for the first time included.
    pub(super) idle: usize,
    /// Idle threads that wait for work.
    pub(super) waiting: usize,
    /// The waiting threads that were woken and have not taken the lock since.
    pub(super) woken: usize,
    jobs: VecDeque<Job>,
    pub(super) jobs_done: u64,
    pub(super) is_retired: bool,
}

/// Foreign code that is not a task.
enum Job {
    /// Wakers, called one by one: one that hangs leaves the others to another thread.
    Wake(vec::IntoIter<Waker>),
    /// The captures of a task that does not run.
    Discard(Body),
}

/// One piece of work.
pub(super) enum Work {
    Task(Started),
    Wake(Waker),
    Discard(Body),
}

impl Pool {
    pub(super) fn new() -> Self {
        Self {
            idle: 0,
            waiting: 0,
            woken: 0,
            jobs: VecDeque::new(),
            jobs_done: 0,
            is_retired: false,
        }
    }

    pub(super) fn idle(&self) -> usize {
        self.idle
    }

    pub(super) fn has_jobs(&self) -> bool {
        !self.jobs.is_empty()
    }

    pub(super) fn jobs_done(&self) -> u64 {
        self.jobs_done
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired
    }

    pub(super) fn retire(&mut self) {
        self.is_retired = true;
    }

    pub(super) fn wake(&mut self, wakers: Vec<Waker>) {
        if !wakers.is_empty() {
            self.jobs.push_back(Job::Wake(wakers.into_iter()));
        }
    }

    pub(super) fn discard(&mut self, body: Body) {
        self.jobs.push_back(Job::Discard(body));
    }

    /// Returns `true` if the caller must wake one waiting thread: there is one, and none is on its
    /// way. That thread wakes the next if there is more work.
    pub(super) fn wakes_one(&mut self) -> bool {
        let wakes = self.woken == 0 && self.waiting > 0;
        self.woken += usize::from(wakes);
        wakes
    }

    pub(super) fn take_job(&mut self) -> Option<Work> {
        loop {
            match self.jobs.front_mut()? {
                Job::Wake(wakers) => match wakers.next() {
                    Some(waker) => return Some(Work::Wake(waker)),
                    None => drop(self.jobs.pop_front()),
                },
                Job::Discard(_) => match self.jobs.pop_front()? {
                    Job::Discard(body) => return Some(Work::Discard(body)),
                    Job::Wake(_) => {}
                },
            }
        }
    }
}
