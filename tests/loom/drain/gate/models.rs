use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::counter::Counter;
use crate::check;
use crate::sys::Nanos;

fn open() -> Arc<Counter> {
    let counter = Counter::open();
    // Makes loom's atomics.
    assert!(!counter.wait_empty(Some(Nanos(0)), || Nanos(0)));
    Arc::new(counter)
}

fn wait_empty(counter: &Counter) -> bool {
    counter.wait_empty(None, || Nanos(0))
}

/// Fails if leaving is not a release, reading zero is not an acquire, the entry looks
/// at the word after it has added itself, or a closed gate admits.
#[test]
fn closed_empty_gate_has_seen_all_work_of_admitted_entries() {
    check(|| {
        let counter = open();
        let work = Arc::new(AtomicU32::new(0));
        let (enters, works) = (Arc::clone(&counter), Arc::clone(&work));
        let request = thread::spawn(move || {
            let admitted = enters.enter();
            if admitted {
                works.store(1, Ordering::Relaxed);
                enters.leave();
            }
            admitted
        });
        assert!(counter.close());
        assert!(wait_empty(&counter));
        let seen = work.load(Ordering::Relaxed);
        let admitted = request.join().expect("it ends");
        assert!(!admitted || seen == 1);
    });
}

/// Fails, by a waiter that is never woken, if the last entry or the closing does not
/// advance the event count, or a refused entry takes itself back without.
#[test]
fn waiter_is_woken_when_closing_leaving_and_refusals_race() {
    check(|| {
        let counter = open();
        assert!(counter.enter());
        let leaves = Arc::clone(&counter);
        let request = thread::spawn(move || {
            leaves.leave();
            if leaves.enter() {
                leaves.leave();
            }
        });
        let closes = Arc::clone(&counter);
        let closer = thread::spawn(move || closes.close());
        assert!(wait_empty(&counter));
        assert!(!counter.enter());
        request.join().expect("it ends");
        assert!(closer.join().expect("it ends"));
    });
}
