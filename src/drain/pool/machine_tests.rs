use std::collections::VecDeque;

use deadstop_core::Nanos;
use proptest::prelude::*;

use super::machine::{Dispatch, Limits, Machine, Next, Offered, Stage};
use super::run_queue::{RunQueue, Running};

/// A pool without its locks. Jobs are numbers.
struct Pool {
    machine: Machine<u32>,
    run_queue: RunQueue<u32>,
}

fn pool(threads: usize, queue: usize) -> Pool {
    with(threads, queue, false)
}

fn with(threads: usize, queue: usize, accept_from_jobs: bool) -> Pool {
    let limits = Limits {
        threads,
        queue,
        accept_from_jobs,
    };
    let mut run_queue = RunQueue::empty();
    for place in 0..threads {
        run_queue.arrive(place, 1);
    }
    Pool {
        machine: Machine::open(limits),
        run_queue,
    }
}

impl Pool {
    fn offer(&mut self, job: u32) -> Offered<u32> {
        self.offer_from(job, false)
    }

    /// Offers a job as a submitter does: looks at the run queue if it must.
    fn offer_from(&mut self, job: u32, from_job: bool) -> Offered<u32> {
        if !self.machine.is_certain() {
            self.machine.see(self.run_queue.progress());
        }
        self.machine.offer(job, from_job)
    }

    /// The thread, which has no job, takes the next one and runs it.
    fn take(&mut self, thread: usize) -> Next<u32> {
        let next = self.machine.take(&mut self.run_queue, thread);
        self.note(thread, next)
    }

    fn take_or_sleep(&mut self, thread: usize) -> Next<u32> {
        let next = self.machine.take_or_sleep(&mut self.run_queue, thread);
        self.note(thread, next)
    }

    /// The thread ends its job and takes the next one, as the driver does.
    fn end(&mut self, thread: usize) -> Next<u32> {
        self.run_queue.end(thread, false);
        match self.run_queue.pop() {
            Some(job) => self.note(thread, Next::Run(job, Dispatch::Nothing)),
            None => self.take(thread),
        }
    }

    fn note(&mut self, thread: usize, next: Next<u32>) -> Next<u32> {
        if let Next::Run(job, _) = &next {
            let running = Running {
                since: Nanos(u64::from(*job)),
                name: None,
            };
            self.run_queue.run(thread, running);
        }
        next
    }

    /// A thread whose job ends falls asleep.
    fn ends_and_sleeps(&mut self, thread: usize) -> bool {
        matches!(self.end(thread), Next::Look) && matches!(self.take_or_sleep(thread), Next::Sleep)
    }

    fn queued(&self) -> usize {
        self.machine.queued(&self.run_queue)
    }

    fn is_terminated(&self) -> bool {
        self.machine.is_terminated(&self.run_queue)
    }

    fn expire(&mut self, thread: usize) -> bool {
        self.machine.expire(&self.run_queue, thread)
    }

    fn stop(&mut self) -> VecDeque<u32> {
        self.machine.stop(&mut self.run_queue)
    }

    fn drop_oldest(&mut self) -> Option<u32> {
        self.machine.drop_oldest(&mut self.run_queue)
    }

    fn start_failed(&mut self, thread: usize, ticket: u64) -> Option<u32> {
        self.machine
            .start_failed(&mut self.run_queue, thread, ticket)
    }
}

fn starts(offered: &Offered<u32>, wanted: usize) -> bool {
    matches!(offered, Offered::Accepted(Dispatch::Start { thread, .. }) if *thread == wanted)
}

fn wakes(offered: &Offered<u32>, wanted: usize) -> bool {
    matches!(offered, Offered::Accepted(Dispatch::Wake { thread }) if *thread == wanted)
}

fn is_queued(offered: &Offered<u32>) -> bool {
    matches!(offered, Offered::Accepted(Dispatch::Nothing))
}

fn runs(next: &Next<u32>, wanted: u32) -> bool {
    matches!(next, Next::Run(job, _) if *job == wanted)
}

#[test]
fn threads_are_started_on_demand_and_then_the_queue_fills() {
    let mut pool = pool(2, 1);
    assert!(starts(&pool.offer(1), 0));
    assert!(starts(&pool.offer(2), 1));
    assert!(runs(&pool.take(0), 1));
    assert!(runs(&pool.take(1), 2));
    assert!(is_queued(&pool.offer(3)));
    assert!(matches!(pool.offer(4), Offered::Full(4)));
    assert_eq!((pool.machine.running(), pool.queued()), (2, 1));
    // A job that ends makes room, which the machine has not seen.
    assert!(runs(&pool.end(0), 3));
    assert!(is_queued(&pool.offer(4)));
}

#[test]
fn sleeping_thread_is_woken_before_another_is_started() {
    let mut pool = pool(2, 0);
    assert!(starts(&pool.offer(1), 0));
    assert!(runs(&pool.take(0), 1));
    assert!(pool.ends_and_sleeps(0));
    assert!(wakes(&pool.offer(2), 0));
    assert!(starts(&pool.offer(3), 1));
    assert!(matches!(pool.offer(4), Offered::Full(4)));
}

#[test]
fn thread_that_looks_for_a_job_is_not_woken_for_one() {
    let mut pool = pool(2, 0);
    assert!(starts(&pool.offer(1), 0));
    assert!(runs(&pool.take(0), 1));
    assert!(matches!(pool.end(0), Next::Look));
    assert!(is_queued(&pool.offer(2)));
    assert!(runs(&pool.take_or_sleep(0), 2));
}

/// Two jobs of which the first may hang.
#[test]
fn thread_that_looked_calls_another_for_the_job_that_it_leaves() {
    let mut pool = pool(3, 9);
    for (place, job) in [(0, 1), (1, 2)] {
        assert!(starts(&pool.offer(job), place));
        assert!(runs(&pool.take(place), job));
    }
    assert!(matches!(pool.end(0), Next::Look));
    assert!(matches!(pool.end(1), Next::Sleep));
    for job in [3, 4, 5] {
        assert!(is_queued(&pool.offer(job)));
    }
    let Next::Run(3, Dispatch::Wake { thread: 1 }) = pool.take_or_sleep(0) else {
        panic!("the thread that sleeps is woken");
    };
    // The same holds for a thread that was woken, and one that can be started.
    let Next::Run(4, Dispatch::Start { thread: 2, .. }) = pool.take(1) else {
        panic!("one more is started");
    };
    assert!(runs(&pool.take(2), 5));
}

#[test]
fn thread_that_fell_asleep_last_is_woken_first() {
    let mut pool = pool(2, 0);
    let _ = pool.offer(1);
    let _ = pool.offer(2);
    let _ = pool.take(0);
    let _ = pool.take(1);
    assert!(pool.ends_and_sleeps(0));
    assert!(pool.ends_and_sleeps(1));
    for last in [1, 0] {
        assert!(wakes(&pool.offer(3), last));
    }
}

#[test]
fn closing_wakes_every_thread_that_is_asleep() {
    let mut pool = pool(2, 0);
    let _ = pool.offer(1);
    let _ = pool.take(0);
    assert!(pool.ends_and_sleeps(0));
    pool.machine.close();
    assert_eq!(pool.machine.wake_all(), [0]);
    assert!(matches!(pool.take(0), Next::Leave));
}

#[test]
fn draining_runs_what_is_queued_and_refuses_more() {
    let mut pool = pool(1, 9);
    assert!(starts(&pool.offer(1), 0));
    let _ = pool.offer(2);
    assert!(pool.machine.close());
    assert!(!pool.machine.close());
    let refused = pool.offer(3);
    assert!(matches!(refused, Offered::Refused(3, Stage::Draining)));
    assert!(runs(&pool.take(0), 1));
    assert!(runs(&pool.end(0), 2));
    assert!(!pool.is_terminated());
    assert!(matches!(pool.end(0), Next::Leave));
    pool.machine.leave(0);
    assert!(pool.is_terminated());
}

#[test]
fn job_of_a_draining_pool_may_submit_if_the_pool_says_so() {
    let mut pool = with(2, 9, true);
    let _ = pool.offer(1);
    let _ = pool.offer(2);
    assert!(runs(&pool.take(0), 1));
    assert!(runs(&pool.take(1), 2));
    pool.machine.close();
    // The other thread's job may still submit: this one waits.
    assert!(pool.ends_and_sleeps(1));
    assert!(matches!(pool.offer(3), Offered::Refused(3, _)));
    assert!(wakes(&pool.offer_from(4, true), 1));
    assert!(runs(&pool.take(1), 4));
    assert!(pool.ends_and_sleeps(0));
    assert!(matches!(pool.end(1), Next::Leave));
    pool.machine.leave(1);
    assert_eq!(pool.machine.wake_all(), [0]);
    assert!(matches!(pool.take(0), Next::Leave));
}

#[test]
fn refused_thread_gives_the_job_back_only_if_no_thread_is_left() {
    let mut pool = pool(2, 9);
    let Offered::Accepted(Dispatch::Start { thread, ticket }) = pool.offer(1) else {
        panic!("the first job starts a thread");
    };
    assert_eq!(pool.start_failed(thread, ticket), Some(1));
    assert!(starts(&pool.offer(2), 0));
    assert!(runs(&pool.take(0), 2));
    let Offered::Accepted(Dispatch::Start { thread, ticket }) = pool.offer(3) else {
        panic!("the second job starts a thread");
    };
    assert_eq!(pool.start_failed(thread, ticket), None);
    assert_eq!(pool.queued(), 1);
}

#[test]
fn refused_thread_gives_back_its_own_job_and_no_other() {
    let mut pool = pool(1, 9);
    let Offered::Accepted(Dispatch::Start { thread, ticket }) = pool.offer(1) else {
        panic!("the first job starts a thread");
    };
    let _ = pool.offer(2);
    assert_eq!(pool.start_failed(thread, ticket), Some(1));
    // The job that was dropped to make room is not given back twice.
    let Offered::Accepted(Dispatch::Start { thread, ticket }) = pool.offer(3) else {
        panic!("the next job starts a thread");
    };
    assert_eq!(pool.drop_oldest(), Some(2));
    assert_eq!(pool.drop_oldest(), Some(3));
    let _ = pool.offer(4);
    assert_eq!(pool.start_failed(thread, ticket), None);
    assert_eq!(pool.queued(), 1);
}

#[test]
fn sleeping_thread_that_expires_leaves_unless_a_job_has_come() {
    let mut pool = pool(1, 9);
    let _ = pool.offer(1);
    let _ = pool.take(0);
    assert!(pool.ends_and_sleeps(0));
    let _ = pool.offer(2);
    assert!(!pool.expire(0));
    assert!(runs(&pool.take(0), 2));
    assert!(pool.ends_and_sleeps(0));
    assert!(pool.expire(0));
    assert_eq!(pool.machine.alive(), 0);
    assert!(starts(&pool.offer(3), 0));
}

/// A job in the run queue is bound to no thread.
#[test]
fn jobs_that_were_moved_at_once_are_taken_by_any_thread_and_come_back() {
    let mut pool = pool(2, 9);
    let _ = pool.offer(1);
    let _ = pool.offer(2);
    for job in 3..=6 {
        let _ = pool.offer(job);
    }
    assert!(runs(&pool.take(0), 1));
    // The first thread hangs.
    assert!(runs(&pool.take(1), 2));
    assert!(runs(&pool.end(1), 3));
    let _ = pool.offer(7);
    assert_eq!(pool.queued(), 4);
    let waiting: Vec<_> = pool.machine.waiting(&pool.run_queue).copied().collect();
    assert_eq!(waiting, [4, 5, 6, 7]);
    assert_eq!(pool.drop_oldest(), Some(4));
    assert_eq!(pool.stop(), [5, 6, 7]);
    assert_eq!((pool.queued(), pool.machine.counts.dropped), (0, 4));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Offer,
    /// A thread that is free takes its next job or ends the one it runs.
    Turn(usize),
    Expire(usize),
    Fail(bool),
    DropOldest,
    Close,
    Stop,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => Just(Step::Offer),
        12 => (0..4_usize).prop_map(Step::Turn),
        2 => (0..4_usize).prop_map(Step::Expire),
        2 => any::<bool>().prop_map(Step::Fail),
        1 => Just(Step::DropOldest),
        1 => Just(Step::Close),
        1 => Just(Step::Stop),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Is {
    Absent,
    Started,
    Runs,
    Looks,
    Sleeps,
}

proptest! {
    /// Every job that is offered runs, comes back or is refused, exactly once and in
    /// order; a pool that is closed terminates; limits hold.
    #[test]
    fn no_job_is_lost(steps in prop::collection::vec(step(), 0..80), threads in 1..4_usize, queue in 0..3_usize) {
        let mut pool = pool(threads, queue);
        let mut is = [Is::Absent; 4];
        let (mut offered, mut ran, mut back, mut refused) = (0, Vec::new(), Vec::new(), 0);
        let mut fail = false;
        for step in steps {
            match step {
                Step::Offer => {
                    offered += 1;
                    match pool.offer(offered) {
                        Offered::Accepted(Dispatch::Start { thread, ticket }) => {
                            prop_assert!(is[thread] == Is::Absent);
                            if fail {
                                refused += u32::from(pool.start_failed(thread, ticket).is_some());
                            } else {
                                is[thread] = Is::Started;
                            }
                        }
                        Offered::Accepted(Dispatch::Wake { thread }) => {
                            prop_assert!(is[thread] == Is::Sleeps);
                            is[thread] = Is::Started;
                        }
                        Offered::Accepted(Dispatch::Nothing) => {}
                        Offered::Full(_) => {
                            prop_assert!(pool.queued() >= queue);
                            refused += 1;
                        }
                        Offered::Refused(..) => {
                            prop_assert!(pool.machine.stage() > Stage::Open);
                            refused += 1;
                        }
                    }
                }
                Step::Turn(thread) if !matches!(is[thread], Is::Absent | Is::Sleeps) => {
                    turn(&mut pool, thread, &mut is, &mut ran, fail);
                }
                Step::Expire(thread) if is[thread] == Is::Sleeps => {
                    if pool.expire(thread) {
                        is[thread] = Is::Absent;
                    }
                }
                Step::Turn(_) | Step::Expire(_) => {}
                Step::Fail(fails) => fail = fails,
                Step::DropOldest => back.extend(pool.drop_oldest()),
                Step::Close => {
                    pool.machine.close();
                    wake_all(&mut pool, &mut is);
                }
                Step::Stop => {
                    back.extend(pool.stop());
                    wake_all(&mut pool, &mut is);
                }
            }
            prop_assert!(pool.machine.alive() <= threads);
            prop_assert!(pool.queued() <= queue + threads);
            let alive = is.iter().filter(|is| **is != Is::Absent).count();
            prop_assert_eq!(pool.machine.alive(), alive);
            // A job waits only where a thread will come for it: each that rests takes one,
            // and one that looks calls the next. Else every thread runs a job.
            let resting = is.iter().filter(|is| matches!(is, Is::Started | Is::Looks)).count();
            let looks = is.contains(&Is::Looks);
            let sleeps = is.contains(&Is::Sleeps);
            prop_assert!(pool.queued() <= resting || looks || !sleeps);
        }
        pool.machine.close();
        wake_all(&mut pool, &mut is);
        for _ in 0..200 {
            for thread in 0..4 {
                if !matches!(is[thread], Is::Absent | Is::Sleeps) {
                    turn(&mut pool, thread, &mut is, &mut ran, false);
                }
            }
        }
        prop_assert!(pool.is_terminated());
        prop_assert!(ran.is_sorted());
        prop_assert!(back.is_sorted());
        prop_assert_eq!(ran.len() + back.len() + refused as usize, offered as usize);
        let mut all: Vec<u32> = ran.into_iter().chain(back).collect();
        all.sort_unstable();
        all.dedup();
        prop_assert_eq!(all.len() + refused as usize, offered as usize);
    }
}

fn turn(pool: &mut Pool, thread: usize, is: &mut [Is; 4], ran: &mut Vec<u32>, fail: bool) {
    let next = match is[thread] {
        Is::Runs => pool.end(thread),
        Is::Looks => pool.take_or_sleep(thread),
        _ => pool.take(thread),
    };
    match next {
        Next::Run(job, dispatch) => {
            ran.push(job);
            is[thread] = Is::Runs;
            match dispatch {
                Dispatch::Nothing => {}
                Dispatch::Wake { thread } => is[thread] = Is::Started,
                Dispatch::Start { thread, ticket } if fail => {
                    assert_eq!(pool.start_failed(thread, ticket), None);
                }
                Dispatch::Start { thread, .. } => is[thread] = Is::Started,
            }
        }
        Next::Look => is[thread] = Is::Looks,
        Next::Sleep => is[thread] = Is::Sleeps,
        Next::Leave => {
            pool.machine.leave(thread);
            is[thread] = Is::Absent;
            wake_all(pool, is);
        }
    }
}

/// Wakes the threads, as the driver does after `close`, `stop` and `leave`.
fn wake_all(pool: &mut Pool, is: &mut [Is; 4]) {
    for thread in pool.machine.wake_all() {
        is[thread] = Is::Started;
    }
}

/// The queue is a queue.
#[test]
fn stop_gives_back_in_order_what_has_not_started() {
    let mut pool = pool(1, 9);
    for job in 1..=4 {
        let _ = pool.offer(job);
    }
    let _ = pool.take(0);
    assert_eq!(pool.stop(), [2, 3, 4]);
    assert_eq!(pool.machine.counts.dropped, 3);
}
