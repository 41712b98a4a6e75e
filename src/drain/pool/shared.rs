//! The driver: starts the threads that the machine asks for, runs jobs on them, and closes the pool.

use std::collections::VecDeque;
use std::sync::Arc;
#[cfg(test)]
use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use deadstop_core::Nanos;

use super::current;
use super::job::Work;
use super::machine::{Dispatch, Limits, Machine, Start};
use super::names::thread_name;
use super::observer::Observer;
#[cfg(feature = "health")]
use super::observer::Pulse;
#[cfg(feature = "health")]
use super::scheduler::Observe;
use super::scheduler::{self, Scheduler};
use crate::TaskHandle;
use crate::drain::latch::Latch;
use crate::drain::thread_id;
use crate::lock::Mutex;

/// The machine and the run queue, locked.
pub(super) type Locked<'a> = scheduler::locked::Locked<'a, Work, Observer>;

/// The state that a pool's handles, threads and task share.
pub(super) struct Shared {
    pub(super) name: Box<str>,
    keep_alive: Duration,
    stack_size: Option<usize>,
    pub(super) scheduler: Scheduler<Work, Observer>,
    terminated: Latch,
    task: Mutex<Option<TaskHandle>>,
    /// Called before each thread is requested; an error stands for the system's.
    #[cfg(test)]
    pub(super) before_spawn: OnceLock<Box<dyn Fn() -> std::io::Result<()> + Send + Sync>>,
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
            scheduler: Scheduler::new(Machine::open(limits), Observer::new(name)),
            terminated: Latch::new(),
            task: Mutex::new(None),
            #[cfg(test)]
            before_spawn: OnceLock::new(),
        })
    }

    pub(super) fn lock(&self) -> Locked<'_> {
        self.scheduler.lock()
    }

    /// Sets the task that is cancelled once the pool has terminated.
    pub(super) fn set_task(&self, task: TaskHandle) {
        *self.task.lock() = Some(task);
    }

    /// Calls the thread that must come for a job. Returns the job if the system gives none.
    pub(super) fn dispatch(self: &Arc<Self>, dispatch: Dispatch) -> Option<Work> {
        match dispatch {
            Dispatch::Nothing => {}
            Dispatch::Wake { thread } => self.scheduler.wake(&[thread]),
            Dispatch::Start(start) => return self.start(start),
        }
        None
    }

    /// Starts a thread. Returns the job that it was requested for if the system refuses it
    /// and the pool has no other.
    fn start(self: &Arc<Self>, start: Start) -> Option<Work> {
        if self.spawn(start.thread).is_ok() {
            self.scheduler.started(start);
            return None;
        }
        let work = self.scheduler.start_failed(start);
        self.note_if_terminated();
        work
    }

    fn spawn(self: &Arc<Self>, number: usize) -> std::io::Result<()> {
        #[cfg(test)]
        if let Some(spawns) = self.before_spawn.get() {
            spawns()?;
        }
        let mut builder = thread::Builder::new().name(thread_name(&self.name, number));
        if let Some(size) = self.stack_size {
            builder = builder.stack_size(size);
        }
        let shared = Arc::clone(self);
        builder.spawn(move || shared.work(number)).map(drop)
    }

    /// The life of a thread.
    fn work(self: Arc<Self>, number: usize) {
        current::set(self.address());
        self.scheduler.arrive(number, thread_id::current());
        let mut ended = None;
        while let Some((work, dispatch)) = self.scheduler.next(number, self.keep_alive, ended) {
            // This thread lives, so no job comes back.
            drop(self.dispatch(dispatch));
            ended = Some(work.run_and_catch());
        }
        self.note_if_terminated();
    }

    /// Sets what is notified of each job that begins or ends. The first one stays.
    #[cfg(feature = "health")]
    pub(super) fn set_pulse(&self, pulse: Pulse) {
        let locked = self.lock();
        let observer = self.scheduler.observer();
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
        self.scheduler.wake_all();
        self.scheduler.observer().room.notify_all();
        self.note_if_terminated();
    }

    pub(super) fn note_if_terminated(&self) {
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
        current::is(self.address())
    }

    /// Returns the address that stands for the pool.
    pub(super) fn address(&self) -> usize {
        std::ptr::from_ref(self) as usize
    }

    /// Blocks the thread until the pool has terminated, or until `until`.
    pub(super) fn wait_terminated(&self, until: Option<Nanos>) -> bool {
        self.terminated.wait(until)
    }
}
