//! The queue that threads take jobs from, and what each thread runs.
//!
//! A job in it is bound to no thread: one that hangs holds back its own job alone.

use std::collections::VecDeque;
use std::sync::Arc;

use deadstop_core::Nanos;

/// The progress of a run queue. Both numbers only grow.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Progress {
    /// Jobs that wait no longer: taken by a thread, or taken back.
    pub(crate) taken: u64,
    /// The jobs of these that do not run, or no longer.
    pub(crate) ended: u64,
}

impl Progress {
    pub(crate) const NONE: Self = Self { taken: 0, ended: 0 };

    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            taken: self.taken.max(other.taken),
            ended: self.ended.max(other.ended),
        }
    }
}

/// A job that a thread runs.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) since: Nanos,
    pub(crate) name: Option<Arc<str>>,
}

/// A thread of the pool and its job.
#[derive(Clone, Debug, Default)]
struct Worker {
    tid: i32,
    running: Option<Running>,
}

/// Jobs that wait for a thread, oldest first, and what each thread runs.
#[derive(Debug)]
pub(crate) struct RunQueue<J> {
    jobs: VecDeque<J>,
    workers: Vec<Worker>,
    progress: Progress,
    /// Jobs that ran to their end, panics included.
    pub(crate) completed: u64,
    pub(crate) panicked: u64,
    /// Callers that wait for room.
    pub(crate) blocked: usize,
    /// Jobs that run on the threads of their callers, each with its number.
    callers: Vec<(u64, Worker)>,
    /// Jobs that began on the threads of their callers so far.
    called: u64,
}

impl<J> RunQueue<J> {
    pub(crate) const fn empty() -> Self {
        Self {
            jobs: VecDeque::new(),
            workers: Vec::new(),
            progress: Progress::NONE,
            completed: 0,
            panicked: 0,
            blocked: 0,
            callers: Vec::new(),
            called: 0,
        }
    }

    /// The thread `tid` has the number `thread` from here on.
    pub(crate) fn arrive(&mut self, thread: usize, tid: i32) {
        if self.workers.len() <= thread {
            self.workers.resize_with(thread + 1, Worker::default);
        }
        self.workers[thread] = Worker { tid, running: None };
    }

    /// Takes the next job, for a thread.
    #[inline]
    pub(crate) fn pop(&mut self) -> Option<J> {
        let job = self.jobs.pop_front()?;
        self.progress.taken += 1;
        Some(job)
    }

    /// Notes what the thread runs, after a job was taken for it.
    #[inline]
    pub(crate) fn run(&mut self, thread: usize, running: Running) {
        self.workers[thread].running = Some(running);
    }

    /// Notes that the thread's job has ended.
    #[inline]
    pub(crate) fn end(&mut self, thread: usize, panicked: bool) {
        self.workers[thread].running = None;
        self.progress.ended += 1;
        self.completed += 1;
        self.panicked += u64::from(panicked);
    }

    /// Notes that the thread `tid`, which is none of the pool's, runs a job. Returns the
    /// number by which that ends.
    pub(crate) fn caller_begins(&mut self, tid: i32, running: Running) -> u64 {
        self.called += 1;
        let running = Some(running);
        self.callers.push((self.called, Worker { tid, running }));
        self.called
    }

    /// Notes that the caller's job has ended.
    pub(crate) fn caller_ends(&mut self, number: u64) {
        self.callers.retain(|(begun, _)| *begun != number);
    }

    /// Returns the number of jobs that run on the threads of their callers.
    pub(crate) fn callers(&self) -> usize {
        self.callers.len()
    }

    /// Moves the jobs of `submitted` to the end of the queue.
    pub(super) fn append(&mut self, submitted: &mut VecDeque<J>) {
        match self.jobs.is_empty() {
            true => std::mem::swap(&mut self.jobs, submitted),
            false => self.jobs.append(submitted),
        }
    }

    fn note_removed(&mut self, jobs: usize) {
        self.progress.taken += jobs as u64;
        self.progress.ended += jobs as u64;
    }

    pub(super) fn remove_first(&mut self) -> Option<J> {
        let job = self.jobs.pop_front()?;
        self.note_removed(1);
        Some(job)
    }

    pub(super) fn remove_all(&mut self) -> VecDeque<J> {
        self.note_removed(self.jobs.len());
        std::mem::take(&mut self.jobs)
    }

    pub(crate) fn progress(&self) -> Progress {
        self.progress
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    pub(crate) fn len(&self) -> usize {
        self.jobs.len()
    }

    pub(crate) fn jobs(&self) -> &VecDeque<J> {
        &self.jobs
    }

    /// Returns the number and the kernel id of the thread whose job has run longest, and
    /// the job. The thread of a caller has no number.
    pub(crate) fn longest(&self) -> Option<(Option<usize>, i32, &Running)> {
        let workers = self.workers.iter().enumerate();
        let workers = workers.map(|(number, worker)| (Some(number), worker));
        let callers = self.callers.iter().map(|(_, worker)| (None, worker));
        let running = workers.chain(callers).filter_map(|(number, worker)| {
            let running = worker.running.as_ref()?;
            Some((number, worker.tid, running))
        });
        running.min_by_key(|(.., running)| running.since)
    }
}
