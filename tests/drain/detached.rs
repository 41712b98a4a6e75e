//! Shutdowns that are detached, side by side in one process, as unit tests have them.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use deadstop::{Cause, Shutdown};

struct Counts {
    woken: AtomicUsize,
    closed: AtomicUsize,
}

/// A shutdown with a client and its waker.
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
