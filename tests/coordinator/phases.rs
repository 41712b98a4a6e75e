//! The order of phases, and what a failure in one means for the others.

use super::sees;

/// PK4, HD1, FX1: each phase waits for the slowest task of the one before.
#[test]
fn phases_run_in_order_and_wait_for_their_slowest_task() {
    sees("ordered_phases");
}

/// PK15: phases of the program's own, before, after and between the four.
#[test]
fn phases_of_ones_own_run_where_they_say() {
    sees("phases_of_ones_own");
}

/// TG15, TG16: nothing to do.
#[test]
fn without_tasks_it_is_over_at_once() {
    sees("no_tasks");
}

/// PK11, E2: and the log names both.
#[test]
fn a_failure_or_an_overrun_does_not_stop_the_phases_after_it() {
    sees("failure_and_overrun_go_on");
}

/// PK12: recover = off.
#[test]
fn a_policy_ends_the_sequence_after_an_error() {
    sees("policy_ends_after_error");
}

/// PK12.
#[test]
fn a_policy_ends_the_sequence_after_an_overrun() {
    sees("policy_ends_after_overrun");
}

/// PK12.
#[test]
fn a_policy_ends_the_sequence_after_a_panic() {
    sees("policy_ends_after_panic");
}

/// PK12: the policy is of the phase that has it.
#[test]
fn a_policy_does_not_end_the_sequence_for_another_phases_failure() {
    sees("policy_lets_success_go_on");
}

/// PK13.
#[test]
fn a_disabled_phase_is_passed_over_and_the_log_counts_its_tasks() {
    sees("disabled_phase");
}

/// PK9.
#[test]
fn it_may_start_from_a_given_phase() {
    sees("started_from_a_phase");
}

#[test]
fn starting_from_a_phase_that_does_not_exist_begins_nothing() {
    sees("started_from_nowhere");
}

/// PK10: a request that is not the first changes nothing.
#[test]
fn starting_from_a_phase_once_it_has_begun_changes_nothing() {
    sees("started_from_a_phase_too_late");
}

/// PK9, SM4: also if the two come at the same time.
#[test]
fn where_it_starts_is_the_first_requests_to_say() {
    for _ in 0..10 {
        sees("started_from_a_phase_in_a_race");
    }
}

/// PK7, PK14, TG12.
#[test]
fn a_task_may_change_its_own_and_later_phases_and_no_earlier_one() {
    sees("tasks_change_later_phases");
}

/// PK7, PK8: there is no gap between a phase and the next.
#[test]
fn a_task_that_is_accepted_as_its_phase_ends_is_run() {
    let accepted = (0..8).map(|_| {
        let death = sees("added_while_it_leaves_a_phase");
        let mut lines = death.stdout.lines();
        let accepted = lines.find_map(|line| line.strip_prefix("accepted "));
        accepted.map_or(0, |count| count.parse().expect("a number"))
    });
    assert!(accepted.sum::<usize>() > 0, "nobody was early enough");
}

#[test]
fn tasks_without_a_name_or_a_phase_are_refused() {
    sees("unknown_names");
}

/// PK21: contradictory configuration.
#[test]
fn what_cannot_be_is_refused_at_install_and_says_why() {
    sees("contradictory_configuration");
}
