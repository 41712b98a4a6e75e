//! One run and one end, whoever asks for it and whoever waits.

use std::time::Duration;

use super::harness::End;
use super::{SEEN, ends_with, run, sees};

/// PK10, SM1.
#[test]
fn it_runs_once_and_the_first_cause_stays() {
    sees("asked_twice");
}

/// SM4: one initiator among many.
#[test]
fn of_many_that_ask_at_once_one_is_the_first() {
    sees("asked_by_many_at_once");
}

/// SM4: a cause is never missing once it has begun.
#[test]
fn whoever_has_asked_sees_that_it_has_begun() {
    for _ in 0..5 {
        sees("request_is_seen_when_it_returns");
    }
}

/// SM1: concurrent callers share one run, and so do those who come later.
#[test]
fn all_who_wait_are_told_the_same() {
    sees("all_wait_for_the_same_run");
}

/// SM1: also once the coordinator's own thread has come to the end.
#[test]
fn what_they_are_told_stays() {
    sees("same_report_stays");
}

/// CG15, CG16, TG15, PK19: the work is done.
#[test]
fn finishing_is_asking_and_waiting() {
    sees("finished");
}

/// It ends with what `main` returns after it.
#[test]
fn finishing_returns_even_if_nothing_was_to_do() {
    ends_with("finish_returns", 9);
}

/// PK16, CG15.
#[test]
fn if_nobody_waits_it_ends_by_itself() {
    let death = ends_with("nobody_waits", 0);
    assert!(death.stdout.contains("last"), "{death:?}");
}

#[test]
fn whoever_waits_has_all_the_time_it_likes() {
    ends_with("waiter_takes_its_time", 9);
}

/// Load can make anybody too late, so the best of a few counts.
#[test]
fn whoever_asks_and_then_waits_is_waited_for_a_moment() {
    let mut runs = (0..5).map(|_| run("waits_a_moment_late").end);
    assert!(runs.any(|end| end == End::Status(SEEN)), "never in time");
}

/// CG19.
#[test]
fn if_nobody_waits_and_a_task_fails_it_ends_with_1() {
    let death = ends_with("nobody_waits_and_a_task_fails", 1);
    assert!(death.stdout.contains("last"), "{death:?}");
}

/// TG9, CG14.
#[test]
fn if_nobody_waits_and_a_thread_panics_it_ends_with_101() {
    let death = ends_with("nobody_waits_and_a_thread_panics", 101);
    assert!(death.stdout.contains("last"), "{death:?}");
}

#[test]
fn the_failure_status_can_be_chosen() {
    ends_with("failure_status_of_ones_own", 7);
}

/// PK16, FX4.
#[test]
fn main_returns_0_if_all_is_done() {
    ends_with("status_of_wait_clean", 0);
}

/// FX4.
#[test]
fn main_returns_1_if_a_task_failed() {
    ends_with("status_of_wait_failed", 1);
}

/// PK16: there is no signal to die of.
#[test]
fn exit_waits_and_ends_with_0() {
    let death = ends_with("exits", 0);
    assert!(death.stdout.contains("ran"), "{death:?}");
}

#[test]
fn exit_waits_and_ends_with_1_if_a_task_failed() {
    ends_with("exits_after_failure", 1);
}

/// PK19: what has begun is not cut off.
#[test]
fn a_main_that_returns_waits_for_the_tasks() {
    let death = ends_with("main_returns_early", 9);
    assert!(death.stdout.contains("slow is done"), "{death:?}");
}

/// PK19, as above by `exit` on another thread.
#[test]
fn an_exit_elsewhere_waits_for_the_tasks() {
    let death = ends_with("exit_elsewhere_waits_for_tasks", 9);
    assert!(death.stdout.contains("slow is done"), "{death:?}");
}

/// PK20: what has not been asked for is not run.
#[test]
fn a_main_that_returns_unasked_runs_nothing() {
    ends_with("main_returns_unasked", 9);
}

/// PK20: nor by a deadline.
#[test]
fn arming_the_watchdog_begins_nothing() {
    let death = ends_with("arming_begins_nothing", 124);
    assert!(
        death.after >= Duration::from_millis(300),
        "early: {death:?}"
    );
}

/// PK26, CG18: from another thread, and after the end.
#[test]
fn it_is_found_by_those_who_have_no_handle() {
    sees("found_from_afar");
}

/// PK21.
#[test]
fn there_is_one_per_process() {
    sees("installed_once");
}

#[test]
fn installs_that_fail_leave_no_threads_behind() {
    sees("failed_installs_add_no_threads");
}

/// FX2, CG8.
#[test]
fn a_signal_may_come_while_tasks_come_and_go() {
    sees("signal_amid_registrations");
}
