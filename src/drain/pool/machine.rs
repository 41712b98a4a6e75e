//! What a pool does next: a state machine without threads, locks or clock.
//!
//! ```text
//!          close                 stop
//! Open ───────────▶ Draining ───────────▶ Stopping
//!   ╰──────────────────stop──────────────────▲
//!
//! Draining and Stopping are Terminated once no thread is left.
//!
//! thread:  Starting ──take──▶ Running ──take──▶ Running ...
//!                     │ ▲
//!                     ▼ │ take
//!                    Idle ──take_or_sleep──▶ Asleep
//!                     ▲                        │
//!                     ╰──────── woken ─────────╯     leave: not from Running
//! ```
//!
//! An idle thread looks for a job for some microseconds before it sleeps: waking it
//! takes a system call. The thread that fell asleep last is woken first, so that the
//! others can expire.
//!
//! Jobs are accepted while Open; while Draining, only from jobs, if the pool says so.
//! Draining runs what is queued; Stopping gives it back.

use std::collections::VecDeque;

use deadstop_core::Nanos;

/// How far a pool is. It only advances.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) enum Stage {
    Open,
    Draining,
    Stopping,
}

/// What a pool may use.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// At least 1.
    pub(crate) threads: usize,
    /// Jobs that wait beyond those that a thread is free for.
    pub(crate) queue: usize,
    pub(crate) accept_from_jobs: bool,
}

/// A job that waits.
#[derive(Debug)]
pub(crate) struct Queued<J> {
    pub(crate) job: J,
    pub(crate) ticket: u64,
    pub(crate) since: Nanos,
}

/// What becomes of a job that is offered.
#[derive(Debug)]
pub(crate) enum Offered<J> {
    Accepted(Accepted),
    Full(J),
    /// The pool takes no more jobs.
    Refused(J),
}

/// What the driver must do for a job that is queued.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Accepted {
    /// A thread will come for it.
    Queued,
    /// Wake this thread, which is asleep.
    Wake { thread: usize },
    /// Start this thread; tell the machine if that fails.
    Start { thread: usize, ticket: u64 },
}

/// What a thread does next.
#[derive(Debug)]
pub(crate) enum Next<J> {
    Run(Queued<J>),
    /// Look for a job for a short time, and then ask [`Machine::take_or_sleep`].
    Look,
    Sleep,
    Leave,
}

/// What a thread of the pool does.
#[derive(Clone, Debug)]
pub(crate) enum Thread {
    /// No thread has this place.
    Absent,
    Starting,
    /// It looks for a job.
    Idle,
    Asleep,
    /// Between two jobs.
    Busy,
    Running(Running),
}

/// The job that a thread runs.
#[derive(Clone, Debug)]
pub(crate) struct Running {
    pub(crate) since: Nanos,
    pub(crate) name: Option<std::sync::Arc<str>>,
    pub(crate) tid: i32,
}

/// Numbers of a pool's life.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) largest: usize,
    pub(crate) completed: u64,
    pub(crate) panicked: u64,
    pub(crate) rejected: u64,
    pub(crate) dropped: u64,
    pub(crate) caller_ran: u64,
}

/// A pool's queue, threads and stage.
#[derive(Debug)]
pub(crate) struct Machine<J> {
    stage: Stage,
    limits: Limits,
    queue: VecDeque<Queued<J>>,
    threads: Vec<Thread>,
    alive: usize,
    idle: usize,
    /// Threads that are asleep, the last one last.
    asleep: Vec<usize>,
    starting: usize,
    next_ticket: u64,
    pub(crate) counts: Counts,
}

impl<J> Machine<J> {
    pub(crate) const fn open(limits: Limits) -> Self {
        Self {
            stage: Stage::Open,
            limits,
            queue: VecDeque::new(),
            threads: Vec::new(),
            alive: 0,
            idle: 0,
            asleep: Vec::new(),
            starting: 0,
            next_ticket: 0,
            counts: Counts {
                largest: 0,
                completed: 0,
                panicked: 0,
                rejected: 0,
                dropped: 0,
                caller_ran: 0,
            },
        }
    }

    /// Offers a job; `from_job` if a job of this pool does.
    pub(crate) fn offer(&mut self, job: J, now: Nanos, from_job: bool) -> Offered<J> {
        if !self.accepts(from_job) {
            return Offered::Refused(job);
        }
        // Threads that have nothing to do yet, or can be started.
        let resting = self.idle + self.asleep.len() + self.starting;
        let free = resting + (self.limits.threads - self.alive);
        if self.queue.len() >= self.limits.queue.saturating_add(free) {
            return Offered::Full(job);
        }
        Offered::Accepted(self.push(job, now))
    }

    fn push(&mut self, job: J, now: Nanos) -> Accepted {
        let ticket = self.next_ticket;
        self.next_ticket += 1;
        self.queue.push_back(Queued {
            job,
            ticket,
            since: now,
        });
        // Each idle or starting thread takes one of the jobs that are queued.
        if self.queue.len() <= self.idle + self.starting {
            return Accepted::Queued;
        }
        if let Some(thread) = self.asleep.pop() {
            self.wake(thread);
            return Accepted::Wake { thread };
        }
        match self.start() {
            Some(thread) => Accepted::Start { thread, ticket },
            None => Accepted::Queued,
        }
    }

    /// Takes a place for a thread to start, if there may be one more.
    fn start(&mut self) -> Option<usize> {
        if self.alive == self.limits.threads {
            return None;
        }
        self.alive += 1;
        self.starting += 1;
        self.counts.largest = self.counts.largest.max(self.alive);
        let absent = |thread: &Thread| matches!(thread, Thread::Absent);
        let place = self.threads.iter().position(absent);
        let place = place.unwrap_or_else(|| {
            self.threads.push(Thread::Absent);
            self.threads.len() - 1
        });
        self.threads[place] = Thread::Starting;
        Some(place)
    }

    /// The system gave no thread. Returns the job of `ticket` if no thread is left to
    /// run it.
    pub(crate) fn start_failed(&mut self, thread: usize, ticket: u64) -> Option<J> {
        self.leave(thread);
        if self.alive > 0 {
            return None;
        }
        let place = self
            .queue
            .iter()
            .position(|queued| queued.ticket == ticket)?;
        self.queue.remove(place).map(|queued| queued.job)
    }

    /// Returns what the thread does next. It has nothing to do at this moment.
    pub(crate) fn take(&mut self, thread: usize) -> Next<J> {
        let next = self.take_or_leave(thread);
        if !matches!(next, Next::Look) {
            return next;
        }
        if self.idle > 0 {
            // One that looks is enough: more would only meet at the lock.
            return self.sleep(thread);
        }
        self.wake(thread);
        next
    }

    /// Does the same for a thread that has looked for a job.
    pub(crate) fn take_or_sleep(&mut self, thread: usize) -> Next<J> {
        let next = self.take_or_leave(thread);
        if !matches!(next, Next::Look) {
            return next;
        }
        self.sleep(thread)
    }

    fn sleep(&mut self, thread: usize) -> Next<J> {
        self.threads[thread] = Thread::Asleep;
        self.asleep.push(thread);
        Next::Sleep
    }

    /// The thread is idle now.
    fn wake(&mut self, thread: usize) {
        self.threads[thread] = Thread::Idle;
        self.idle += 1;
    }

    /// All threads that are asleep are idle now, and must be woken.
    pub(crate) fn wake_all(&mut self) -> Vec<usize> {
        let asleep = std::mem::take(&mut self.asleep);
        for &thread in &asleep {
            self.wake(thread);
        }
        asleep
    }

    fn take_or_leave(&mut self, thread: usize) -> Next<J> {
        self.settle(thread);
        if self.stage < Stage::Stopping {
            if let Some(queued) = self.queue.pop_front() {
                return Next::Run(queued);
            }
        }
        if self.is_done() {
            return Next::Leave;
        }
        Next::Look
    }

    /// Returns whether no job can come any more.
    fn is_done(&self) -> bool {
        match self.stage {
            Stage::Open => false,
            // A job that another thread runs may still submit one. The thread that asks
            // counts as busy.
            Stage::Draining => !self.limits.accept_from_jobs || self.running() <= 1,
            Stage::Stopping => true,
        }
    }

    /// Notes what the thread runs, after [`take`](Self::take).
    pub(crate) fn run(&mut self, thread: usize, running: Running) {
        self.threads[thread] = Thread::Running(running);
    }

    /// Notes that the thread's job has ended.
    pub(crate) fn ended(&mut self, panicked: bool) {
        self.counts.completed += 1;
        self.counts.panicked += u64::from(panicked);
    }

    /// The thread has been idle for too long. Returns whether it leaves.
    pub(crate) fn expire(&mut self, thread: usize) -> bool {
        let leaves = self.queue.is_empty();
        if leaves {
            self.leave(thread);
        }
        leaves
    }

    /// Notes that the thread is gone.
    pub(crate) fn leave(&mut self, thread: usize) {
        self.settle(thread);
        self.threads[thread] = Thread::Absent;
        self.alive -= 1;
    }

    /// The thread is no longer idle, asleep or starting.
    fn settle(&mut self, thread: usize) {
        match self.threads[thread] {
            Thread::Idle => self.idle -= 1,
            Thread::Asleep => self.asleep.retain(|asleep| *asleep != thread),
            Thread::Starting => self.starting -= 1,
            Thread::Absent | Thread::Busy | Thread::Running(_) => {}
        }
        self.threads[thread] = Thread::Busy;
    }

    /// Takes no more jobs. Returns whether that is new.
    pub(crate) fn close(&mut self) -> bool {
        let was_open = self.stage == Stage::Open;
        self.stage = self.stage.max(Stage::Draining);
        was_open
    }

    /// Takes no more jobs and gives back, in order, those that have not started.
    pub(crate) fn stop(&mut self) -> VecDeque<Queued<J>> {
        self.stage = Stage::Stopping;
        self.counts.dropped += self.queue.len() as u64;
        std::mem::take(&mut self.queue)
    }

    /// Gives back the job that has waited longest, to make room.
    pub(crate) fn drop_oldest(&mut self) -> Option<Queued<J>> {
        let oldest = self.queue.pop_front();
        self.counts.dropped += u64::from(oldest.is_some());
        oldest
    }

    fn accepts(&self, from_job: bool) -> bool {
        match self.stage {
            Stage::Open => true,
            Stage::Draining => from_job && self.limits.accept_from_jobs,
            Stage::Stopping => false,
        }
    }

    pub(crate) fn stage(&self) -> Stage {
        self.stage
    }

    pub(crate) fn is_terminated(&self) -> bool {
        self.stage > Stage::Open && self.alive == 0 && self.queue.is_empty()
    }

    /// Returns how many jobs run. A thread between two jobs counts as running one.
    pub(crate) fn running(&self) -> usize {
        self.alive - self.idle - self.asleep.len() - self.starting
    }

    pub(crate) fn alive(&self) -> usize {
        self.alive
    }

    pub(crate) fn queued(&self) -> &VecDeque<Queued<J>> {
        &self.queue
    }

    /// Returns the thread whose job has run longest.
    pub(crate) fn longest(&self) -> Option<(usize, &Running)> {
        let running = self.threads.iter().enumerate().filter_map(|(at, thread)| {
            let Thread::Running(running) = thread else {
                return None;
            };
            Some((at, running))
        });
        running.min_by_key(|(_, running)| running.since)
    }
}
