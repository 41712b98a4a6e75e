//! The threads of a pool, and what each does: the state of [`Machine`](super::Machine)
//! that has nothing to do with jobs.
//!
//! ```text
//! Absent ──request──▶ Requested ──started──▶ Starting ──settle──▶ Busy
//! Busy ──search──▶ Searching ──settle──▶ Busy
//! Busy ──sleep──▶ Asleep ──wake_last, wake_all──▶ Woken ──settle──▶ Busy
//! any state ──leave──▶ Absent
//! ```
//!
//! A thread settles, and is busy, while the [machine](super::Machine) decides about it.
//! It may do so earlier than the drawing says: a requested thread before the system's answer is
//! noted, and one that is asleep when its time is over.

/// A thread that the system is asked for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Start {
    pub(crate) thread: usize,
    /// Tells it from others that had the number before, and may have it after.
    start: u64,
}

/// The state of a thread of the pool.
#[derive(Clone, Copy, Debug)]
enum Thread {
    /// No thread has this number.
    Absent,
    /// The system is asked for it, by this start.
    Requested(u64),
    /// It exists, and has not asked for a job.
    Starting,
    /// It searches for a job for a short time, before it sleeps.
    Searching,
    Asleep,
    /// It was asleep, and will ask for a job.
    Woken,
    /// It runs a job, or is between two.
    Busy,
}

/// The threads of a pool, by their numbers.
#[derive(Debug)]
pub(super) struct ThreadTable {
    threads: Vec<Thread>,
    alive: usize,
    searching: usize,
    woken: usize,
    /// Threads that are asleep, the last one last.
    asleep: Vec<usize>,
    /// Threads that have not asked for a job since they were requested.
    starting: usize,
    /// Those of them that the system may refuse.
    requested: usize,
    /// Threads that were requested so far.
    starts: u64,
}

impl ThreadTable {
    pub(super) const fn empty() -> Self {
        Self {
            threads: Vec::new(),
            alive: 0,
            searching: 0,
            woken: 0,
            asleep: Vec::new(),
            starting: 0,
            requested: 0,
            starts: 0,
        }
    }

    /// Takes a number for a thread that the system is asked for.
    pub(super) fn request(&mut self) -> Start {
        self.alive += 1;
        self.starting += 1;
        self.requested += 1;
        self.starts += 1;
        let absent = |thread: &Thread| matches!(thread, Thread::Absent);
        let thread = self.threads.iter().position(absent);
        let thread = thread.unwrap_or_else(|| {
            self.threads.push(Thread::Absent);
            self.threads.len() - 1
        });
        self.threads[thread] = Thread::Requested(self.starts);
        Start {
            thread,
            start: self.starts,
        }
    }

    /// The system gave the thread, which may have come and gone meanwhile.
    pub(super) fn started(&mut self, start: Start) {
        let thread = &mut self.threads[start.thread];
        if matches!(thread, Thread::Requested(by) if *by == start.start) {
            *thread = Thread::Starting;
            self.requested -= 1;
        }
    }

    /// The thread is busy now. Returns whether it was not.
    pub(super) fn settle(&mut self, thread: usize) -> bool {
        match self.threads[thread] {
            Thread::Searching => self.searching -= 1,
            Thread::Woken => self.woken -= 1,
            Thread::Asleep => self.asleep.retain(|asleep| *asleep != thread),
            Thread::Requested(_) => {
                self.starting -= 1;
                self.requested -= 1;
            }
            Thread::Starting => self.starting -= 1,
            Thread::Absent | Thread::Busy => return false,
        }
        self.threads[thread] = Thread::Busy;
        true
    }

    /// The thread, which is busy, searches for a job from here on.
    pub(super) fn search(&mut self, thread: usize) {
        self.threads[thread] = Thread::Searching;
        self.searching += 1;
    }

    /// The thread, which is busy, sleeps from here on.
    pub(super) fn sleep(&mut self, thread: usize) {
        self.threads[thread] = Thread::Asleep;
        self.asleep.push(thread);
    }

    /// Marks the thread that fell asleep last as woken, and returns it.
    pub(super) fn wake_last(&mut self) -> Option<usize> {
        let thread = self.asleep.pop()?;
        self.wake(thread);
        Some(thread)
    }

    /// Marks all threads that are asleep as woken, and returns them.
    pub(super) fn wake_all(&mut self) -> Vec<usize> {
        let asleep = std::mem::take(&mut self.asleep);
        for &thread in &asleep {
            self.wake(thread);
        }
        asleep
    }

    fn wake(&mut self, thread: usize) {
        self.threads[thread] = Thread::Woken;
        self.woken += 1;
    }

    /// The thread is gone.
    pub(super) fn leave(&mut self, thread: usize) {
        self.settle(thread);
        self.threads[thread] = Thread::Absent;
        self.alive -= 1;
    }

    /// Returns the number of threads that exist or were requested.
    pub(super) fn alive(&self) -> usize {
        self.alive
    }

    /// Returns the number of busy threads.
    pub(super) fn busy(&self) -> usize {
        self.alive - self.free() - self.asleep.len()
    }

    /// Returns the number of threads that will each ask for a job, without being woken.
    pub(super) fn free(&self) -> usize {
        self.searching + self.woken + self.starting
    }

    pub(super) fn has_searching(&self) -> bool {
        self.searching > 0
    }

    pub(super) fn has_asleep(&self) -> bool {
        !self.asleep.is_empty()
    }

    /// Returns `true` if no thread is left should the system refuse those that were
    /// requested.
    pub(super) fn may_have_none(&self) -> bool {
        self.requested > 0 && self.alive == self.requested
    }
}
