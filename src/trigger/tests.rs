//! Unit tests of the files that `tests/loom` compiles too, kept outside them.

use std::time::Duration;

use super::first::First;
use super::second::{FirstSignal, SAME_REQUEST};
use crate::cause::{Cause, Sender};
use crate::kill_path::Nanos;
use crate::signal::Signal;

#[test]
fn a_signal_comes_back_with_its_sender() {
    let first = First::none();
    assert!(first.note_signal(15, Some(Sender::new(4_194_303, u32::MAX))));
    let cause = first.cause().unwrap();
    assert_eq!(
        cause.to_string(),
        "SIGTERM from pid 4194303, uid 4294967295"
    );
}

#[test]
fn a_signal_of_the_kernel_has_no_sender() {
    let first = First::none();
    assert!(first.note_signal(64, None));
    assert_eq!(first.cause().unwrap().to_string(), "signal 64");
}

#[test]
fn the_first_stands() {
    let first = First::none();
    assert!(first.note(Cause::requested("a"), 2));
    assert!(!first.note(Cause::requested("b"), 3));
    assert!(!first.note_signal(15, None));
    assert_eq!(first.cause(), Some(Cause::requested("a")));
    assert_eq!(first.from(), 2);
}

#[test]
fn words_that_lose_to_a_signal_are_not_the_cause() {
    let first = First::none();
    assert!(first.note_signal(2, None));
    assert!(!first.note(Cause::requested("late"), 2));
    assert_eq!(first.cause().unwrap().signal(), Some(Signal::Interrupt));
}

#[test]
fn within_200_ms_it_is_the_same_request() {
    let first = FirstSignal::none();
    let at = Nanos(5_000_000_000);
    assert!(!first.is_second(at));
    assert!(!first.is_second(at));
    assert!(!first.is_second(at.saturating_add(SAME_REQUEST)));
    assert!(
        first.is_second(
            at.saturating_add(SAME_REQUEST)
                .saturating_add(Duration::from_nanos(1))
        )
    );
}

#[test]
fn a_handler_that_was_overtaken_is_no_second() {
    let first = FirstSignal::none();
    assert!(!first.is_second(Nanos(2_000_000_000)));
    assert!(!first.is_second(Nanos(1_000_000_000)));
    assert!(first.is_second(Nanos(1_300_000_000)));
}
