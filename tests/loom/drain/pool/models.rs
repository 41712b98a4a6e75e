//! Jobs that are offered while the pool is stopped or closed, and threads that fall
//! asleep at the same time.

use std::time::Duration;

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::machine::{Dispatch, Limits, Machine, Offered};
use super::scheduler::Scheduler;

/// The results of jobs, one bit each.
struct World {
    scheduler: Scheduler<u32, ()>,
    accepted: AtomicU32,
    ran: AtomicU32,
    returned: AtomicU32,
    /// Threads that the system refuses before it gives one.
    refusals: std::sync::atomic::AtomicU32,
    /// Threads that were started by a dispatch.
    started: std::sync::Mutex<Vec<thread::JoinHandle<()>>>,
}

impl World {
    fn new(threads: usize, queue: usize) -> Arc<Self> {
        let limits = Limits {
            threads,
            queue,
            accept_from_jobs: false,
        };
        let scheduler = Scheduler::new(Machine::open(limits), ());
        Arc::new(Self {
            scheduler,
            accepted: AtomicU32::new(0),
            ran: AtomicU32::new(0),
            returned: AtomicU32::new(0),
            refusals: std::sync::atomic::AtomicU32::new(0),
            started: std::sync::Mutex::default(),
        })
    }

    /// Offers a job as the driver does.
    fn offer(world: &Arc<Self>, job: u32) {
        let Offered::Accepted(dispatch) = world.scheduler.offer(job, false) else {
            return;
        };
        world.accepted.fetch_or(job, Ordering::Relaxed);
        if let Some(job) = Self::dispatch(world, dispatch) {
            world.comes_back(job);
        }
    }

    /// Returns the job of a submitter that gets no thread.
    fn dispatch(world: &Arc<Self>, dispatch: Dispatch) -> Option<u32> {
        match dispatch {
            Dispatch::Nothing => {}
            Dispatch::Wake { thread } => world.scheduler.wake(&[thread]),
            Dispatch::Start(start) => {
                if world.is_refused() {
                    return world.scheduler.start_failed(start);
                }
                let works = Arc::clone(world);
                let started = thread::spawn(move || Self::work(&works, start.thread));
                world.scheduler.started(start);
                world.started.lock().expect("not poisoned").push(started);
            }
        }
        None
    }

    /// Returns whether the system refuses a thread now. One submitter asks at a time.
    fn is_refused(&self) -> bool {
        let left = self.refusals.load(Ordering::Relaxed);
        let left_after = left.saturating_sub(1);
        self.refusals.store(left_after, Ordering::Relaxed);
        left > 0
    }

    fn comes_back(&self, job: u32) {
        let before = self.returned.fetch_or(job, Ordering::Relaxed);
        assert_eq!(before & job, 0, "a job comes back once");
    }

    /// The life of a thread.
    fn work(world: &Arc<Self>, thread: usize) {
        world.scheduler.arrive(thread, 1);
        let mut ended = None;
        while let Some((job, dispatch)) = world.scheduler.next(thread, Duration::MAX, ended) {
            // This thread lives, so no job comes back.
            assert_eq!(Self::dispatch(world, dispatch), None);
            let before = world.ran.fetch_or(job, Ordering::Relaxed);
            assert_eq!(before & job, 0, "a job runs once");
            ended = Some(false);
        }
    }

    /// Waits for all threads.
    fn join(&self) {
        loop {
            let started = self.started.lock().expect("not poisoned").pop();
            match started {
                Some(started) => started.join().expect("it ends"),
                None => return,
            }
        }
    }

    /// Stops the pool, and keeps what comes back.
    fn stop(&self) {
        let mut locked = self.scheduler.lock();
        let returned = locked.machine.stop(&mut locked.run_queue);
        drop(locked);
        self.scheduler.wake_all();
        for job in returned {
            self.comes_back(job);
        }
    }

    fn close(&self) {
        self.scheduler.lock().machine.close();
        self.scheduler.wake_all();
    }

    fn assert_none_is_lost(&self) {
        let jobs = [&self.accepted, &self.ran, &self.returned];
        let [accepted, ran, returned] = jobs.map(|jobs| jobs.load(Ordering::Relaxed));
        assert_eq!(accepted, ran | returned);
        assert_eq!(ran & returned, 0);
        let locked = self.scheduler.lock();
        assert!(locked.machine.is_terminated(&locked.run_queue));
    }
}

/// Starts a pool whose first thread has the job 1.
fn with_a_thread(threads: usize) -> Arc<World> {
    let world = World::new(threads, 4);
    World::offer(&world, 1);
    world
}

/// Tries `model` with up to two preemptions: these have more steps than other models.
fn check(model: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(2);
    builder.max_branches = 20_000;
    builder.check(model);
}

/// Fails, by a thread that never ends, if stopping wakes no thread.
#[test]
fn job_offered_while_the_pool_stops_runs_or_comes_back() {
    check(|| {
        let world = with_a_thread(1);
        let offers = Arc::clone(&world);
        let submitter = thread::spawn(move || World::offer(&offers, 2));
        world.stop();
        submitter.join().expect("it ends");
        world.join();
        world.assert_none_is_lost();
    });
}

/// Fails, by a job that is left, if a job that finds the thread asleep does not wake it, or
/// if the thread looks at the queue before it takes the lock and not after.
#[test]
fn job_offered_to_a_thread_that_falls_asleep_runs() {
    check(|| {
        let world = with_a_thread(1);
        World::offer(&world, 2);
        // No other event wakes the thread.
        while world.ran.load(Ordering::Relaxed) != 3 {
            thread::yield_now();
        }
        world.close();
        world.join();
        world.assert_none_is_lost();
    });
}

/// Two submitters, one thread, and one that stops the pool.
#[test]
fn jobs_of_two_submitters_run_come_back_or_are_refused() {
    check(|| {
        let world = with_a_thread(1);
        let offers = Arc::clone(&world);
        let submitter = thread::spawn(move || World::offer(&offers, 2));
        let stops = Arc::clone(&world);
        let stopper = thread::spawn(move || stops.stop());
        World::offer(&world, 4);
        submitter.join().expect("it ends");
        stopper.join().expect("it ends");
        world.join();
        world.assert_none_is_lost();
    });
}

/// Fails, by a job that is refused, if a submitter that sees old numbers of the run queue
/// does not look again.
#[test]
fn job_is_refused_only_if_there_is_no_room() {
    check(|| {
        let world = World::new(1, 1);
        World::offer(&world, 1);
        World::offer(&world, 2);
        // Two have room. The first one has ended when the second one runs.
        while world.ran.load(Ordering::Relaxed) & 2 == 0 {
            thread::yield_now();
        }
        World::offer(&world, 4);
        assert_ne!(world.accepted.load(Ordering::Relaxed) & 4, 0);
        world.close();
        world.join();
        world.assert_none_is_lost();
    });
}

/// Fails, by a job that is left in a pool without threads, if a submitter does not wait for
/// the system's answer, and by one that waits for ever if no answer wakes it.
#[test]
fn job_offered_while_the_only_thread_is_refused_runs_or_comes_back() {
    for refusals in [1, 2] {
        check(move || {
            let world = World::new(1, 4);
            world.refusals.store(refusals, Ordering::Relaxed);
            let offers = Arc::clone(&world);
            let submitter = thread::spawn(move || World::offer(&offers, 2));
            World::offer(&world, 1);
            submitter.join().expect("it ends");
            world.close();
            world.join();
            world.assert_none_is_lost();
        });
    }
}
