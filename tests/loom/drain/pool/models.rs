//! Jobs that are offered while the pool is stopped or closed, and threads that fall
//! asleep at the same time.

use std::time::Duration;

use deadstop_core::Nanos;
use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::handover::Handover;
use super::machine::{Accepted, Limits, Machine, Offered, Running};

/// What becomes of jobs, each of which is one bit.
struct World {
    handover: Handover<u32, ()>,
    accepted: AtomicU32,
    ran: AtomicU32,
    returned: AtomicU32,
}

impl World {
    /// A pool that may have one thread.
    fn new() -> Arc<Self> {
        let limits = Limits {
            threads: 1,
            queue: 4,
            accept_from_jobs: false,
        };
        let handover = Handover::new(Machine::open(limits), ());
        Arc::new(Self {
            handover,
            accepted: AtomicU32::new(0),
            ran: AtomicU32::new(0),
            returned: AtomicU32::new(0),
        })
    }

    /// Offers a job as the driver does. Returns the place of a thread to start.
    fn offer(&self, job: u32) -> Option<usize> {
        let mut machine = self.handover.lock();
        let offered = machine.offer(job, Nanos(0), false);
        drop(machine);
        let Offered::Accepted(accepted) = offered else {
            return None;
        };
        self.accepted.fetch_or(job, Ordering::Relaxed);
        match accepted {
            Accepted::Queued => None,
            Accepted::Wake { thread } => {
                self.handover.wake(&[thread]);
                None
            }
            Accepted::Start { thread, .. } => Some(thread),
        }
    }

    /// The life of a thread.
    fn work(&self, place: usize) {
        let mut machine = self.handover.lock();
        loop {
            let next = self.handover.next(machine, place, Duration::MAX, |_| ());
            let Some((queued, mut locked)) = next else {
                return;
            };
            let running = Running {
                since: Nanos(0),
                name: None,
                tid: 1,
            };
            locked.run(place, running);
            drop(locked);
            let before = self.ran.fetch_or(queued.job, Ordering::Relaxed);
            assert_eq!(before & queued.job, 0, "a job runs once");
            machine = self.handover.lock();
            machine.ended(false);
        }
    }

    /// Stops the pool, and keeps what comes back.
    fn stop(&self) {
        let returned = self.handover.lock().stop();
        self.handover.wake_all();
        for queued in returned {
            let before = self.returned.fetch_or(queued.job, Ordering::Relaxed);
            assert_eq!(before & queued.job, 0, "a job comes back once");
        }
    }

    fn close(&self) {
        self.handover.lock().close();
        self.handover.wake_all();
    }

    fn assert_none_is_lost(&self) {
        let jobs = [&self.accepted, &self.ran, &self.returned];
        let [accepted, ran, returned] = jobs.map(|jobs| jobs.load(Ordering::Relaxed));
        assert_eq!(accepted, ran | returned);
        assert_eq!(ran & returned, 0);
        assert!(self.handover.lock().is_terminated());
    }
}

/// Starts a pool whose one thread has the job 1.
fn with_a_thread() -> (Arc<World>, thread::JoinHandle<()>) {
    let world = World::new();
    let place = world.offer(1).expect("the first job starts a thread");
    let works = Arc::clone(&world);
    let worker = thread::spawn(move || {
        works.handover.arrive(place);
        works.work(place);
    });
    (world, worker)
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
        let (world, worker) = with_a_thread();
        let offers = Arc::clone(&world);
        let submitter = thread::spawn(move || assert!(offers.offer(2).is_none()));
        world.stop();
        submitter.join().expect("it ends");
        worker.join().expect("it ends");
        world.assert_none_is_lost();
    });
}

/// Fails, by a job that is left, if a job that finds the thread asleep does not wake it, or
/// if the thread looks at the queue before it takes the lock and not after.
#[test]
fn job_offered_to_a_thread_that_falls_asleep_runs() {
    check(|| {
        let (world, worker) = with_a_thread();
        assert!(world.offer(2).is_none());
        // Nothing else wakes the thread.
        while world.ran.load(Ordering::Relaxed) != 3 {
            thread::yield_now();
        }
        world.close();
        worker.join().expect("it ends");
        world.assert_none_is_lost();
    });
}

/// Two submitters, one thread, and one that stops the pool.
#[test]
fn jobs_of_two_submitters_run_come_back_or_are_refused() {
    check(|| {
        let (world, worker) = with_a_thread();
        let offers = Arc::clone(&world);
        let submitter = thread::spawn(move || assert!(offers.offer(2).is_none()));
        let stops = Arc::clone(&world);
        let stopper = thread::spawn(move || stops.stop());
        assert!(world.offer(4).is_none());
        submitter.join().expect("it ends");
        stopper.join().expect("it ends");
        worker.join().expect("it ends");
        world.assert_none_is_lost();
    });
}
