//! Unit tests of the files that `tests/loom` compiles too, kept outside them.

use std::time::Duration;

use super::first_signal::{FirstSignal, SAME_REQUEST};
use super::first_trigger::FirstTrigger;
use crate::cause::{Cause, Sender};
use crate::signal::Signal;
use deadstop_core::Nanos;

#[test]
fn signal_comes_back_with_its_sender() {
    let first = FirstTrigger::none();
    assert!(first.note_signal(15, Some(Sender::new(4_194_303, u32::MAX))));
    let cause = first.cause().unwrap();
    assert_eq!(
        cause.to_string(),
        "SIGTERM from pid 4194303, uid 4294967295"
    );
}

#[test]
fn signal_of_the_kernel_has_no_sender() {
    let first = FirstTrigger::none();
    assert!(first.note_signal(64, None));
    assert_eq!(first.cause().unwrap().to_string(), "signal 64");
}

#[test]
fn later_triggers_do_not_replace_the_first() {
    let first = FirstTrigger::none();
    assert!(first.note(Cause::requested("a"), 2));
    assert!(!first.note(Cause::requested("b"), 3));
    assert!(!first.note_signal(15, None));
    assert_eq!(first.cause(), Some(Cause::requested("a")));
    assert_eq!(first.first_phase(), 2);
}

#[test]
fn cause_in_words_that_loses_to_a_signal_is_dropped() {
    let first = FirstTrigger::none();
    assert!(first.note_signal(2, None));
    assert!(!first.note(Cause::requested("late"), 2));
    assert_eq!(first.cause().unwrap().signal(), Some(Signal::INT));
}

const MS: Duration = Duration::from_millis(1);

fn at(ms: u32) -> Nanos {
    Nanos(5_000_000_000).saturating_add(MS * ms)
}

#[test]
fn signal_within_200_ms_is_the_same_request() {
    let first = FirstSignal::none();
    assert_eq!(first.second(at(0)), None);
    first.note_acted_upon(at(0));
    assert_eq!(first.second(at(0)), None);
    let same = at(0).saturating_add(SAME_REQUEST);
    assert_eq!(first.second(same), None);
    assert_eq!(first.second(at(201)), Some(MS * 201));
}

#[test]
fn signal_is_no_second_before_the_first_was_acted_upon() {
    let first = FirstSignal::none();
    assert_eq!(first.second(at(0)), None);
    assert_eq!(first.second(at(900)), None);
    first.note_acted_upon(at(1000));
    assert_eq!(first.second(at(1200)), None);
    assert_eq!(first.second(at(1201)), Some(MS * 1201));
}

#[test]
fn first_signal_after_a_request_is_no_second() {
    let first = FirstSignal::none();
    first.note_acted_upon(at(0));
    assert_eq!(first.second(at(900)), None);
    assert_eq!(first.second(at(1000)), None);
    assert_eq!(first.second(at(1101)), Some(MS * 201));
}

#[test]
fn handler_that_was_overtaken_is_no_second() {
    let first = FirstSignal::none();
    first.note_acted_upon(at(0));
    assert_eq!(first.second(at(1000)), None);
    assert_eq!(first.second(at(500)), None);
    assert_eq!(first.second(at(800)), Some(MS * 300));
}

#[test]
fn claimed_sender_comes_back_as_claimed() {
    let first = FirstTrigger::none();
    assert!(first.note_signal(15, Some(Sender::claimed(4_194_303, 0))));
    assert_eq!(
        first.cause().unwrap().to_string(),
        "SIGTERM from a sender that claims to be pid 4194303, uid 0"
    );
}
