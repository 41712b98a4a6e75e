use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::first::First;
use super::second::FirstSignal;
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

/// Fails if the words are put behind the lock after the word is claimed. The
/// word's own orderings cannot fail it: the lock orders the words.
#[test]
fn whoever_sees_a_cause_can_read_it() {
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

/// Fails if the first signal's time is not kept by one exchange. Orderings
/// cannot fail it: nothing is published through the word.
#[test]
fn handlers_at_once_are_one_request() {
    check(|| {
        let first = Arc::new(first_signal());
        let at = |ms| Nanos(1_000_000_000).saturating_add(Duration::from_millis(ms));
        let threads = [0, 200].map(|ms| {
            let first = Arc::clone(&first);
            thread::spawn(move || first.is_second(at(ms)))
        });
        let second = first.is_second(at(100));
        let seconds = threads.map(|thread| thread.join().expect("it ends"));
        assert_eq!((second, seconds), (false, [false, false]));
        assert!(first.is_second(at(201)));
    });
}

/// No trigger, with every primitive made.
fn first() -> First {
    let first = First::none();
    first.forget();
    first
}

/// No signal, with the atomic made.
fn first_signal() -> FirstSignal {
    let first = FirstSignal::none();
    first.forget();
    first
}
