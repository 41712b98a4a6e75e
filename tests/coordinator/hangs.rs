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
