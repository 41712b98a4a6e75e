//! Models of the coordinator's atomics.

use loom::sync::Arc;
use loom::sync::atomic::{AtomicU32, Ordering};
use loom::thread;

use super::write_latch::WriteLatch;
use crate::check;

/// An open latch, used once: see `lazy`.
fn open_latch() -> WriteLatch {
    let latch = WriteLatch::new();
    assert!(latch.begin_write());
    assert!(!latch.end_write());
    latch
}

/// Exactly one side gives the entry back, and it sees what the other wrote. Fails if
/// `close` or `end_write` is `Relaxed`.
#[test]
fn write_latch_closed_while_writing_is_left_to_the_writer() {
    check(|| {
        let shared = Arc::new((open_latch(), AtomicU32::new(0), AtomicU32::new(0)));
        let writer = thread::spawn({
            let shared = Arc::clone(&shared);
            move || {
                let (latch, text, ended_at) = &*shared;
                if !latch.begin_write() {
                    return 0;
                }
                text.store(1, Ordering::Relaxed);
                if !latch.end_write() {
                    return 0;
                }
                assert_eq!(ended_at.load(Ordering::Relaxed), 7);
                1
            }
        });
        let (latch, text, ended_at) = &*shared;
        ended_at.store(7, Ordering::Relaxed);
        let is_owners = latch.close();
        let seen = text.load(Ordering::Relaxed);
        let given_back_by_writer = writer.join().unwrap();
        assert_eq!(u32::from(is_owners) + given_back_by_writer, 1);
        if is_owners {
            // The writer wrote all of it before, or nothing at all.
            assert_eq!(seen, text.load(Ordering::Relaxed));
        }
        assert!(!latch.begin_write());
    });
}

/// Two writers never write at the same time. Fails if `begin_write` does not claim.
#[test]
fn write_latch_admits_one_writer_at_a_time() {
    check(|| {
        let shared = Arc::new((open_latch(), AtomicU32::new(0)));
        let write = |shared: Arc<(WriteLatch, AtomicU32)>| {
            let (latch, writers) = &*shared;
            if latch.begin_write() {
                assert_eq!(writers.fetch_add(1, Ordering::Relaxed), 0);
                writers.fetch_sub(1, Ordering::Relaxed);
                assert!(!latch.end_write());
            }
        };
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || write(shared)
        });
        write(shared);
        other.join().unwrap();
    });
}

/// A writer sees what the writer before it wrote. Fails if `begin_write` is `Relaxed`, or
/// `end_write`.
#[test]
fn write_latch_shows_a_writer_what_the_one_before_wrote() {
    check(|| {
        let shared = Arc::new((open_latch(), AtomicU32::new(0)));
        let write = |shared: &(WriteLatch, AtomicU32)| {
            let (latch, text) = shared;
            let may_write = latch.begin_write();
            if may_write {
                let before = text.load(Ordering::Relaxed);
                text.store(before + 1, Ordering::Relaxed);
                assert!(!latch.end_write());
            }
            u32::from(may_write)
        };
        let other = thread::spawn({
            let shared = Arc::clone(&shared);
            move || write(&shared)
        });
        let own = write(&shared);
        let written = own + other.join().unwrap();
        assert_eq!(shared.1.load(Ordering::Relaxed), written);
    });
}
