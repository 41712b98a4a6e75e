//! Several detached shutdowns in one process, as in unit tests.

use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadstop::{Cause, Shutdown};

use crate::{hang, victim};

const MS: Duration = Duration::from_millis(1);

struct Counts {
    woken: AtomicUsize,
    closed: AtomicUsize,
}

/// Returns a detached shutdown with a registered client and waker.
fn with_client(grace: Duration) -> (Shutdown, Arc<Counts>) {
    let builder = Shutdown::builder().grace(grace);
    let shutdown = builder.detached().expect("threads are given");
    let counts = Arc::new(Counts {
        woken: AtomicUsize::new(0),
        closed: AtomicUsize::new(0),
    });
    let client = shutdown.resource("client", Arc::clone(&counts));
    client
        .identity(std::ptr::without_provenance::<u8>(7))
        .waker(|counts| _ = counts.woken.fetch_add(1, Ordering::SeqCst))
        .close(|counts| _ = counts.closed.fetch_add(1, Ordering::SeqCst))
        .expect("it is accepted");
    (shutdown, counts)
}

fn end(shutdown: &Shutdown) {
    shutdown.request(Cause::requested("a test"));
    assert!(shutdown.is_requested());
    let _ = shutdown.wait();
}

fn of(counts: &Counts) -> (usize, usize) {
    let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    (of(&counts.woken), of(&counts.closed))
}

#[test]
fn each_detached_shutdown_wakes_and_closes_its_own_clients() {
    let grace = Duration::from_secs(30);
    let (first, of_first) = with_client(grace);
    let (second, of_second) = with_client(grace);
    end(&second);
    assert_eq!((of(&of_first), of(&of_second)), ((0, 0), (1, 1)));
    end(&first);
    assert_eq!((of(&of_first), of(&of_second)), ((1, 1), (1, 1)));
    // A later shutdown may get the place of one that is gone.
    for _ in 0..10 {
        let (next, of_next) = with_client(grace);
        let skipped = next.request_from("close", Cause::requested("a test"));
        assert_eq!(skipped.ok(), Some(true));
        let _ = next.wait();
        assert_eq!(of(&of_next), (1, 1));
    }
}

#[test]
fn detached_shutdown_without_a_deadline_is_requested_too() {
    let (shutdown, counts) = with_client(Duration::MAX);
    assert!(!shutdown.is_requested());
    end(&shutdown);
    assert_eq!(of(&counts), (1, 1));
}

/// Abandoned tasks still wait after the last report of their shutdown. Their threads must sleep.
#[cfg(target_os = "linux")]
#[test]
fn abandoned_tasks_of_a_detached_shutdown_sleep_when_it_is_over() {
    let name = "detached::abandoned_tasks_of_a_detached_shutdown_sleep_when_it_is_over";
    let ended = victim::run(name, || {
        let builder = Shutdown::builder().grace(300 * MS);
        let shutdown = builder.detached().expect("threads are given");
        let gate = shutdown.gate("requests").open().expect("it opens");
        let guard = gate.enter_named("GET /leaks").expect("it is open");
        Box::leak(Box::new(guard));
        let pool = shutdown.pool("mailer").threads(1).start();
        let pool = pool.expect("it starts");
        pool.execute(|| hang()).expect("it is open");
        let kept = shutdown.keep("uploader").spawn(|_| hang());
        let _kept = kept.expect("it starts");
        end(&shutdown);
        // Threads without work end in the first second.
        std::thread::sleep(1500 * MS);
        let before = sleeps();
        std::thread::sleep(2000 * MS);
        let after = sleeps();
        let woken: Vec<_> = after.iter().filter(|it| !before.contains(it)).collect();
        println!("woken: {woken:?}");
        // The deadline of a detached shutdown ends no process.
        std::process::exit(0);
    });
    ended.assert_status(0).assert_says("woken: []");
}

/// Returns each thread but this one with its number of sleeps.
#[cfg(target_os = "linux")]
fn sleeps() -> Vec<(String, String)> {
    let tasks = std::fs::read_dir("/proc/self/task").expect("it is there");
    let own = std::fs::read_link("/proc/thread-self").expect("it is there");
    let threads = tasks.filter_map(|task| {
        let path = task.ok()?.path();
        if path.file_name() == own.file_name() {
            return None;
        }
        let name = std::fs::read_to_string(path.join("comm")).ok()?;
        let status = std::fs::read_to_string(path.join("status")).ok()?;
        let line = "voluntary_ctxt_switches:";
        let sleeps = status.lines().find(|it| it.starts_with(line))?;
        Some((name.trim().to_owned(), sleeps.to_owned()))
    });
    threads.collect()
}

/// The process has no installed shutdown, and is not a child of `fork`.
#[test]
fn child_of_a_detached_shutdown_is_refused_for_that() {
    let builder = Shutdown::builder().grace(Duration::from_secs(30));
    let shutdown = builder.detached().expect("threads are given");
    let child = shutdown.child("none", Command::new("true"));
    let refused = child.expect_err("the watchdog kills children");
    assert!(refused.to_string().contains("detached"), "{refused}");
    let file = shutdown.remove_file("/no/such/file");
    let refused = file.expect_err("the watchdog removes files");
    assert!(refused.to_string().contains("detached"), "{refused}");
    end(&shutdown);
}
