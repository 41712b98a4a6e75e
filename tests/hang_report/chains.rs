//! Tasks that wait for other threads. The first screen of the report must show what each of
//! these threads waits for.

use crate::REPORTED;
use crate::harness::{Death, GRACE, Victim};
use crate::read::{hung, screen, thread};
use deadstop::report::{HangReport, HoldKind};

const STACKS: bool = cfg!(feature = "stacks");

/// Asserts that one line of the first screen has all of `parts`, in this order.
fn assert_line(death: &Death, parts: &[&str]) {
    let screen = screen(death);
    let has_all = |line: &str| {
        let mut rest = line;
        parts.iter().all(|part| match rest.split_once(part) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
    };
    assert!(
        screen.lines().any(has_all),
        "{parts:?} is not in:\n{screen}\n{death:?}"
    );
}

/// Runs `fault`, in which two tasks wait for each other's lock. The report must name both
/// tasks, say `words` about the lock, and say that this is a deadlock.
fn assert_deadlock(fault: &str, words: &str, kind: HoldKind) {
    let (death, report) = hung(fault, REPORTED);
    let names = ["credit the account", "debit the account"];
    for name in names {
        assert!(screen(&death).contains(&format!("{name:?}")), "{death:?}");
    }
    assert_line(
        &death,
        &[
            "it waits for ",
            words,
            "task \"",
            "which waits for task \"",
            "deadlock",
        ],
    );
    let [one, other] = names.map(|name| thread(&report, name));
    for (waiter, holder) in [(one, other), (other, one)] {
        let waits_for = waiter
            .waits_for
            .as_ref()
            .expect("the report says what the thread waits for");
        assert_eq!(
            (waits_for.kind, waits_for.id),
            (kind, holder.id),
            "{death:?}"
        );
    }
    assert_in_function(&death, "crosses", &report);
}

fn assert_in_function(death: &Death, function: &str, report: &HangReport) {
    if STACKS {
        let task = report.hung_tasks().next().expect("a hung task");
        let thread = report.thread_of(task).expect("the report lists it");
        let mut functions = thread.functions();
        assert!(functions.any(|name| name.contains(function)), "{death:?}");
        assert_line(death, &["it is in victim::"]);
    }
}

#[test]
fn crossed_std_locks_are_reported_as_a_deadlock() {
    assert_deadlock(
        "chain_std",
        "a lock that is on the stack of ",
        HoldKind::LockOnStack,
    );
}

#[test]
fn crossed_pthread_locks_are_reported_as_a_deadlock() {
    assert_deadlock("chain_pthread", "a lock of ", HoldKind::LockOwner);
}

#[test]
fn report_of_a_full_channel_names_its_consumer_and_the_pipe_it_reads() {
    let (death, _) = hung("chain_channel", REPORTED);
    assert_line(&death, &["\"send the backlog\" (phase close, "]);
    assert_line(
        &death,
        &[
            "suspicious: thread ",
            "\"consumer\"",
            "reads from descriptor ",
            "(pipe",
        ],
    );
    if STACKS {
        assert_line(&death, &["it is in ", "sends_into_a_full_channel"]);
        assert_line(&death, &["\"consumer\" is in ", "read_from"]);
    }
}

#[test]
fn report_of_a_join_names_the_thread_and_the_pipe_it_reads() {
    let (death, report) = hung("chain_join", REPORTED);
    let chain = [
        "it waits for the end of thread ",
        "\"page reader\", which ",
        "reads from descriptor ",
        "(pipe",
    ];
    assert_line(&death, &chain);
    let waits_for = thread(&report, "gather the pages").waits_for.clone();
    let waits_for = waits_for.expect("the report says what the thread waits for");
    assert_eq!(
        (waits_for.kind, waits_for.name.as_str()),
        (HoldKind::ThreadEnd, "page reader")
    );
    if STACKS {
        assert_line(&death, &["it is in ", "joins_a_reader"]);
    }
}

macro_rules! stuck {
    ($($fault:ident)*) => {
        mod is_stuck_without_a_watchdog {
            use super::*;

            $(#[test]
            fn $fault() {
                assert!(Victim::unwatched(stringify!($fault), GRACE).lives_for(3 * GRACE));
            })*
        }
    };
}

stuck! {
    chain_channel
    chain_join
    chain_pthread
    chain_std
}
