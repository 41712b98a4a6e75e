//! Taking tasks back.

use super::sees;

/// PK5, HD5, FF6: once, and it shows.
#[test]
fn a_cancelled_task_does_not_run_and_the_others_do() {
    sees("cancel_before");
}

/// PK6.
#[test]
fn the_same_task_three_times_is_three_tasks() {
    sees("cancel_one_of_the_same");
}

/// PK7, HD5.
#[test]
fn a_task_that_has_started_cannot_be_cancelled() {
    sees("cancel_too_late");
}

/// PK7.
#[test]
fn a_task_that_waits_for_its_turn_can_be_cancelled() {
    sees("cancel_before_its_turn");
}

/// PK8.
#[test]
fn tasks_are_cancelled_across_threads() {
    sees("cancel_across_threads");
}

/// PK8, SM4: it runs, or exactly one is told that it does not.
#[test]
fn cancelling_races_with_starting_and_one_of_them_wins() {
    let cancelled = (0..5).map(|_| {
        let ending = sees("cancel_races_the_start");
        let line = ending
            .stdout
            .lines()
            .find_map(|line| line.strip_prefix("cancelled "));
        line.and_then(|count| count.parse().ok()).unwrap_or(0)
    });
    // Whoever cancels may be late for all of one run; then that was no race.
    assert!(cancelled.sum::<u32>() > 0, "nobody was early enough");
}

/// PK8, SM4.
#[test]
fn of_ten_thousand_tasks_exactly_the_right_ones_run() {
    sees("ten_thousand_tasks");
}
