//! The limits: a process that the kernel keeps past its deadline, a process that
//! dies before its deadline for another reason, and a core dump that may be
//! finished. The guide's page `limits` states the same.

use std::time::Duration;

use libtest_mimic::Trial;

use crate::harness::{End, GRACE, Victim};
use crate::{KILLED, OURS, is_stuck, trial};

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// A grace long enough for the fault to take hold before the deadline, under load.
const KEPT_GRACE: Duration = GRACE.saturating_mul(2);

/// Faults that keep a process past its deadline (here for four graces), and how
/// the process ends once it is released.
const BEYOND: &[(&str, &[End])] = &[
    ("cgroup_v1_frozen", &[KILLED]),
    ("disk_is_gone", &[OURS]),
    // While the process is held, both the watchdog and the timer have acted.
    ("held_at_exit", &[OURS, KILLED]),
];

/// The exit status of a victim that completed its work.
const UNSTUCK: i32 = 97;

/// Faults that abort the process long before its deadline.
const DEATHS: &[&str] = &["memory_refused_aborts", "stack_overflow_aborts"];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (fault, ends) in BEYOND {
        trials.push(trial(format!("{fault}::keeps_the_process"), || {
            keeps_the_process(fault, ends);
        }));
        trials.push(trial(
            format!("{fault}::is_stuck_without_a_watchdog"),
            || {
                is_stuck(Victim::unwatched(fault, GRACE));
            },
        ));
    }
    for fault in DEATHS {
        trials.push(trial(format!("{fault}::long_before_the_deadline"), || {
            let death = Victim::watched(fault, LONG).wait();
            assert_eq!(death.end, End::Signal(libc::SIGABRT), "{death:?}");
            assert!(death.after < LONG, "{death:?}");
        }));
    }
    trials.push(trial(
        "core_may_be_finished::after_the_deadline".to_owned(),
        core_dump_is_finished_after_the_deadline,
    ));
    trials
}

/// The control is `core_takes_too_long`: there the same core is cut off.
fn core_dump_is_finished_after_the_deadline() {
    let victim = Victim::watched("core_may_be_finished", GRACE);
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    // The victim checks that its core is complete.
    assert_eq!(death.end, End::Status(UNSTUCK), "{death:?}");
    assert!(death.after >= GRACE, "written in time: {death:?}");
}

fn keeps_the_process(fault: &str, ends: &[End]) {
    let victim = Victim::watched(fault, KEPT_GRACE);
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    assert!(ends.contains(&death.end), "{death:?}");
    assert!(death.after >= 4 * KEPT_GRACE, "ended too soon: {death:?}");
}
