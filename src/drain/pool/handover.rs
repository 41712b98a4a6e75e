//! The way of jobs to threads: submitted jobs and the run queue under a lock each, and threads
//! that search, sleep and are woken.
//!
//! ```text
//!          machine's lock              run queue's lock
//! offer ──────▶ submitted ──both locks──▶ run queue ──────▶ next ──▶ the thread runs it
//!    │                                                       │ nothing
//!    ╰──unpark──▶ parked ◀───────────both locks──────────────╯
//! ```
//!
//! A thread that takes both locks takes the run queue's first. A submitter locks the machine alone
//! unless its decision depends on the run queue; a thread that has ended a job locks the
//! run queue alone unless that is empty.
//!
//! A thread is marked as asleep under both locks, and parks after that; what wakes it marks
//! it as woken under the machine's lock, and unparks it after that. An unpark that comes
//! first makes the park return at once, so no wake-up is lost.
//!
//! A submitter that must know whether the system gives a thread reads `starts` before it
//! looks at the machine, and waits for `starts` to advance, which follows the system's
//! answer.
//!
//! # Orderings
//!
//! `accepted`, `taken` and `ended` are copies of numbers that only grow, each written under
//! its lock. A reader without that lock may see one that is too small, and must decide as
//! is right for that: a submitter looks under both locks before it refuses a job or wakes a
//! thread, and a thread looks under both before it sleeps. `tests/loom/drain/pool` has
//! models.

use std::ops::{Deref, DerefMut};
use std::sync::Arc;
use std::time::{Duration, Instant};

use deadstop_core::Nanos;

use super::machine::{Dispatch, Machine, Next, Offered};
use super::run_queue::{Progress, RunQueue, Running};
use super::thread_table::Start;
use crate::primitives::atomic::{AtomicU64, Ordering};
use crate::primitives::thread::{self, Thread};
use crate::primitives::{Backoff, CachePadded, EventCount, Mutex, MutexGuard};

/// Notified of what happens, under the lock of what it is shown.
pub(crate) trait Observe<J> {
    /// Returns the time at which a job begins.
    fn now(&self) -> Nanos {
        Nanos(0)
    }

    /// Returns the name of a job.
    fn name(&self, _: &J) -> Option<Arc<str>> {
        None
    }

    /// A thread begins a job.
    fn begins(&self, _: &RunQueue<J>) {}

    /// A thread that had a job has none.
    fn rests(&self, _: &Machine<J>, _: &RunQueue<J>) {}

    /// A job has ended, and a caller waits for room.
    fn has_room(&self, _: &Machine<J>) {}

    /// The machine's lock is about to be released.
    fn machine(&self, _: &Machine<J>) {}

    /// The run queue's lock is about to be released.
    fn run_queue(&self, _: &RunQueue<J>) {}
}

impl<J> Observe<J> for () {}

/// The machine and the run queue, and the threads that they wake.
pub(crate) struct Handover<J, O> {
    run_queue: CachePadded<Mutex<RunQueue<J>>>,
    machine: CachePadded<Mutex<Machine<J>>>,
    /// The number of jobs that were queued.
    accepted: CachePadded<AtomicU64>,
    progress: CachePadded<SharedProgress>,
    /// The threads, by their places, to be woken.
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

/// The machine, locked.
pub(crate) struct LockedMachine<'a, J, O: Observe<J>> {
    machine: MutexGuard<'a, Machine<J>>,
    handover: &'a Handover<J, O>,
}

/// The run queue, locked.
pub(crate) struct LockedQueue<'a, J, O: Observe<J>> {
    run_queue: MutexGuard<'a, RunQueue<J>>,
    handover: &'a Handover<J, O>,
}

/// Both, locked. The machine has seen the run queue's progress.
pub(crate) struct Locked<'a, J, O: Observe<J>> {
    pub(crate) machine: LockedMachine<'a, J, O>,
    pub(crate) run_queue: LockedQueue<'a, J, O>,
}

impl<J, O: Observe<J>> Deref for LockedMachine<'_, J, O> {
    type Target = Machine<J>;

    fn deref(&self) -> &Self::Target {
        &self.machine
    }
}

impl<J, O: Observe<J>> DerefMut for LockedMachine<'_, J, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.machine
    }
}

impl<J, O: Observe<J>> Drop for LockedMachine<'_, J, O> {
    fn drop(&mut self) {
        self.handover.publish_accepted(&self.machine);
    }
}

impl<J, O: Observe<J>> Deref for LockedQueue<'_, J, O> {
    type Target = RunQueue<J>;

    fn deref(&self) -> &Self::Target {
        &self.run_queue
    }
}

impl<J, O: Observe<J>> DerefMut for LockedQueue<'_, J, O> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.run_queue
    }
}

impl<J, O: Observe<J>> Drop for LockedQueue<'_, J, O> {
    fn drop(&mut self) {
        self.handover.publish_progress(&self.run_queue);
    }
}

impl<J, O: Observe<J>> Handover<J, O> {
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

    fn lock_machine(&self) -> LockedMachine<'_, J, O> {
        LockedMachine {
            machine: self.machine.lock(),
            handover: self,
        }
    }

    fn lock_queue(&self) -> LockedQueue<'_, J, O> {
        LockedQueue {
            run_queue: self.run_queue.lock(),
            handover: self,
        }
    }

    /// Locks the machine too.
    fn with_machine<'a>(&'a self, run_queue: LockedQueue<'a, J, O>) -> Locked<'a, J, O> {
        let mut machine = self.lock_machine();
        machine.see(run_queue.progress());
        Locked { machine, run_queue }
    }

    /// Locks both.
    pub(crate) fn lock(&self) -> Locked<'_, J, O> {
        self.with_machine(self.lock_queue())
    }

    fn publish_accepted(&self, machine: &Machine<J>) {
        self.accepted.store(machine.accepted(), Ordering::Relaxed);
        self.observer.machine(machine);
    }

    fn publish_progress(&self, run_queue: &RunQueue<J>) {
        let progress = run_queue.progress();
        self.progress.taken.store(progress.taken, Ordering::Relaxed);
        self.progress.ended.store(progress.ended, Ordering::Relaxed);
        self.observer.run_queue(run_queue);
    }

    /// Returns a lower bound of the run queue's progress.
    fn progress(&self) -> Progress {
        Progress {
            taken: self.progress.taken.load(Ordering::Relaxed),
            ended: self.progress.ended.load(Ordering::Relaxed),
        }
    }

    /// Offers a job; `from_job` if a job of this pool does.
    #[inline]
    pub(crate) fn offer(&self, job: J, from_job: bool) -> Offered<J> {
        let mut machine = self.lock_machine();
        if !machine.is_certain() {
            machine.see(self.progress());
            if !machine.is_certain() {
                drop(machine);
                return self.offer_under_both(job, from_job);
            }
        }
        match machine.offer(job, from_job) {
            Offered::Starting(job) => {
                drop(machine);
                self.offer_under_both(job, from_job)
            }
            offered => offered,
        }
    }

    #[cold]
    fn offer_under_both(&self, mut job: J, from_job: bool) -> Offered<J> {
        loop {
            let starts = self.starts();
            job = match self.lock().machine.offer(job, from_job) {
                Offered::Starting(job) => job,
                offered => return offered,
            };
            self.wait_for_start(starts);
        }
    }

    /// Returns how many answers the system has given to requests for a thread.
    pub(crate) fn starts(&self) -> u32 {
        self.starts.read()
    }

    /// Waits for the next answer after the number `starts`. A job that is
    /// [not decided](Offered::Starting) is offered again after it.
    pub(crate) fn wait_for_start(&self, starts: u32) {
        self.starts.wait_past(starts, None);
    }

    /// The system gave the thread.
    pub(crate) fn started(&self, start: Start) {
        self.lock_machine().started(start);
        self.starts.advance();
    }

    /// The system refused the thread. Returns the job that it was requested for if no other
    /// thread can run it.
    pub(crate) fn start_failed(&self, start: Start) -> Option<J> {
        let mut locked = self.lock();
        let (job, dispatch) = locked.machine.start_failed(&mut locked.run_queue, start);
        drop(locked);
        self.starts.advance();
        if let Dispatch::Wake { thread } = dispatch {
            self.wake(&[thread]);
        }
        job
    }

    /// The calling thread, whose kernel id is `tid`, has the place from here on.
    pub(crate) fn arrive(&self, place: usize, tid: i32) {
        self.lock_queue().arrive(place, tid);
        let mut threads = self.threads.lock();
        if threads.len() <= place {
            threads.resize_with(place + 1, || None);
        }
        threads[place] = Some(thread::current());
    }

    /// Wakes threads that were asleep. One that has left meanwhile saw the job, and
    /// another one that has its place searches once more than it must.
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
        let asleep = self.lock().machine.wake_all();
        self.wake(&asleep);
    }

    /// Returns the next job for the thread, which has none, and which thread to call for
    /// others; waits until there is a job. `ended` says whether the thread's last job
    /// panicked, if it had one. `None` if the thread leaves: it is off the machine then.
    pub(crate) fn next(
        &self,
        place: usize,
        keep_alive: Duration,
        ended: Option<bool>,
    ) -> Option<(J, Dispatch)> {
        let mut since = self.observer.now();
        let mut run_queue = self.lock_queue();
        if let Some(panicked) = ended {
            run_queue.end(place, panicked);
            if let Some(job) = run_queue.pop() {
                let is_blocked = self.begin(&mut run_queue, place, &job, since);
                drop(run_queue);
                if is_blocked {
                    self.observer.has_room(&self.lock_machine());
                }
                return Some((job, Dispatch::Nothing));
            }
        }
        let mut locked = self.with_machine(run_queue);
        if ended.is_some() && locked.run_queue.blocked > 0 {
            self.observer.has_room(&locked.machine);
        }
        let mut had_job = ended.is_some();
        let mut next = locked.machine.take(&mut locked.run_queue, place);
        loop {
            if had_job && !matches!(next, Next::Run(..)) {
                self.observer.rests(&locked.machine, &locked.run_queue);
                had_job = false;
            }
            match next {
                Next::Run(job, dispatch) => {
                    self.begin(&mut locked.run_queue, place, &job, since);
                    return Some((job, dispatch));
                }
                Next::Search => {
                    drop(locked);
                    self.search();
                    since = self.observer.now();
                    locked = self.lock();
                    next = locked.machine.take_or_sleep(&mut locked.run_queue, place);
                }
                Next::Sleep => {
                    drop(locked);
                    let slept = Instant::now();
                    thread::park_timeout(keep_alive);
                    since = self.observer.now();
                    locked = self.lock();
                    let is_over = slept.elapsed() >= keep_alive;
                    if is_over && locked.machine.expire(&locked.run_queue, place) {
                        return None;
                    }
                    next = locked.machine.take(&mut locked.run_queue, place);
                }
                Next::Leave => {
                    locked.machine.leave(place);
                    // Others may wait for a job that this thread's might have submitted.
                    let asleep = locked.machine.wake_all();
                    drop(locked);
                    self.wake(&asleep);
                    return None;
                }
            }
        }
    }

    /// Notes that the thread begins a job. Returns whether a caller waits for room.
    fn begin(&self, run_queue: &mut RunQueue<J>, place: usize, job: &J, since: Nanos) -> bool {
        let name = self.observer.name(job);
        run_queue.run(place, Running { since, name });
        self.observer.begins(run_queue);
        run_queue.blocked > 0
    }

    /// Waits a short time for a job.
    fn search(&self) {
        let backoff = Backoff::new();
        while !self.may_have_job() && !backoff.is_completed() {
            backoff.snooze();
        }
    }

    fn may_have_job(&self) -> bool {
        self.accepted.load(Ordering::Relaxed) != self.progress.taken.load(Ordering::Relaxed)
    }
}
