//! The driver: runs what the machine decides on threads.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use deadstop_core::{Nanos, now};
use parking_lot::{Condvar, Mutex};

use super::error::Why;
use super::handover::Handover;
use super::job::Work;
use super::machine::{Accepted, Limits, Machine, Offered, Queued, Running, Stage};
use super::names::thread_name;
#[cfg(feature = "health")]
use super::numbers::Numbers;
use crate::TaskHandle;
use crate::drain::latch::Latch;
use crate::drain::thread_id;
use crate::sys::recent_time::recent;

/// What copies the pool's numbers for the metrics.
#[cfg(feature = "health")]
type Observer = &'static Numbers;
#[cfg(not(feature = "health"))]
type Observer = ();

/// The machine, locked. Its numbers are copied for the metrics when this is dropped.
pub(super) type Locked<'a> = super::handover::Locked<'a, Entry, Observer>;

thread_local! {
    /// The pool whose job the thread runs, by address, or zero.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// A job in the queue.
pub(super) struct Entry {
    pub(super) work: Work,
    pub(super) name: Option<Arc<str>>,
}

/// Is notified of a pool's jobs, under the pool's lock.
pub(crate) trait Pulse: Send + Sync {
    /// A job has begun or ended. `is_busy` says whether others run or wait.
    fn beat(&self, is_busy: bool);
}

/// What a pool's handles, threads and task share.
pub(super) struct Shared {
    pub(super) name: Box<str>,
    keep_alive: Duration,
    stack_size: Option<usize>,
    handover: Handover<Entry, Observer>,
    /// Callers wait here for room in the queue.
    room: Condvar,
    terminated: Latch,
    /// Notified of each job that begins or ends.
    pulse: OnceLock<Box<dyn Pulse>>,
    task: Mutex<Option<TaskHandle>>,
}

/// What became of a job that was offered.
pub(super) enum Outcome {
    Accepted,
    Refused(Entry, Why),
}

#[cfg(feature = "health")]
impl Drop for Shared {
    fn drop(&mut self) {
        self.handover.observer().remove();
    }
}

impl Shared {
    pub(super) fn new(
        name: &str,
        limits: Limits,
        keep_alive: Duration,
        stack_size: Option<usize>,
    ) -> Arc<Self> {
        #[cfg(feature = "health")]
        let observer = Numbers::list(name);
        #[cfg(not(feature = "health"))]
        let observer = ();
        Arc::new(Self {
            name: name.into(),
            keep_alive,
            stack_size,
            handover: Handover::new(Machine::open(limits), observer),
            room: Condvar::new(),
            terminated: Latch::new(),
            pulse: OnceLock::new(),
            task: Mutex::new(None),
        })
    }

    pub(super) fn machine(&self) -> Locked<'_> {
        self.handover.lock()
    }

    /// Sets the task that is cancelled once the pool has terminated.
    pub(super) fn set_task(&self, task: TaskHandle) {
        *self.task.lock() = Some(task);
    }

    /// Offers a job once.
    pub(super) fn offer(self: &Arc<Self>, entry: Entry) -> Outcome {
        let (from_job, now) = (self.is_current(), recent());
        let mut machine = self.machine();
        let offered = machine.offer(entry, now, from_job);
        self.accept(machine, offered)
    }

    /// Offers a job, and waits for room until `until`.
    pub(super) fn offer_until(self: &Arc<Self>, mut entry: Entry, until: Instant) -> Outcome {
        let from_job = self.is_current();
        let mut machine = self.machine();
        loop {
            entry = match machine.offer(entry, recent(), from_job) {
                Offered::Full(entry) => entry,
                offered => return self.accept(machine, offered),
            };
            if self.room.wait_until(machine.unlocked(), until).timed_out() {
                let offered = machine.offer(entry, recent(), from_job);
                return self.accept(machine, offered);
            }
        }
    }

    /// Offers a job, and drops the oldest that waits if there is no room. Returns what
    /// was dropped.
    pub(super) fn offer_or_drop(
        self: &Arc<Self>,
        entry: Entry,
    ) -> (Outcome, Option<Queued<Entry>>) {
        let from_job = self.is_current();
        let mut machine = self.machine();
        match machine.offer(entry, recent(), from_job) {
            Offered::Full(entry) => {
                let oldest = machine.drop_oldest();
                let offered = machine.offer(entry, recent(), from_job);
                (self.accept(machine, offered), oldest)
            }
            offered => (self.accept(machine, offered), None),
        }
    }

    fn accept(self: &Arc<Self>, mut machine: Locked<'_>, offered: Offered<Entry>) -> Outcome {
        match offered {
            Offered::Accepted(accepted) => {
                drop(machine);
                self.staff(accepted)
            }
            Offered::Full(entry) => Outcome::Refused(entry, Why::Full),
            Offered::Refused(entry) => {
                machine.counts.rejected += 1;
                let why = match machine.stage() {
                    Stage::Stopping => Why::Stopped,
                    _ => Why::Closed,
                };
                Outcome::Refused(entry, why)
            }
        }
    }

    /// Sees to it that a thread comes for an accepted job.
    fn staff(self: &Arc<Self>, accepted: Accepted) -> Outcome {
        match accepted {
            Accepted::Queued => {}
            Accepted::Wake { thread } => self.handover.wake(&[thread]),
            Accepted::Start { thread, ticket } => {
                if self.start(thread).is_err() {
                    let left = self.machine().start_failed(thread, ticket);
                    self.note_if_terminated();
                    if let Some(entry) = left {
                        self.machine().counts.rejected += 1;
                        return Outcome::Refused(entry, Why::NoThread);
                    }
                }
            }
        }
        Outcome::Accepted
    }

    fn start(self: &Arc<Self>, place: usize) -> std::io::Result<()> {
        let mut builder = thread::Builder::new().name(thread_name(&self.name, place));
        if let Some(size) = self.stack_size {
            builder = builder.stack_size(size);
        }
        let shared = Arc::clone(self);
        builder.spawn(move || shared.work(place)).map(drop)
    }

    /// The life of a thread.
    fn work(self: Arc<Self>, place: usize) {
        POOL.set(Arc::as_ptr(&self) as usize);
        let tid = thread_id::current();
        self.handover.arrive(place);
        let mut machine = self.machine();
        // A thread that had no job says nothing about those of others.
        let mut had_job = false;
        loop {
            let rests = |machine: &Machine<Entry>| {
                if std::mem::take(&mut had_job) {
                    self.beat(machine);
                }
            };
            let next = self.handover.next(machine, place, self.keep_alive, rests);
            let Some((Queued { job, .. }, mut locked)) = next else {
                break;
            };
            let Entry { work, name } = job;
            let since = recent();
            locked.run(place, Running { since, name, tid });
            self.beat(&locked);
            had_job = true;
            drop(locked);
            self.room.notify_one();
            let panicked = work.run_and_catch();
            machine = self.machine();
            machine.ended(panicked);
        }
        self.note_if_terminated();
    }

    /// Sets what is notified of each job that begins or ends. The first one stays.
    #[cfg(feature = "health")]
    pub(super) fn set_pulse(&self, pulse: Box<dyn Pulse>) {
        let machine = self.machine();
        let _ = self.pulse.set(pulse);
        self.beat(&machine);
    }

    /// A job has begun, or a thread has none.
    fn beat(&self, machine: &Machine<Entry>) {
        if let Some(pulse) = self.pulse.get() {
            pulse.beat(machine.running() > 0 || !machine.queued().is_empty());
        }
    }

    /// Takes no more jobs; runs those that are queued.
    pub(super) fn close(&self) -> bool {
        let closed = self.machine().close();
        self.wake_all();
        closed
    }

    /// Takes no more jobs, and gives back those that have not started.
    pub(super) fn stop(&self) -> VecDeque<Queued<Entry>> {
        let unstarted = self.machine().stop();
        self.wake_all();
        unstarted
    }

    fn wake_all(&self) {
        self.handover.wake_all();
        self.room.notify_all();
        self.note_if_terminated();
    }

    fn note_if_terminated(&self) {
        if !self.machine().is_terminated() || self.terminated.is_set() {
            return;
        }
        // Before the latch is set, and under the lock, since two threads may come here: a
        // caller that has waited for the pool finds the task gone.
        let mut task = self.task.lock();
        if let Some(task) = task.take() {
            // False where the task itself closed the pool.
            task.cancel();
        }
        self.terminated.set();
    }

    pub(super) fn terminated(&self) -> &Latch {
        &self.terminated
    }

    /// Returns whether the calling thread runs a job of this pool.
    pub(super) fn is_current(&self) -> bool {
        let this = std::ptr::from_ref(self) as usize;
        POOL.try_with(Cell::get).is_ok_and(|pool| pool == this)
    }

    /// Notes that a job of the pool ran on a caller's thread.
    pub(super) fn note_caller_ran(&self, panicked: bool) {
        let mut machine = self.machine();
        machine.counts.caller_ran += 1;
        machine.ended(panicked);
    }

    /// Describes what is left: "2 running, 37 queued; longest: "mail 17" for 12.3 s on
    /// thread mailer-3".
    pub(super) fn describe(&self) -> String {
        let machine = self.machine();
        let (running, queued) = (machine.running(), machine.queued().len());
        let mut text = format!("{running} running, {queued} queued");
        if let Some((place, longest)) = machine.longest() {
            let seconds = now().since(longest.since).as_secs_f64();
            let job = longest.name.as_deref().unwrap_or("a job");
            let thread = thread_name(&self.name, place);
            text += &format!("; longest: {job:?} for {seconds:.1} s on thread {thread}");
        }
        let mut named = machine
            .queued()
            .iter()
            .filter_map(|q| q.job.name.as_deref());
        if let Some(next) = named.next() {
            text += &format!("; next: {next:?}");
        }
        text
    }

    /// Returns the thread whose job has run longest.
    pub(super) fn longest_tid(&self) -> Option<i32> {
        let machine = self.machine();
        machine.longest().map(|(_, running)| running.tid)
    }

    /// Blocks the thread until the pool has terminated, or until `until`.
    pub(super) fn wait_terminated(&self, until: Option<Nanos>) -> bool {
        self.terminated.wait(until)
    }
}
