//! The driver: runs what the machine decides on threads.

use std::cell::Cell;
use std::collections::VecDeque;
use std::sync::{Arc, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use deadstop_core::{Nanos, now};

use super::error::Why;
use super::handover::{Handover, Observe};
use super::job::Work;
use super::machine::{Dispatch, Limits, Machine, Offered, Stage};
use super::names::thread_name;
#[cfg(feature = "health")]
use super::numbers::Numbers;
use super::room::Room;
use super::run_queue::{RunQueue, Running};
use super::thread_table::Start;
use crate::TaskHandle;
use crate::drain::latch::Latch;
use crate::drain::thread_id;
use crate::lock::Mutex;
use crate::sys::recent_time::recent;

/// The machine and the run queue, locked.
pub(super) type Locked<'a> = super::handover::Locked<'a, Work, Observer>;

/// Stands for "no end" where `Instant` has none: a hundred years.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 3600);

thread_local! {
    /// The pool whose job the thread runs, by address, or zero.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// Is notified of a pool's jobs, under the pool's lock.
pub(crate) trait Pulse: Send + Sync {
    /// A job has begun or ended. `is_busy` says whether others run or wait.
    fn beat(&self, is_busy: bool);
}

/// Notified of a pool's jobs.
pub(super) struct Observer {
    /// The copy of the pool's numbers for the metrics.
    #[cfg(feature = "health")]
    numbers: &'static Numbers,
    /// Notified of each job that begins or ends.
    pulse: OnceLock<Box<dyn Pulse>>,
    room: Room,
}

impl Observer {
    fn new(_pool: &str) -> Self {
        Self {
            #[cfg(feature = "health")]
            numbers: Numbers::list(_pool),
            pulse: OnceLock::new(),
            room: Room::new(),
        }
    }
}

#[cfg(feature = "health")]
impl Drop for Observer {
    fn drop(&mut self) {
        self.numbers.remove();
    }
}

impl Observe<Work> for Observer {
    fn now(&self) -> Nanos {
        recent()
    }

    fn name(&self, work: &Work) -> Option<Arc<str>> {
        work.name()
    }

    fn begins(&self, _: &RunQueue<Work>) {
        if let Some(pulse) = self.pulse.get() {
            pulse.beat(true);
        }
    }

    fn rests(&self, machine: &Machine<Work>, run_queue: &RunQueue<Work>) {
        if let Some(pulse) = self.pulse.get() {
            pulse.beat(machine.running() > 0 || machine.queued(run_queue) > 0);
        }
    }

    fn has_room(&self, _: &Machine<Work>) {
        self.room.notify_one();
    }

    #[cfg(feature = "health")]
    fn machine(&self, machine: &Machine<Work>) {
        self.numbers.copy_machine(machine);
    }

    #[cfg(feature = "health")]
    fn run_queue(&self, run_queue: &RunQueue<Work>) {
        self.numbers.copy_run_queue(run_queue);
    }
}

/// The state that a pool's handles, threads and task share.
pub(super) struct Shared {
    pub(super) name: Box<str>,
    keep_alive: Duration,
    stack_size: Option<usize>,
    handover: Handover<Work, Observer>,
    terminated: Latch,
    task: Mutex<Option<TaskHandle>>,
    /// Called before each thread is requested; an error stands for the system's.
    #[cfg(test)]
    pub(super) before_spawn: OnceLock<Box<dyn Fn() -> std::io::Result<()> + Send + Sync>>,
}

/// The result of offering a job.
pub(super) enum Outcome {
    Accepted,
    Refused(Work, Why),
}

impl Shared {
    pub(super) fn new(
        name: &str,
        limits: Limits,
        keep_alive: Duration,
        stack_size: Option<usize>,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.into(),
            keep_alive,
            stack_size,
            handover: Handover::new(Machine::open(limits), Observer::new(name)),
            terminated: Latch::new(),
            task: Mutex::new(None),
            #[cfg(test)]
            before_spawn: OnceLock::new(),
        })
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        self.handover.lock()
    }

    /// Sets the task that is cancelled once the pool has terminated.
    pub(super) fn set_task(&self, task: TaskHandle) {
        *self.task.lock() = Some(task);
    }

    /// Offers a job once.
    #[inline]
    pub(super) fn offer(self: &Arc<Self>, work: Work) -> Outcome {
        match self.handover.offer(work, self.is_current()) {
            Offered::Accepted(Dispatch::Nothing) => Outcome::Accepted,
            offered => self.accept(offered),
        }
    }

    /// Offers a job, and waits for room for up to `time`.
    pub(super) fn offer_within(self: &Arc<Self>, mut work: Work, time: Duration) -> Outcome {
        let from_job = self.is_current();
        let begun = Instant::now();
        let until = begun.checked_add(time).unwrap_or(begun + FOREVER);
        let mut is_over = false;
        loop {
            let starts = self.handover.starts();
            let Locked {
                mut machine,
                mut run_queue,
            } = self.lock();
            work.queued_now();
            work = match machine.offer(work, from_job) {
                Offered::Full(work) if !is_over => work,
                Offered::Starting(back) => {
                    drop((machine, run_queue));
                    self.handover.wait_for_start(starts);
                    work = back;
                    continue;
                }
                offered => {
                    drop((machine, run_queue));
                    return self.accept(offered);
                }
            };
            // Under the lock that a job's end takes, which then notifies.
            run_queue.blocked += 1;
            let waits = self.handover.observer().room.enter();
            drop((machine, run_queue));
            is_over = waits.until(until);
            self.lock().run_queue.blocked -= 1;
        }
    }

    /// Offers a job, and drops the oldest that waits if there is no room. Returns what
    /// was dropped.
    pub(super) fn offer_or_drop(self: &Arc<Self>, mut work: Work) -> (Outcome, Option<Work>) {
        let from_job = self.is_current();
        loop {
            let starts = self.handover.starts();
            let mut locked = self.lock();
            let (offered, oldest) = match locked.machine.offer(work, from_job) {
                Offered::Full(work) => {
                    let oldest = locked.machine.drop_oldest(&mut locked.run_queue);
                    (locked.machine.offer(work, from_job), oldest)
                }
                offered => (offered, None),
            };
            drop(locked);
            work = match offered {
                Offered::Starting(work) => work,
                offered => return (self.accept(offered), oldest),
            };
            self.handover.wait_for_start(starts);
        }
    }

    #[cold]
    fn accept(self: &Arc<Self>, offered: Offered<Work>) -> Outcome {
        match offered {
            Offered::Accepted(dispatch) => match self.dispatch(dispatch) {
                None => Outcome::Accepted,
                Some(work) => Outcome::Refused(work, Why::NoThread),
            },
            // Each kind of offer waits while it is not decided.
            Offered::Full(work) | Offered::Starting(work) => Outcome::Refused(work, Why::Full),
            Offered::Refused(work, stage) => Outcome::Refused(work, why(stage)),
        }
    }

    /// Calls the thread that must come for a job. Returns the job if the system gives none.
    fn dispatch(self: &Arc<Self>, dispatch: Dispatch) -> Option<Work> {
        match dispatch {
            Dispatch::Nothing => {}
            Dispatch::Wake { thread } => self.handover.wake(&[thread]),
            Dispatch::Start(start) => return self.start(start),
        }
        None
    }

    /// Starts a thread. Returns the job that it was requested for if the system refuses it
    /// and the pool has no other.
    fn start(self: &Arc<Self>, start: Start) -> Option<Work> {
        if self.spawn(start.thread).is_ok() {
            self.handover.started(start);
            return None;
        }
        let work = self.handover.start_failed(start);
        self.note_if_terminated();
        work
    }

    fn spawn(self: &Arc<Self>, place: usize) -> std::io::Result<()> {
        #[cfg(test)]
        if let Some(spawns) = self.before_spawn.get() {
            spawns()?;
        }
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
        self.handover.arrive(place, thread_id::current());
        let mut ended = None;
        while let Some((work, dispatch)) = self.handover.next(place, self.keep_alive, ended) {
            // This thread lives, so no job comes back.
            drop(self.dispatch(dispatch));
            ended = Some(work.run_and_catch());
        }
        self.note_if_terminated();
    }

    /// Sets what is notified of each job that begins or ends. The first one stays.
    #[cfg(feature = "health")]
    pub(super) fn set_pulse(&self, pulse: Box<dyn Pulse>) {
        let locked = self.lock();
        let observer = self.handover.observer();
        let _ = observer.pulse.set(pulse);
        observer.rests(&locked.machine, &locked.run_queue);
    }

    /// Takes no more jobs; runs those that are queued.
    pub(super) fn close(&self) -> bool {
        let closed = self.lock().machine.close();
        self.wake_all();
        closed
    }

    /// Takes no more jobs, and gives back those that have not started.
    pub(super) fn stop(&self) -> VecDeque<Work> {
        let mut locked = self.lock();
        let unstarted = locked.machine.stop(&mut locked.run_queue);
        drop(locked);
        self.wake_all();
        unstarted
    }

    fn wake_all(&self) {
        self.handover.wake_all();
        self.handover.observer().room.notify_all();
        self.note_if_terminated();
    }

    fn note_if_terminated(&self) {
        let locked = self.lock();
        let is_terminated = locked.machine.is_terminated(&locked.run_queue);
        drop(locked);
        if !is_terminated || self.terminated.is_set() {
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

    /// Returns `true` if the calling thread runs a job of this pool.
    pub(super) fn is_current(&self) -> bool {
        let this = std::ptr::from_ref(self) as usize;
        POOL.try_with(Cell::get).is_ok_and(|pool| pool == this)
    }

    /// Runs a job on the calling thread, for which there was no room. The pool waits for it as
    /// for its threads' jobs. Returns the job if the pool takes none any more.
    pub(super) fn run_here(&self, work: Work) -> Outcome {
        let running = Running {
            since: recent(),
            name: work.name(),
        };
        let mut locked = self.lock();
        if let Some(stage) = locked.machine.refuses(self.is_current()) {
            drop(locked);
            return Outcome::Refused(work, why(stage));
        }
        let number = locked
            .run_queue
            .caller_begins(thread_id::current(), running);
        drop(locked);
        // A job of another pool may be under way on this thread.
        let this = std::ptr::from_ref(self) as usize;
        let outer = POOL.try_with(|pool| pool.replace(this)).ok();
        let panicked = work.run_and_catch();
        if let Some(outer) = outer {
            POOL.set(outer);
        }
        let mut locked = self.lock();
        locked.run_queue.caller_ends(number);
        locked.machine.counts.caller_ran += 1;
        locked.machine.counts.caller_panicked += u64::from(panicked);
        drop(locked);
        self.note_if_terminated();
        Outcome::Accepted
    }

    /// Describes what is left: "2 running, 37 queued; longest: "mail 17" for 12.3 s on
    /// thread mailer-3".
    pub(super) fn describe(&self) -> String {
        let Locked { machine, run_queue } = self.lock();
        let running = machine.running() + run_queue.callers();
        let queued = machine.queued(&run_queue);
        let mut text = format!("{running} running, {queued} queued");
        if let Some((place, _, longest)) = run_queue.longest() {
            let seconds = now().since(longest.since).as_secs_f64();
            let job = longest.name.as_deref().unwrap_or("a job");
            let thread = match place {
                Some(place) => format!("thread {}", thread_name(&self.name, place)),
                None => "the thread of its caller".to_owned(),
            };
            text += &format!("; longest: {job:?} for {seconds:.1} s on {thread}");
        }
        let named = machine.waiting(&run_queue).find_map(Work::name);
        if let Some(next) = named {
            text += &format!("; next: {next:?}");
        }
        text
    }

    /// Returns the thread whose job has run longest.
    pub(super) fn longest_tid(&self) -> Option<i32> {
        let locked = self.lock();
        locked.run_queue.longest().map(|(_, tid, _)| tid)
    }

    /// Blocks the thread until the pool has terminated, or until `until`.
    pub(super) fn wait_terminated(&self, until: Option<Nanos>) -> bool {
        self.terminated.wait(until)
    }
}

/// Returns why a pool of this stage takes no job.
fn why(stage: Stage) -> Why {
    match stage {
        Stage::Stopping => Why::Stopped,
        _ => Why::Closed,
    }
}
