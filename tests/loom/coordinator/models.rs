use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use loom::thread;

use super::state::State;
use crate::check;

/// Fails if any of the changes is a load and a store.
#[test]
fn of_start_skip_and_cancel_one_succeeds() {
    check(|| {
        let state = Arc::new(waiting());
        let started = Arc::clone(&state);
        let cancelled = Arc::clone(&state);
        let start = thread::spawn(move || started.start());
        let cancel = thread::spawn(move || cancelled.cancel());
        let skipped = state.skip();
        let started = start.join().expect("it ends");
        let cancelled = cancel.join().expect("it ends");
        let successes = [skipped, started, cancelled].map(u32::from);
        assert_eq!(successes.iter().sum::<u32>(), 1);
        assert_eq!(state.has_started(), started);
        assert_eq!(state.is_cancelled(), cancelled);
    });
}

/// Fails if any of the changes is a load and a store.
#[test]
fn a_task_ends_or_is_abandoned() {
    check(|| {
        let state = Arc::new(waiting());
        assert!(state.start());
        let runs = Arc::clone(&state);
        let end = thread::spawn(move || runs.end());
        let abandoned = state.abandon();
        let ended = end.join().expect("it ends");
        assert_ne!(ended, abandoned);
        assert_eq!(state.is_abandoned(), abandoned);
    });
}

/// Fails if `is_waiting` is a load, or a change is weaker than `AcqRel`.
#[test]
fn a_cancelled_task_is_told_of_or_seen() {
    check(|| {
        let state = Arc::new((waiting(), AtomicBool::new(false)));
        let cancelled = Arc::clone(&state);
        let told = thread::spawn(move || {
            let (state, has_channel) = &*cancelled;
            state.cancel() && has_channel.load(Ordering::Acquire)
        });
        let (waiting, has_channel) = &*state;
        has_channel.store(true, Ordering::Release);
        let seen = !waiting.is_waiting();
        assert!(seen || told.join().expect("it ends"));
    });
}

/// What the thread of a task did before it ended is seen by whoever finds that
/// it cannot be abandoned. Fails if a change is not a release, or a failed one
/// not an acquire.
#[test]
fn an_end_publishes_what_came_before() {
    check(|| {
        let state = Arc::new((waiting(), AtomicU32::new(0)));
        assert!(state.0.start());
        let runs = Arc::clone(&state);
        let end = thread::spawn(move || {
            runs.1.store(1, Ordering::Relaxed);
            runs.0.end()
        });
        if !state.0.abandon() {
            assert_eq!(state.1.load(Ordering::Relaxed), 1);
        }
        end.join().expect("it ends");
    });
}

/// What was noted before a task started is seen by whoever sees that it has.
/// Fails if a change is not a release, or looking not an acquire.
#[test]
fn a_start_publishes_what_came_before() {
    check(|| {
        let state = Arc::new((waiting(), AtomicU32::new(0)));
        let runs = Arc::clone(&state);
        let start = thread::spawn(move || {
            runs.1.store(1, Ordering::Relaxed);
            runs.0.start()
        });
        if state.0.has_started() {
            assert_eq!(state.1.load(Ordering::Relaxed), 1);
        }
        assert!(start.join().expect("it ends"));
    });
}

/// A state that waits, whose atomic is made.
fn waiting() -> State {
    let state = State::waiting();
    assert!(state.is_waiting());
    state
}
