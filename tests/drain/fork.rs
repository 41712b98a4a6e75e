//! A child of `fork` that installs its own shutdown, and has a drain kit of its own.

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deadstop::Shutdown;
use deadstop::drain::{Pool, WhenFull};

use crate::{finish, shutdown, victim};

/// Registers one item of each kind that process-wide lists hold.
fn one_of_each(shutdown: &Shutdown, who: &'static str) {
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let child = shutdown.child("sleeper", sleep).expect("it starts");
    println!("{who}: child {}", child.try_wait().is_none());
    let wakes = shutdown.waker("waker", move || println!("{who}: woken"));
    wakes.expect("it is accepted");
    let client = shutdown.resource("client", Arc::new(7));
    let client = client.identity(std::ptr::without_provenance::<u8>(7));
    let closes = client.close(move |_| println!("{who}: closed"));
    closes.expect("it is accepted");
}

/// The child must have none of the parent's threads and list entries.
#[test]
#[expect(unsafe_code, reason = "forks")]
fn child_of_fork_that_installs_has_a_kit_of_its_own() {
    let name = "fork::child_of_fork_that_installs_has_a_kit_of_its_own";
    let ended = victim::run(name, || {
        let own = shutdown(30);
        one_of_each(&own, "parent");
        // SAFETY: the forked process uses what works after `fork`.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            // SAFETY: an integer. It only bounds a failing run.
            unsafe { libc::alarm(20) };
            let own = shutdown(30);
            one_of_each(&own, "child");
            finish(&own);
        }
        let mut status = 0;
        // SAFETY: the pointer is valid for writes.
        unsafe { libc::waitpid(forked, &raw mut status, 0) };
        println!("the child ended with {status}");
        finish(&own);
    });
    ended.assert_status(0);
    ended.assert_says("the child ended with 0");
    let lines: Vec<_> = ended.stdout.lines().collect();
    for who in ["child", "parent"] {
        for what in ["child true", "woken", "closed"] {
            let line = format!("{who}: {what}");
            let times = lines.iter().filter(|it| it.ends_with(&line)).count();
            assert_eq!(times, 1, "{line}: {ended:#?}");
        }
    }
}

/// The threads that wait for a pool, of each kind.
const WAITING: usize = 24;

/// A pool of one thread, and a queue of one job.
fn narrow_pool(shutdown: &Shutdown) -> Pool {
    let pool = shutdown.pool("narrow").threads(1);
    let pool = pool.queue(1).when_full(WhenFull::Block(Duration::MAX));
    pool.start().expect("it is accepted")
}

/// A pool of one thread that all threads of the process can wait for.
fn wide_pool(shutdown: &Shutdown) -> Pool {
    let pool = shutdown.pool("wide").threads(1);
    pool.start().expect("it is accepted")
}

/// Starts threads that wait for the end of a job, and threads that wait for space in a queue.
fn wait_for_pools(shutdown: &Shutdown, time: Duration) -> Vec<thread::JoinHandle<()>> {
    let (narrow, wide) = (narrow_pool(shutdown), wide_pool(shutdown));
    let mut threads = Vec::new();
    for _ in 0..WAITING {
        let narrow = narrow.clone();
        threads.push(thread::spawn(move || {
            let _ = narrow.execute(move || thread::sleep(time));
        }));
        let wide = wide.clone();
        threads.push(thread::spawn(move || {
            let job = wide.submit(move || thread::sleep(time));
            let _ = job.expect("the queue has room").join();
        }));
    }
    threads
}

/// A server forks workers in this way. The C library gives the stacks of the parent's waiting
/// threads to the child's threads.
#[test]
#[expect(unsafe_code, reason = "forks")]
fn pools_of_a_child_work_while_threads_of_its_parent_wait_for_the_parents_pools() {
    let name = "fork::pools_of_a_child_work_while_threads_of_its_parent_wait_for_the_parents_pools";
    let ended = victim::run(name, || {
        let own = shutdown(60);
        wait_for_pools(&own, Duration::from_secs(300));
        // The threads wait by now.
        thread::sleep(Duration::from_millis(200));
        for _ in 0..3 {
            // SAFETY: the forked process uses what works after `fork`.
            let forked = unsafe { libc::fork() };
            if forked == 0 {
                // SAFETY: an integer. It only bounds a failing run.
                unsafe { libc::alarm(15) };
                let own = shutdown(30);
                for _ in 0..3 {
                    for thread in wait_for_pools(&own, Duration::from_millis(2)) {
                        thread.join().expect("it waits and returns");
                    }
                }
                finish(&own);
            }
            let mut status = 0;
            // SAFETY: the pointer is valid for writes.
            unsafe { libc::waitpid(forked, &raw mut status, 0) };
            println!("the child ended with {status}");
        }
        // The parent's pools have jobs that do not end.
        // SAFETY: an integer.
        unsafe { libc::_exit(0) };
    });
    ended.assert_status(0);
    let children = ended.stdout.matches("the child ended with 0").count();
    assert_eq!(children, 3, "{ended:#?}");
}
