use std::collections::VecDeque;

use deadstop_core::Nanos;
use proptest::prelude::*;

use super::machine::{Accepted, Limits, Machine, Next, Offered, Queued, Running, Stage};

fn machine(threads: usize, queue: usize) -> Machine<u32> {
    Machine::open(Limits {
        threads,
        queue,
        accept_from_jobs: false,
    })
}

fn offer(machine: &mut Machine<u32>, job: u32) -> Offered<u32> {
    machine.offer(job, Nanos(u64::from(job)), false)
}

/// Takes the next job and notes that the thread runs it.
fn take(machine: &mut Machine<u32>, thread: usize) -> Next<u32> {
    let next = machine.take(thread);
    if let Next::Run(queued) = &next {
        note_run(machine, thread, queued.since);
    }
    next
}

fn note_run(machine: &mut Machine<u32>, thread: usize, since: Nanos) {
    let running = Running {
        since,
        name: None,
        tid: 0,
    };
    machine.run(thread, running);
}

/// A thread that has nothing to do falls asleep.
fn sleeps(machine: &mut Machine<u32>, thread: usize) -> bool {
    matches!(machine.take(thread), Next::Look)
        && matches!(machine.take_or_sleep(thread), Next::Sleep)
}

fn starts(offered: &Offered<u32>, wanted: usize) -> bool {
    matches!(offered, Offered::Accepted(Accepted::Start { thread, .. }) if *thread == wanted)
}

#[test]
fn threads_are_started_on_demand_and_then_the_queue_fills() {
    let mut pool = machine(2, 1);
    assert!(starts(&offer(&mut pool, 1), 0));
    assert!(starts(&offer(&mut pool, 2), 1));
    assert!(matches!(
        take(&mut pool, 0),
        Next::Run(Queued { job: 1, .. })
    ));
    assert!(matches!(
        take(&mut pool, 1),
        Next::Run(Queued { job: 2, .. })
    ));
    let third = offer(&mut pool, 3);
    assert!(matches!(third, Offered::Accepted(Accepted::Queued)));
    assert!(matches!(offer(&mut pool, 4), Offered::Full(4)));
    assert_eq!((pool.running(), pool.queued().len()), (2, 1));
}

#[test]
fn idle_thread_is_woken_before_another_is_started() {
    let mut pool = machine(2, 0);
    assert!(starts(&offer(&mut pool, 1), 0));
    assert!(matches!(take(&mut pool, 0), Next::Run(_)));
    assert!(sleeps(&mut pool, 0));
    let woken = offer(&mut pool, 2);
    assert!(matches!(
        woken,
        Offered::Accepted(Accepted::Wake { thread: 0 })
    ));
    assert!(starts(&offer(&mut pool, 3), 1));
    assert!(matches!(offer(&mut pool, 4), Offered::Full(4)));
}

#[test]
fn thread_that_looks_for_a_job_is_not_woken_for_one() {
    let mut pool = machine(2, 0);
    assert!(starts(&offer(&mut pool, 1), 0));
    assert!(matches!(take(&mut pool, 0), Next::Run(_)));
    assert!(matches!(take(&mut pool, 0), Next::Look));
    let second = offer(&mut pool, 2);
    assert!(matches!(second, Offered::Accepted(Accepted::Queued)));
    assert!(matches!(
        pool.take_or_sleep(0),
        Next::Run(Queued { job: 2, .. })
    ));
}

#[test]
fn thread_that_fell_asleep_last_is_woken_first() {
    let mut pool = machine(2, 0);
    let _ = offer(&mut pool, 1);
    let _ = offer(&mut pool, 2);
    let _ = take(&mut pool, 0);
    let _ = take(&mut pool, 1);
    assert!(sleeps(&mut pool, 0));
    assert!(sleeps(&mut pool, 1));
    for last in [1, 0] {
        let woken = offer(&mut pool, 3);
        assert!(matches!(woken, Offered::Accepted(Accepted::Wake { thread }) if thread == last));
    }
}

#[test]
fn closing_wakes_every_thread_that_is_asleep() {
    let mut pool = machine(2, 0);
    let _ = offer(&mut pool, 1);
    let _ = take(&mut pool, 0);
    assert!(sleeps(&mut pool, 0));
    pool.close();
    assert_eq!(pool.wake_all(), [0]);
    assert!(matches!(pool.take(0), Next::Leave));
}

#[test]
fn draining_runs_what_is_queued_and_refuses_more() {
    let mut pool = machine(1, 9);
    assert!(starts(&offer(&mut pool, 1), 0));
    let _ = offer(&mut pool, 2);
    assert!(pool.close());
    assert!(!pool.close());
    assert!(matches!(offer(&mut pool, 3), Offered::Refused(3)));
    assert!(matches!(
        take(&mut pool, 0),
        Next::Run(Queued { job: 1, .. })
    ));
    assert!(matches!(
        take(&mut pool, 0),
        Next::Run(Queued { job: 2, .. })
    ));
    assert!(!pool.is_terminated());
    assert!(matches!(take(&mut pool, 0), Next::Leave));
    pool.leave(0);
    assert!(pool.is_terminated());
}

#[test]
fn job_of_a_draining_pool_may_submit_if_the_pool_says_so() {
    let mut pool = Machine::open(Limits {
        threads: 2,
        queue: 9,
        accept_from_jobs: true,
    });
    let _ = pool.offer(1, Nanos(0), false);
    let _ = pool.offer(2, Nanos(0), false);
    assert!(matches!(take(&mut pool, 0), Next::Run(_)));
    assert!(matches!(take(&mut pool, 1), Next::Run(_)));
    pool.close();
    // The other thread's job may still submit: this one waits.
    assert!(sleeps(&mut pool, 1));
    assert!(matches!(
        pool.offer(3, Nanos(0), false),
        Offered::Refused(3)
    ));
    let chained = pool.offer(4, Nanos(0), true);
    assert!(matches!(
        chained,
        Offered::Accepted(Accepted::Wake { thread: 1 })
    ));
    assert!(matches!(
        take(&mut pool, 1),
        Next::Run(Queued { job: 4, .. })
    ));
    assert!(sleeps(&mut pool, 0));
    assert!(matches!(take(&mut pool, 1), Next::Leave));
    pool.leave(1);
    assert!(matches!(take(&mut pool, 0), Next::Leave));
}

#[test]
fn refused_thread_gives_the_job_back_only_if_no_thread_is_left() {
    let mut pool = machine(2, 9);
    let Offered::Accepted(Accepted::Start { thread, ticket }) = offer(&mut pool, 1) else {
        panic!("the first job starts a thread");
    };
    assert_eq!(pool.start_failed(thread, ticket), Some(1));
    assert!(starts(&offer(&mut pool, 2), 0));
    assert!(matches!(take(&mut pool, 0), Next::Run(_)));
    let Offered::Accepted(Accepted::Start { thread, ticket }) = offer(&mut pool, 3) else {
        panic!("the second job starts a thread");
    };
    assert_eq!(pool.start_failed(thread, ticket), None);
    assert_eq!(pool.queued().len(), 1);
}

#[test]
fn idle_thread_that_expires_leaves_unless_a_job_has_come() {
    let mut pool = machine(1, 9);
    let _ = offer(&mut pool, 1);
    let _ = take(&mut pool, 0);
    assert!(sleeps(&mut pool, 0));
    let _ = offer(&mut pool, 2);
    assert!(!pool.expire(0));
    assert!(matches!(
        take(&mut pool, 0),
        Next::Run(Queued { job: 2, .. })
    ));
    assert!(sleeps(&mut pool, 0));
    assert!(pool.expire(0));
    assert_eq!(pool.alive(), 0);
    assert!(starts(&offer(&mut pool, 3), 0));
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
        let mut pool = machine(threads, queue);
        let mut is = [Is::Absent; 4];
        let (mut offered, mut ran, mut back, mut refused) = (0, Vec::new(), Vec::new(), 0);
        let mut fail = false;
        for step in steps {
            match step {
                Step::Offer => {
                    offered += 1;
                    match offer(&mut pool, offered) {
                        Offered::Accepted(Accepted::Start { thread, ticket }) => {
                            prop_assert!(is[thread] == Is::Absent);
                            if fail {
                                refused += u32::from(pool.start_failed(thread, ticket).is_some());
                            } else {
                                is[thread] = Is::Started;
                            }
                        }
                        Offered::Accepted(Accepted::Wake { thread }) => {
                            prop_assert!(is[thread] == Is::Sleeps);
                            is[thread] = Is::Started;
                        }
                        Offered::Accepted(Accepted::Queued) => {}
                        Offered::Full(_) => {
                            prop_assert!(pool.queued().len() >= queue);
                            refused += 1;
                        }
                        Offered::Refused(_) => {
                            prop_assert!(pool.stage() > Stage::Open);
                            refused += 1;
                        }
                    }
                }
                Step::Turn(thread) if !matches!(is[thread], Is::Absent | Is::Sleeps) => {
                    turn(&mut pool, thread, &mut is, &mut ran);
                }
                Step::Expire(thread) if is[thread] == Is::Sleeps => {
                    if pool.expire(thread) {
                        is[thread] = Is::Absent;
                    }
                }
                Step::Turn(_) | Step::Expire(_) => {}
                Step::Fail(fails) => fail = fails,
                Step::DropOldest => back.extend(pool.drop_oldest().map(|queued| queued.job)),
                Step::Close => {
                    pool.close();
                    wake_all(&mut pool, &mut is);
                }
                Step::Stop => {
                    back.extend(pool.stop().into_iter().map(|queued| queued.job));
                    wake_all(&mut pool, &mut is);
                }
            }
            prop_assert!(pool.alive() <= threads);
            prop_assert!(pool.queued().len() <= queue + threads);
            let alive = is.iter().filter(|is| **is != Is::Absent).count();
            prop_assert_eq!(pool.alive(), alive);
            // A job waits only where a thread will come for it.
            let awake = is.iter().any(|is| !matches!(is, Is::Absent | Is::Sleeps));
            prop_assert!(pool.queued().is_empty() || awake);
        }
        pool.close();
        wake_all(&mut pool, &mut is);
        for _ in 0..200 {
            for thread in 0..4 {
                if !matches!(is[thread], Is::Absent | Is::Sleeps) {
                    turn(&mut pool, thread, &mut is, &mut ran);
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

fn turn(pool: &mut Machine<u32>, thread: usize, is: &mut [Is; 4], ran: &mut Vec<u32>) {
    if is[thread] == Is::Runs {
        pool.ended(false);
    }
    let next = match is[thread] {
        Is::Looks => pool.take_or_sleep(thread),
        _ => pool.take(thread),
    };
    match next {
        Next::Run(queued) => {
            note_run(pool, thread, queued.since);
            ran.push(queued.job);
            is[thread] = Is::Runs;
        }
        Next::Look => is[thread] = Is::Looks,
        Next::Sleep => is[thread] = Is::Sleeps,
        Next::Leave => {
            pool.leave(thread);
            is[thread] = Is::Absent;
            wake_all(pool, is);
        }
    }
}

/// What the driver does after `close`, `stop` and `leave`.
fn wake_all(pool: &mut Machine<u32>, is: &mut [Is; 4]) {
    for thread in pool.wake_all() {
        is[thread] = Is::Started;
    }
}

/// The queue is a queue.
#[test]
fn stop_gives_back_in_order_what_has_not_started() {
    let mut pool = machine(1, 9);
    for job in 1..=4 {
        let _ = offer(&mut pool, job);
    }
    let _ = take(&mut pool, 0);
    let jobs: VecDeque<u32> = pool.stop().into_iter().map(|queued| queued.job).collect();
    assert_eq!(jobs, [2, 3, 4]);
    assert_eq!(pool.counts.dropped, 3);
}
