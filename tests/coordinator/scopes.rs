//! Parts of the program that can be stopped alone.

use std::time::Duration;

use super::{ends_with, sees};

/// TG1, TG4, TG10, TG18, TG30.
#[test]
fn a_scope_stops_alone_and_the_process_goes_on() {
    sees("scope_stopped_alone");
}

/// TG26: `/ingest/reader`.
#[test]
fn a_scope_is_known_by_its_path() {
    sees("scope_names");
}

/// TG7, TG18, TG36.
#[test]
fn a_scope_stops_with_all_that_is_in_it() {
    sees("scope_nested");
}

/// TG30, TG32.
#[test]
fn a_scope_in_a_scope_stops_alone() {
    sees("scope_child_alone");
}

/// TG19, TG20: the failure is in its report, and nowhere else.
#[test]
fn a_scopes_failures_are_its_own() {
    sees("scope_failures_are_its_own");
}

/// TG3, TG11, TG35: within a grace of its own.
#[test]
fn a_scope_that_overruns_is_reported_and_the_process_goes_on() {
    sees("scope_overruns");
}

#[test]
fn a_reserve_is_kept_within_a_scopes_grace() {
    sees("scope_reserve");
}

/// TG35, TG37: no time, and asking twice is harmless.
#[test]
fn a_scope_without_time_runs_nothing() {
    sees("scope_without_time");
}

/// TG34.
#[test]
fn a_detached_scope_stops_when_one_of_the_others_says_so() {
    sees("scope_detached");
}

/// TG34.
#[test]
fn a_detached_scope_that_nobody_stops_is_reported_as_that() {
    sees("scope_detached_and_left");
}

#[test]
fn a_detached_scope_that_nobody_stops_hides_no_failure() {
    sees("scope_detached_and_left_beside_a_failure");
}

/// TG18.
#[test]
fn a_scope_that_has_stopped_can_be_restarted() {
    sees("scope_restarts");
}

#[test]
fn a_scope_that_is_restarted_has_stopped_for_those_who_waited() {
    sees("scope_restarts_under_waiters");
}

#[test]
fn a_scope_that_is_restarted_at_once_gets_its_own_report() {
    sees("scope_restarts_at_once");
}

/// TG29, TG33, SM1.
#[test]
fn all_who_stop_a_scope_share_one_run() {
    sees("scope_stopped_by_many");
}

/// TG12, PK7.
#[test]
fn a_scope_that_stops_takes_tasks_for_what_is_left_of_it() {
    sees("scope_added_to_while_it_stops");
}

/// TG12, TG38: a request that comes as the whole runs.
#[test]
fn a_scope_cannot_leave_a_whole_that_has_begun() {
    sees("scope_stops_while_the_whole_runs");
}

/// TG29.
#[test]
fn the_whole_waits_for_a_scope_that_stops_by_itself() {
    sees("whole_begins_while_a_scope_stops");
}

/// PK8, SM4: children created or stopped during the trigger.
#[test]
fn a_task_is_run_once_by_its_scope_or_by_the_whole() {
    for _ in 0..5 {
        sees("scope_of_two_minds");
    }
}

#[test]
fn scopes_stop_side_by_side() {
    sees("scopes_beside_each_other");
}

/// TG29, TG33.
#[test]
fn who_waits_for_a_scope_hears_of_the_end_of_its_parent() {
    sees("scope_waited_for_with_its_parent");
}

/// TG29, TG33.
#[test]
fn who_waits_for_a_scope_hears_of_the_end_of_the_whole() {
    sees("scope_waited_for_with_the_whole");
}

/// FX2.
#[test]
fn a_task_that_would_wait_for_itself_is_refused() {
    sees("scope_task_waits");
}

/// TG3: the whole's deadline is the scope's.
#[test]
fn a_scope_that_hangs_does_not_outlive_the_whole() {
    let death = ends_with("scope_hangs_at_the_end", 124);
    assert!(
        death.after >= Duration::from_millis(600),
        "early: {death:?}"
    );
    assert!(
        death.stdout.contains("the deadline is the whole's"),
        "{death:?}"
    );
}
