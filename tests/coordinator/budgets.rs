//! One clock: budgets, reserves and the deadline.

use std::time::Duration;

use super::{End, ends_with, run, sees, sees_and_is_late_by_at_most};

const TENTH: Duration = Duration::from_millis(100);

/// HD1, HD8, PK11, SM1: a hang of 2 s with a budget of 1 s, and a reserve of
/// 1 s in a grace of 3 s.
#[test]
fn a_reserve_is_there_when_the_phase_before_has_hung() {
    sees_and_is_late_by_at_most(TENTH, "reserve_after_a_hang");
}

/// SM1: hung one after another, each begins when it must.
#[test]
fn every_reserve_is_kept_by_every_phase_before() {
    sees_and_is_late_by_at_most(TENTH, "reserves_one_after_another");
}

/// HD1, SM1, TG11: a budget of a task's own.
#[test]
fn a_task_over_its_own_budget_is_abandoned_and_told_so() {
    sees_and_is_late_by_at_most(TENTH, "task_budget");
}

/// Two turns after 100 ms, with 50 ms for each: before the coordinator would
/// look by itself, which it does every 250 ms.
#[test]
fn a_budget_that_begins_while_the_coordinator_sleeps_is_kept() {
    let share = TENTH / 2;
    sees_and_is_late_by_at_most(share, "budget_begun_meanwhile");
    sees_and_is_late_by_at_most(share, "budget_of_the_next_phase");
}

#[test]
fn a_phase_ends_when_its_last_task_does() {
    sees_and_is_late_by_at_most(TENTH / 2, "phases_end_with_their_tasks");
}

#[test]
fn a_task_never_has_more_than_its_phase() {
    sees("task_budget_beyond_its_phase");
}

/// SM2.
#[test]
fn a_short_budget_after_a_long_one_is_kept() {
    sees("short_budget_after_a_long_one");
}

/// PK10, FX2: who asks again buys no time and waits for nobody.
#[test]
fn the_clock_starts_once_with_the_first_request() {
    sees("clock_starts_once");
}

/// SM1: the run never goes beyond what was said last.
#[test]
fn a_deadline_that_is_brought_forward_is_so_for_all() {
    sees("brought_forward");
}

#[test]
fn a_deadline_that_is_brought_forward_leaves_reserves_alone() {
    sees("brought_forward_keeps_reserves");
}

/// SM1: zero budgets skip all.
#[test]
fn a_phase_without_time_is_skipped_and_the_next_runs() {
    sees("zero_budget");
}

/// SM1: which of the two ends it is a race, but it does not look clean.
#[test]
fn a_shutdown_without_time_runs_nothing_and_is_no_success() {
    let death = run("grace_of_zero");
    let ends = [End::Status(124), End::Status(1)];
    assert!(ends.contains(&death.end), "{death:?}");
}

#[test]
fn a_grace_without_end_is_as_good_as_any() {
    sees("grace_without_end");
}

/// TG3, HD8, CG1: not before the deadline, and named.
#[test]
fn the_watchdog_ends_what_no_budget_does() {
    let death = ends_with("last_phase_hangs", 124);
    assert!(death.after >= Duration::from_secs(2), "early: {death:?}");
    let says = "1 task has not returned: \"hangs\" (phase close";
    assert!(death.stderr.contains(says), "{death:?}");
}

/// TG22: what hung is known, and so is that it failed.
#[test]
fn a_budget_for_the_last_phase_ends_in_time() {
    let death = ends_with("last_phase_hangs_in_its_budget", 1);
    assert!(
        death.after >= Duration::from_millis(300),
        "early: {death:?}"
    );
}
