use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::entry::Entry;
use crate::check;
use crate::sys::Nanos;

/// A waker that counts its calls, with all primitives initialized.
fn counting() -> (Arc<Entry>, Arc<AtomicU32>) {
    let calls = Arc::new(AtomicU32::new(0));
    let counts = Arc::clone(&calls);
    let count = move || {
        let calls = counts.load(Ordering::Relaxed);
        counts.store(calls + 1, Ordering::Relaxed);
    };
    let entry = Entry::new(String::new(), Box::new(count));
    entry.wake();
    let is_empty = entry.calls.wait_empty(Some(Nanos(0)), || Nanos(0));
    assert!(!is_empty);
    (Arc::new(entry), calls)
}

fn disable(entry: &Entry) -> bool {
    entry.disable(None, || Nanos(0))
}

/// Fails if a call checks whether the waker is enabled before it is counted, if
/// disabling does not wait for a call that runs, or if leaving is not a release.
#[test]
fn call_that_races_disabling_is_over_or_never_begins() {
    check(|| {
        let (entry, calls) = counting();
        let wakes = Arc::clone(&entry);
        let caller = thread::spawn(move || wakes.wake());
        assert!(disable(&entry));
        let at_close = calls.load(Ordering::Relaxed);
        caller.join().expect("it ends");
        assert_eq!(calls.load(Ordering::Relaxed), at_close);
    });
}

/// Fails if both callers learn that the waker was enabled, or one does not wait for the call.
#[test]
fn waker_disabled_by_two_threads_is_disabled_once() {
    check(|| {
        let (entry, calls) = counting();
        let other = Arc::clone(&entry);
        let other = thread::spawn(move || disable(&other));
        let first = disable(&entry);
        let at_close = calls.load(Ordering::Relaxed);
        assert_ne!(other.join().expect("it ends"), first);
        entry.wake();
        assert_eq!(calls.load(Ordering::Relaxed), at_close);
    });
}
