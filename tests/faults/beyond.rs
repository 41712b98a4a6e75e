//! Where the kernel keeps a process whatever is sent to it, what a process dies
//! of without us, and what it was asked to let finish. The crate's documentation
//! says the same, under "What it cannot do".

use std::time::Duration;

use libtest_mimic::Trial;

use crate::harness::{End, GRACE, Victim};
use crate::{KILLED, OURS, is_stuck, trial};

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// Long enough for a process to be kept before its deadline, under load.
const KEPT: Duration = GRACE.saturating_mul(2);

/// What keeps a process past its deadline, for four graces here, and how the
/// process then ends at once.
const BEYOND: &[(&str, &[End])] = &[
    ("cgroup_v1_frozen", &[KILLED]),
    ("disk_is_gone", &[OURS]),
    // As it is held, both lines are on their way.
    ("held_at_exit", &[OURS, KILLED]),
];

/// What a victim exits with that has come through.
const UNSTUCK: i32 = 97;

/// What a process dies of by itself, long before it would have to.
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
        a_core_is_finished_after_the_deadline,
    ));
    trials
}

/// `core_takes_too_long` is its control: there the same core is cut off.
fn a_core_is_finished_after_the_deadline() {
    let victim = Victim::watched("core_may_be_finished", GRACE);
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    // It finds its core whole, and says so.
    assert_eq!(death.end, End::Status(UNSTUCK), "{death:?}");
    assert!(death.after >= GRACE, "written in time: {death:?}");
}

fn keeps_the_process(fault: &str, ends: &[End]) {
    let victim = Victim::watched(fault, KEPT);
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    assert!(ends.contains(&death.end), "{death:?}");
    assert!(death.after >= 4 * KEPT, "not beaten: {death:?}");
}
