//! Tasks that block their thread for good, and what comes after them.
//!
//! HD8 and TG3 come closest, with tasks that wait on a clock of the suite's.
//! That a task cannot be interrupted is in none of them.

use super::{ends_with, sees};

#[test]
fn a_task_that_sleeps_its_thread_does_not_hold_up_later_phases() {
    sees("hang_in_sleep");
}

#[test]
fn a_task_that_spins_does_not_hold_up_later_phases() {
    sees("hang_in_spin");
}

#[test]
fn a_task_that_deadlocks_itself_does_not_hold_up_later_phases() {
    sees("hang_in_self_deadlock");
}

#[test]
fn six_that_hang_side_by_side_do_not_hold_up_later_phases() {
    sees("hang_in_every_way");
}

#[test]
fn every_phase_has_its_turn_though_all_tasks_hang() {
    sees("hang_in_every_phase");
}

/// It ends by itself, with its failure status.
#[test]
fn a_main_thread_that_hangs_holds_up_nothing() {
    ends_with("hang_of_main", 1);
}

/// What the hang report says of those that do not run: whose turn has come is
/// not named as one that waits, and the phases are the whole's, not a scope's.
#[test]
fn a_task_that_hangs_is_not_taken_for_one_that_waits() {
    let death = ends_with("hang_between_others", 124);
    let starting = |how| {
        let lines = death.stderr.lines();
        lines.filter_map(move |line: &str| line.strip_prefix(how))
    };
    let waiting = starting("deadstop: task ").filter_map(|task| task.split_once(" waiting,"));
    let waiting: Vec<_> = waiting.map(|(task, _)| task).collect();
    assert_eq!(waiting, ["\"next\" drain", "\"later\" close"], "{death:?}");
    let phases = starting("deadstop: phase ").filter_map(|phase| phase.split_once(" at "));
    let phases: Vec<_> = phases.map(|(name, _)| name).collect();
    assert_eq!(phases, ["unbind", "drain"], "{death:?}");
}

/// More have waited than are listed by name.
#[test]
fn none_is_left_that_waits_behind_a_task_that_hangs() {
    let death = ends_with("hang_behind_a_crowd", 124);
    let progress = death.stderr.lines().filter(|line| line.contains(" left, "));
    let of_hang: Vec<_> = progress.filter(|line| line.contains("\"hangs\"")).collect();
    assert!(!of_hang.is_empty(), "{death:?}");
    assert!(
        of_hang.iter().all(|line| !line.contains(" wait")),
        "{death:?}"
    );
    assert!(!death.stderr.contains(" waiting"), "{death:?}");
}
