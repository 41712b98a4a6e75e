//! Pools with their threads, outside of a shutdown: jobs that race, refused threads, waiting for
//! room, and the end.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::machine::Limits;
use super::shared::Shared;
use super::{JobError, JobHandle, Pool, WhenFull, Why};
use crate::lock::Mutex;

/// Only bounds a failing run.
const PATIENCE: Duration = Duration::from_secs(30);

/// Joins a job, with a bound: one that is lost must fail its test and not hold it up.
fn join<T>(job: JobHandle<T>) -> Result<T, JobError> {
    job.join_timeout(PATIENCE).expect("the job is over")
}

fn pool(threads: usize, queue: usize, when_full: WhenFull) -> Pool {
    with(threads, queue, when_full, false, None)
}

fn with(
    threads: usize,
    queue: usize,
    when_full: WhenFull,
    accept_from_jobs: bool,
    stack_size: Option<usize>,
) -> Pool {
    let limits = Limits {
        threads,
        queue,
        accept_from_jobs,
    };
    Pool::new(Shared::new("test", limits, PATIENCE, stack_size), when_full)
}

/// Occupies one thread of `pool` until the sender is dropped.
fn occupy(pool: &Pool) -> Sender<()> {
    let (release, held) = channel::<()>();
    let (runs, running) = channel();
    let job = move || {
        runs.send(()).expect("the test waits");
        let _ = held.recv();
    };
    pool.execute(job).expect("a thread is free");
    running.recv().expect("it runs");
    release
}

fn count() -> (Arc<AtomicUsize>, impl Fn() + Clone + Send) {
    let count = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&count);
    (count, move || {
        counts.fetch_add(1, Ordering::SeqCst);
    })
}

#[test]
fn full_pool_and_closed_pool_reject_with_different_reasons() {
    let pool = pool(1, 1, WhenFull::Reject);
    let release = occupy(&pool);
    let (ran, job) = count();
    pool.execute(job.clone()).expect("there is room for one");
    let rejected = pool.execute(job.clone()).expect_err("it is full");
    assert_eq!(rejected.why, Why::Full);
    // The job is still there.
    rejected.job.run();
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    pool.close();
    assert_eq!(
        pool.execute(job.clone()).expect_err("closed").why,
        Why::Closed
    );
    drop(release);
    assert!(pool.await_termination(PATIENCE));
    assert_eq!(ran.load(Ordering::SeqCst), 2);
    pool.stop();
    assert_eq!(pool.execute(job).expect_err("stopped").why, Why::Stopped);
    let stats = pool.stats();
    assert_eq!((stats.completed, stats.rejected, stats.dropped), (2, 3, 0));
}

#[test]
fn stop_returns_exactly_the_jobs_that_never_started_in_order() {
    let pool = pool(1, 10, WhenFull::Reject);
    let release = occupy(&pool);
    let (ran, job) = count();
    let token = Arc::new(());
    for at in 0..5 {
        let (job, token) = (job.clone(), Arc::clone(&token));
        let named = move || {
            job();
            drop(token);
        };
        pool.execute_named(format!("job {at}"), named)
            .expect("room");
    }
    let unstarted = pool.stop();
    assert!(pool.is_stopping());
    let names: Vec<_> = unstarted.iter().map(|job| job.name.as_deref()).collect();
    assert_eq!(names[0], Some("job 0"));
    assert_eq!(names[4], Some("job 4"));
    assert_eq!(Arc::strong_count(&token), 6);
    let mut unstarted = unstarted.into_iter();
    unstarted.next().expect("there are five").job.run();
    drop(unstarted);
    assert_eq!(Arc::strong_count(&token), 1);
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    assert!(!pool.is_terminated());
    drop(release);
    assert!(pool.await_termination(PATIENCE));
}

#[test]
fn close_and_stop_may_be_repeated_and_mixed() {
    let pool = pool(2, 10, WhenFull::Reject);
    assert!(pool.close());
    assert!(!pool.close());
    assert!(pool.stop().is_empty());
    assert!(!pool.close());
    assert!(pool.stop().is_empty());
    assert!(pool.is_stopping());
    assert!(pool.await_termination(Duration::ZERO));
}

#[test]
fn caller_runs_a_job_of_a_full_pool_and_keeps_that_of_a_closed_one() {
    let pool = pool(1, 0, WhenFull::CallerRuns);
    let release = occupy(&pool);
    let (sender, ran_on) = channel();
    let job = move || sender.send(thread::current().id()).expect("the test waits");
    pool.execute(job.clone()).expect("the caller runs it");
    assert_eq!(ran_on.try_recv(), Ok(thread::current().id()));
    pool.execute(|| panic!("in the caller"))
        .expect("the panic is counted");
    assert_eq!((pool.stats().caller_ran, pool.stats().panicked), (2, 1));
    pool.close();
    let rejected = pool.execute(job).expect_err("it is closed");
    assert_eq!(rejected.why, Why::Closed);
    assert!(ran_on.try_recv().is_err());
    rejected.job.run();
    assert_eq!(ran_on.try_recv(), Ok(thread::current().id()));
    drop(release);
}

#[test]
fn drop_oldest_returns_the_head_of_the_queue() {
    let pool = pool(1, 2, WhenFull::DropOldest);
    let release = occupy(&pool);
    let first = pool.submit_named("first", || 1).expect("room");
    let second = pool.submit_named("second", || 2).expect("room");
    let dropped = pool.execute_named("third", || ()).expect("it is accepted");
    let dropped = dropped.expect("one was dropped");
    assert_eq!(dropped.name.as_deref(), Some("first"));
    // Its handle waits for what becomes of it.
    assert!(!first.is_finished());
    drop(dropped);
    assert!(matches!(join(first), Err(JobError::Cancelled)));
    drop(release);
    assert_eq!(join(second).expect("it runs"), 2);
    assert_eq!(pool.stats().dropped, 1);
}

#[test]
fn blocked_caller_gets_room_or_gives_up_or_sees_the_pool_close() {
    let pool = pool(1, 1, WhenFull::Block(PATIENCE));
    let release = occupy(&pool);
    pool.execute(|| ()).expect("there is room");
    let blocked = pool.clone();
    let caller = thread::spawn(move || blocked.execute(|| ()).is_ok());
    thread::sleep(Duration::from_millis(20));
    assert!(!caller.is_finished());
    drop(release);
    assert!(caller.join().expect("it returns"));

    let short = self::pool(1, 0, WhenFull::Block(Duration::from_millis(10)));
    let release = occupy(&short);
    assert_eq!(short.execute(|| ()).expect_err("no room").why, Why::Full);
    drop(release);

    let closes = self::pool(1, 0, WhenFull::Block(PATIENCE));
    let release = occupy(&closes);
    let blocked = closes.clone();
    let caller = thread::spawn(move || blocked.execute(|| ()).map_err(|error| error.why));
    thread::sleep(Duration::from_millis(20));
    closes.close();
    let refused = caller.join().expect("it returns");
    assert_eq!(refused.expect_err("it is closed"), Why::Closed);
    drop(release);
}

#[test]
fn await_termination_is_false_until_the_last_job_has_ended() {
    let pool = pool(1, 1, WhenFull::Reject);
    let release = occupy(&pool);
    pool.close();
    assert!(!pool.await_termination(Duration::from_millis(10)));
    drop(release);
    assert!(pool.await_termination(PATIENCE));
    assert!(pool.await_termination(Duration::ZERO));
}

#[test]
fn thousand_racing_submitters_and_one_stop_lose_no_job() {
    let pool = pool(4, 64, WhenFull::Reject);
    let (ran, job) = count();
    let submitters: Vec<_> = (0..8)
        .map(|_| {
            let (pool, job) = (pool.clone(), job.clone());
            thread::spawn(move || {
                let accepted = (0..1_000).filter(|_| pool.execute(job.clone()).is_ok());
                accepted.count()
            })
        })
        .collect();
    thread::sleep(Duration::from_millis(2));
    let unstarted = pool.stop().len();
    let accepted: usize = submitters
        .into_iter()
        .map(|submitter| submitter.join().expect("it ends"))
        .sum();
    assert!(pool.await_termination(PATIENCE));
    assert_eq!(ran.load(Ordering::SeqCst) + unstarted, accepted);
    assert_eq!(pool.stats().completed as usize, accepted - unstarted);
    assert_eq!(pool.stats().rejected as usize, 8_000 - accepted);
}

/// Jobs that were moved to the run queue at once are bound to no thread, and a thread that
/// looked for a job calls another for those that it leaves.
#[test]
fn job_that_hangs_holds_no_other_back() {
    let pool = pool(3, 9, WhenFull::Reject);
    for round in 0..300 {
        let (release, held) = channel::<()>();
        let (sender, ran) = channel();
        let mut held = Some(held);
        // The first or the second of three hangs until the others have run.
        for at in 0..3 {
            let hangs = (at == round % 2).then(|| held.take()).flatten();
            let sender = sender.clone();
            let job = move || match hangs {
                Some(held) => drop(held.recv()),
                None => sender.send(()).expect("the test waits"),
            };
            pool.execute(job).expect("room");
        }
        for _ in 0..2 {
            ran.recv_timeout(PATIENCE).expect("it is not held back");
        }
        drop(release);
        // Threads rest to different degrees.
        if round % 3 == 0 {
            thread::sleep(Duration::from_micros(50 * round % 400));
        }
    }
}

#[test]
fn job_may_drop_the_last_handle() {
    let pool = pool(1, 1, WhenFull::Reject);
    let shared = Arc::clone(pool.shared());
    let (go, waits) = channel::<()>();
    let inner = pool.clone();
    let job = move || {
        let _ = waits.recv();
        drop(inner);
    };
    pool.execute(job).expect("room");
    drop(pool);
    drop(go);
    assert!(
        shared
            .terminated()
            .wait(Some(deadstop_core::now().saturating_add(PATIENCE)))
    );
}

#[test]
fn job_submits_to_a_closed_pool_only_if_the_pool_allows_it() {
    for allowed in [false, true] {
        let pool = with(1, 9, WhenFull::Reject, allowed, None);
        let (go, waits) = channel::<()>();
        let (sender, accepted): (_, Receiver<bool>) = channel();
        let inner = pool.clone();
        let job = move || {
            let _ = waits.recv();
            let submitted = inner.execute(|| ()).is_ok();
            sender.send(submitted).expect("the test waits");
        };
        pool.execute(job).expect("room");
        pool.close();
        assert!(pool.execute(|| ()).is_err());
        drop(go);
        assert_eq!(accepted.recv(), Ok(allowed));
        assert!(pool.await_termination(PATIENCE));
        assert_eq!(pool.stats().completed, 1 + u64::from(allowed));
    }
}

#[test]
fn pool_goes_on_after_panics_in_all_threads() {
    let pool = pool(2, 100, WhenFull::Reject);
    for _ in 0..20 {
        pool.execute(|| panic!("a job panics")).expect("room");
    }
    let handle = pool
        .submit(|| -> u32 { panic!("with a handle") })
        .expect("room");
    let Err(JobError::Panicked(payload)) = join(handle) else {
        panic!("the handle has the payload");
    };
    assert_eq!(payload.downcast_ref(), Some(&"with a handle"));
    assert_eq!(pool.submit(|| 3).expect("room").join().expect("it runs"), 3);
    pool.close();
    assert!(pool.await_termination(PATIENCE));
    assert_eq!(pool.stats().panicked, 21);
    assert_eq!(pool.stats().largest, 2);
}

#[test]
fn job_that_panics_makes_room_for_another() {
    let pool = pool(1, 1, WhenFull::Reject);
    for _ in 0..5 {
        // The job before may still take its room.
        let job = pool.submit(|| panic!("a job panics")).expect("room");
        assert!(matches!(join(job), Err(JobError::Panicked(_))));
    }
}

/// The hang report would name a job that has ended.
#[test]
fn description_of_an_idle_pool_has_no_job_that_panicked() {
    let pool = pool(1, 9, WhenFull::Reject);
    let job = pool.submit_named("mail 17", || panic!("a job panics"));
    assert!(matches!(
        join(job.expect("room")),
        Err(JobError::Panicked(_))
    ));
    // The thread notes the end a moment after the handle has the result.
    let begun = Instant::now();
    while !pool.shared().describe().starts_with("0 running") {
        assert!(begun.elapsed() < PATIENCE, "{}", pool.shared().describe());
        thread::yield_now();
    }
    assert_eq!(pool.shared().describe(), "0 running, 0 queued");
}

/// A thread that rests may be asleep when the last job, which could have submitted another,
/// ends.
#[test]
fn thread_that_sleeps_leaves_when_the_last_job_of_a_closed_pool_ends() {
    let limits = Limits {
        threads: 2,
        queue: 9,
        accept_from_jobs: true,
    };
    let shared = Shared::new("test", limits, 100 * PATIENCE, None);
    let pool = Pool::new(shared, WhenFull::Reject);
    let (first, last) = (occupy(&pool), occupy(&pool));
    drop(first);
    pool.close();
    while pool.stats().running > 1 {
        thread::yield_now();
    }
    // It falls asleep; the test holds as well if it does not.
    thread::sleep(Duration::from_millis(20));
    drop(last);
    assert!(pool.await_termination(PATIENCE));
}

#[test]
fn job_comes_back_when_the_system_gives_no_thread() {
    // No address space has room for such a stack.
    let pool = with(1, 1, WhenFull::Reject, false, Some(1 << 46));
    let (ran, job) = count();
    let rejected = pool.execute(job).expect_err("no thread");
    assert_eq!(rejected.why, Why::NoThread);
    rejected.job.run();
    assert_eq!(ran.load(Ordering::SeqCst), 1);
    pool.close();
    assert!(pool.await_termination(Duration::ZERO));
}

/// A pool of one thread, and what the test tells it: whether the system gives each thread
/// that the pool requests. The pool says when it requests one.
fn pool_that_asks(when_full: WhenFull, queue: usize) -> (Pool, Receiver<()>, Sender<bool>) {
    let pool = pool(1, queue, when_full);
    let (asks, asked) = channel();
    let (answer, answers) = channel();
    let channels = Mutex::new((asks, answers));
    let before = move || {
        let channels = channels.lock();
        let _ = channels.0.send(());
        match channels.1.recv() {
            Ok(true) => Ok(()),
            _ => Err(std::io::Error::from_raw_os_error(libc::EAGAIN)),
        }
    };
    let set = pool.shared().before_spawn.set(Box::new(before));
    assert!(set.is_ok(), "it is set once");
    (pool, asked, answer)
}

/// Submits a job on a thread of its own, which returns why it was refused.
fn submit(
    pool: &Pool,
    job: &(impl Fn() + Clone + Send + 'static),
) -> thread::JoinHandle<Result<(), Why>> {
    let (pool, job) = (pool.clone(), job.clone());
    thread::spawn(move || pool.execute(job).map(drop).map_err(|error| error.why))
}

/// The second submitter's job would wait in a pool without threads.
#[test]
fn job_submitted_while_the_only_thread_is_refused_runs_or_comes_back() {
    for gives in [true, false] {
        for when_full in [
            WhenFull::Reject,
            WhenFull::CallerRuns,
            WhenFull::Block(PATIENCE),
            WhenFull::DropOldest,
        ] {
            let (pool, asked, answer) = pool_that_asks(when_full, 3);
            let (ran, job) = count();
            let first = submit(&pool, &job);
            asked.recv().expect("the pool requests a thread");
            let second = submit(&pool, &job);
            // The second one may be in the pool or on its way there.
            thread::sleep(Duration::from_millis(20));
            answer.send(false).expect("the pool waits");
            let first = first.join().expect("it returns");
            assert_eq!(first, Err(Why::NoThread), "{when_full:?}");
            // The second one requests a thread itself.
            answer.send(gives).expect("the pool waits");
            let second = second.join().expect("it returns");
            let expected = if gives { Ok(()) } else { Err(Why::NoThread) };
            assert_eq!(second, expected, "{when_full:?}");
            pool.close();
            assert!(pool.await_termination(PATIENCE), "{when_full:?}");
            assert_eq!(ran.load(Ordering::SeqCst), usize::from(gives));
            assert_eq!(pool.stats().queued, 0);
        }
    }
}

#[test]
fn closing_while_the_only_thread_is_refused_terminates_the_pool() {
    let (pool, asked, answer) = pool_that_asks(WhenFull::Reject, 3);
    let (ran, job) = count();
    let first = submit(&pool, &job);
    asked.recv().expect("the pool requests a thread");
    let second = submit(&pool, &job);
    thread::sleep(Duration::from_millis(20));
    pool.close();
    // If the second one has not come before the close, it is refused as well.
    answer.send(false).expect("the pool waits");
    assert_eq!(first.join().expect("it returns"), Err(Why::NoThread));
    assert_eq!(second.join().expect("it returns"), Err(Why::Closed));
    assert!(pool.await_termination(PATIENCE));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

/// A thread that the pool has runs all jobs where the system gives no other.
#[test]
fn refused_second_thread_loses_no_job() {
    let pool = pool(2, 9, WhenFull::Reject);
    let asked = AtomicUsize::new(0);
    let before = move || match asked.fetch_add(1, Ordering::SeqCst) {
        0 => Ok(()),
        _ => Err(std::io::Error::from_raw_os_error(libc::EAGAIN)),
    };
    let set = pool.shared().before_spawn.set(Box::new(before));
    assert!(set.is_ok(), "it is set once");
    let release = occupy(&pool);
    let (ran, job) = count();
    for _ in 0..3 {
        pool.execute(job.clone()).expect("the first thread runs it");
    }
    drop(release);
    pool.close();
    assert!(pool.await_termination(PATIENCE));
    assert_eq!(ran.load(Ordering::SeqCst), 3);
}

#[test]
fn unused_pool_terminates_when_it_is_closed_and_when_it_is_dropped() {
    let pool = pool(4, 4, WhenFull::Reject);
    let shared = Arc::clone(pool.shared());
    assert_eq!(pool.stats().threads, 0);
    drop(pool);
    assert!(shared.terminated().is_set());
}

#[test]
fn idle_thread_ends_after_keep_alive_and_is_started_again() {
    let limits = Limits {
        threads: 1,
        queue: 1,
        accept_from_jobs: false,
    };
    let shared = Shared::new("test", limits, Duration::from_millis(5), None);
    let pool = Pool::new(shared, WhenFull::Reject);
    for _ in 0..3 {
        let job = pool.submit(|| thread::current().name().map(str::to_owned));
        let name = join(job.expect("room")).expect("it runs");
        assert_eq!(name.as_deref(), Some("test-1"));
        let until = Instant::now() + PATIENCE;
        while pool.stats().threads > 0 && Instant::now() < until {
            thread::sleep(Duration::from_millis(1));
        }
        assert_eq!(pool.stats().threads, 0);
    }
}

#[test]
fn cancelled_job_does_not_run_and_a_running_one_cannot_be_cancelled() {
    let pool = pool(1, 2, WhenFull::Reject);
    let release = occupy(&pool);
    let (ran, job) = count();
    let token = Arc::new(());
    let held = Arc::clone(&token);
    let cancelled = pool.submit(move || {
        job();
        drop(held);
    });
    let cancelled = cancelled.expect("room");
    assert!(cancelled.cancel());
    assert!(!cancelled.cancel());
    // Its closure is gone already.
    assert_eq!(Arc::strong_count(&token), 1);
    assert!(cancelled.is_finished());
    drop(release);
    assert!(matches!(join(cancelled), Err(JobError::Cancelled)));
    pool.close();
    assert!(pool.await_termination(PATIENCE));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

#[test]
fn handle_is_a_future_and_can_be_tried() {
    let pool = pool(1, 2, WhenFull::Reject);
    let release = occupy(&pool);
    let handle = pool.submit(|| 7).expect("room");
    let handle = handle.try_join().expect_err("it has not run");
    let handle = handle
        .join_timeout(Duration::from_millis(5))
        .expect_err("it has not run");
    let waits = thread::spawn(move || futures::executor::block_on(handle));
    drop(release);
    assert_eq!(waits.join().expect("it returns").expect("it runs"), 7);
}

#[test]
fn description_names_the_longest_job_and_what_is_queued() {
    let pool = pool(1, 9, WhenFull::Reject);
    let (release, held) = channel::<()>();
    pool.execute_named("mail 17", move || {
        let _ = held.recv();
    })
    .expect("room");
    while pool.stats().running == 0 || pool.stats().queued > 0 {
        thread::yield_now();
    }
    pool.execute_named("mail 18", || ()).expect("room");
    let description = pool.shared().describe();
    assert_eq!(
        description,
        "1 running, 1 queued; longest: \"mail 17\" for 0.0 s on thread test-1; next: \"mail 18\""
    );
    drop(release);
}
