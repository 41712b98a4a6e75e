//! Tasks: how they end, what they are told, and how many run at once.

use super::sees;

/// TG21, SM2, PK11: errors and panics in their own words, also without words.
#[test]
fn every_outcome_is_reported_as_what_it_was() {
    sees("every_outcome");
}

#[test]
fn tasks_that_wait_briefly_do_not_wait_for_each_other() {
    sees("brief_waits");
}

/// TG13, SM1.
#[test]
fn panics_do_not_stop_other_tasks() {
    sees("panics_do_not_stop_others");
}

/// TG11, TG23, TG26, SM1: an abandoned one can see it.
#[test]
fn a_task_is_told_why_and_how_long() {
    sees("what_a_task_is_told");
}

/// TG10, SM1: nothing happens, and nothing deadlocks.
#[test]
fn a_task_may_ask_for_the_end_that_it_is_part_of() {
    sees("task_asks_for_the_end");
}

/// PK6, PK14.
#[test]
fn a_task_may_register_itself_again() {
    sees("task_registers_itself_again");
}

/// TG12: it is not held back until those that run have ended.
#[test]
fn a_task_may_wait_for_another_that_it_registers() {
    sees("task_waits_for_one_that_it_registers");
}

/// FX2.
#[test]
fn a_task_that_waits_for_the_shutdown_is_refused() {
    sees("task_waits");
}

#[test]
fn the_tasks_of_a_phase_run_side_by_side() {
    sees("tasks_of_a_phase_run_together");
}

#[test]
fn never_more_run_at_once_than_was_said() {
    sees("at_once_limit");
}

/// SM1: stable ties, many hooks.
#[test]
fn one_at_a_time_they_run_in_the_order_of_their_registration() {
    sees("at_once_one_by_one");
}

#[test]
fn an_abandoned_task_makes_room_for_the_next() {
    sees("abandoned_tasks_count_no_more");
}

#[test]
fn a_task_that_is_accepted_as_its_phase_ends_runs() {
    sees("tasks_come_as_phases_end");
}

#[test]
fn an_abandoned_task_that_returns_takes_nobodys_turn() {
    sees("abandoned_tasks_take_no_turn");
}

/// TG14: the other way round.
#[test]
fn dropping_every_handle_changes_nothing() {
    sees("dropping_handles");
}

/// TG39.
#[test]
fn what_a_closure_holds_is_dropped_whatever_becomes_of_its_task() {
    sees("captured_values_are_dropped");
}

#[test]
fn a_future_is_woken_from_another_thread() {
    sees("async_task_by_its_waker");
}

/// CG1, PK11.
#[test]
fn a_future_that_is_never_woken_is_abandoned() {
    sees("async_task_never_woken");
}

/// CG19.
#[test]
fn a_future_may_fail_or_panic_as_a_closure_may() {
    sees("async_tasks_fail");
}
