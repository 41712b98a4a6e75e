use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::first_signal::FirstSignal;
use super::first_trigger::FirstTrigger;
use crate::cause::Cause;
use crate::check;
use crate::kill_path::Nanos;

/// Fails if the word is claimed by a load and a store.
#[test]
fn of_racing_triggers_one_is_the_first() {
    check(|| {
        let first = Arc::new(first());
        let handler = Arc::clone(&first);
        let caller = Arc::clone(&first);
        let signal = thread::spawn(move || handler.note_signal(15, None));
        let a = thread::spawn(move || caller.note(Cause::requested("a"), 2));
        let b = first.note(Cause::requested("b"), 3);
        let signal = signal.join().expect("it ends");
        let a = a.join().expect("it ends");
        assert_eq!([signal, a, b].map(u32::from).iter().sum::<u32>(), 1);
        let cause = first.cause().expect("it is noted");
        assert_eq!(cause.signal().is_some(), signal);
        assert_eq!(cause == Cause::requested("a"), a);
        assert_eq!(cause == Cause::requested("b"), b);
    });
}

/// Fails if the cause is published after the word is claimed. The orderings of the
/// word and of the pointer each suffice alone.
#[test]
fn cause_that_is_seen_can_be_read() {
    check(|| {
        let first = Arc::new(first());
        let caller = Arc::clone(&first);
        let thread = thread::spawn(move || caller.note(Cause::requested("a"), 2));
        if first.is_some() {
            assert_eq!(first.cause(), Some(Cause::requested("a")));
        }
        assert!(thread.join().expect("it ends"));
    });
}

/// Fails if a caller that loses does not claim the word for the winner.
#[test]
fn caller_that_loses_finds_that_there_was_a_trigger() {
    check(|| {
        let first = Arc::new(first());
        let caller = Arc::clone(&first);
        let thread = thread::spawn(move || caller.note(Cause::requested("a"), 2));
        let own = first.note(Cause::requested("b"), 3);
        assert!(first.is_some());
        assert_ne!(own, thread.join().expect("it ends"));
    });
}

/// Fails if the first signal's time is not kept by one exchange. Orderings cannot
/// fail it: nothing is published through the word.
#[test]
fn handlers_at_once_are_one_request() {
    check(|| {
        let first = Arc::new(first_signal());
        let at = |ms| Nanos(1_000_000_000).saturating_add(Duration::from_millis(ms));
        first.note_acted_upon(at(0));
        let threads = [0, 200].map(|ms| {
            let first = Arc::clone(&first);
            thread::spawn(move || first.second(at(ms)))
        });
        let second = first.second(at(100));
        let seconds = threads.map(|thread| thread.join().expect("it ends"));
        assert_eq!((second, seconds), (None, [None, None]));
        assert!(first.second(at(201)).is_some());
    });
}

/// No trigger, with all primitives initialized.
fn first() -> FirstTrigger {
    let first = FirstTrigger::none();
    first.reset_after_fork();
    first
}

/// No signal, with the atomic initialized.
fn first_signal() -> FirstSignal {
    let first = FirstSignal::none();
    first.reset_after_fork();
    first
}
