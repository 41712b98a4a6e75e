//! One hang each, and what must be said of it.

use deadstop::HangReport;

use crate::REPORTED;
use crate::harness::{Death, GRACE, Victim};
use crate::read::{Running, details, hung, is_in, running};

/// What must be said of a planted task.
struct Planted {
    name: &'static str,
    state: char,
    /// As the report words it; of one with a descriptor, the beginning.
    doing: &'static str,
    function: &'static str,
}

/// Whether stacks are there to be compared.
const STACKS: bool = cfg!(feature = "stacks");

fn is_told(fault: &str, planted: &Planted) -> (Death, HangReport) {
    let (death, report) = hung(fault, REPORTED);
    let culprit = report.culprits.first().expect("a culprit");
    assert_eq!(
        (report.hung, culprit.name.as_str()),
        (1, planted.name),
        "{death:?}"
    );
    assert_eq!(culprit.phase, "close", "{death:?}");
    // All but the last tenth of the grace, at least.
    assert!(culprit.ran >= REPORTED * 8 / 10, "{death:?}");

    let task = report.task(planted.name).expect("it has a line");
    assert!(
        task.file.ends_with("victim/shutdown/program.rs"),
        "{death:?}"
    );
    let running = running(&report, planted.name);
    assert!(!running.abandoned, "{death:?}");
    let details = running.details();
    assert_eq!(details.name, first_15(planted.name), "{death:?}");
    assert_eq!(details.state, planted.state, "{death:?}");
    assert!(details.doing.starts_with(planted.doing), "{death:?}");
    is_on_its_stack(&running, planted.function, &death);
    (death, report)
}

fn is_on_its_stack(running: &Running<'_>, function: &str, death: &Death) {
    if STACKS {
        let thread = running.thread.expect("its thread is known");
        assert!(is_in(death, thread, function), "{death:?}");
    }
}

/// As much of a name as the kernel keeps.
fn first_15(name: &str) -> &str {
    &name[..name.len().min(15)]
}

macro_rules! planted {
    ($($fault:ident => $name:literal, $state:literal, $doing:literal, $function:literal;)*) => {$(
        mod $fault {
            use super::*;

            #[test]
            fn is_told() {
                let planted = Planted {
                    name: $name,
                    state: $state,
                    doing: $doing,
                    function: $function,
                };
                super::is_told(stringify!($fault), &planted);
            }

            #[test]
            fn is_stuck_without_a_watchdog() {
                assert!(Victim::unwatched(stringify!($fault), GRACE).lives_for(3 * GRACE));
            }
        }
    )*};
}

planted! {
    planted_child => "wait for the mother ship", 'S', "waits for a child process", "waits_for_a_child";
    planted_condvar => "hear of the harvest", 'S', "waits for a lock", "waits_for_a_condition";
    planted_join => "gather the flock", 'S', "waits for a lock", "joins_a_stuck_thread";
    planted_mutex => "lock the stable twice", 'S', "waits for a lock", "locks_a_mutex_twice";
    planted_parking_lot => "lock the barn twice", 'S', "waits for a lock", "locks_a_parking_lot_twice";
    planted_read => "drain the well", 'S', "reads from descriptor ", "reads_an_empty_pipe";
    planted_sleep => "sleep on it", 'S', "sleeps", "sleeps_for_an_hour";
    planted_spin => "count every bean", 'R', "runs", "spins_for_ever";
    planted_write => "fill the trough", 'S', "writes to descriptor ", "writes_a_full_pipe";
}

#[test]
fn a_descriptor_is_named_by_its_number_and_kind() {
    for (fault, name, verb) in [
        ("planted_read", "drain the well", "reads from"),
        ("planted_write", "fill the trough", "writes to"),
    ] {
        let (death, report) = hung(fault, REPORTED);
        let number = death
            .stderr
            .lines()
            .find_map(|line| line.strip_prefix("descriptor "));
        let number = number.expect("the victim says it");
        let expected = format!("{verb} descriptor {number} (pipe");
        let doing = &running(&report, name).details().doing;
        assert!(doing.starts_with(&expected), "{death:?}");
    }
}

#[test]
fn one_that_spins_is_seen_to_use_processor_time() {
    let (death, report) = hung("planted_spin", REPORTED);
    let details = running(&report, "count every bean").details();
    assert!(details.cpu.is_some_and(|cpu| !cpu.is_zero()), "{death:?}");
    assert!(details.busy.is_some_and(|busy| busy > 0), "{death:?}");
}

/// One in uninterruptible sleep hears no signal, and so has no stack.
mod planted_uninterruptible {
    use super::*;
    use deadstop::ThreadStack;

    #[test]
    fn is_told() {
        let (death, report) = hung("planted_uninterruptible", REPORTED);
        assert_eq!(report.culprits[0].name, "await the stork", "{death:?}");
        let running = running(&report, "await the stork");
        let details = running.details();
        assert_eq!(details.state, 'D', "{death:?}");
        assert!(
            details.doing.starts_with("in uninterruptible sleep"),
            "{death:?}"
        );
        if STACKS {
            let stack = &running.thread.expect("its thread is known").stack;
            assert!(
                matches!(stack, Some(ThreadStack::Refused(why)) if !why.is_empty()),
                "{death:?}"
            );
            // And the one that can be had comes all the same.
            let main = report.threads.first().expect("main is listed");
            assert!(is_in(&death, main, "plant"), "{death:?}");
        }
    }

    #[test]
    fn is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("planted_uninterruptible", GRACE).lives_for(3 * GRACE));
    }
}

/// One that blocks every signal has no stack, and all the rest.
mod planted_blocked {
    use super::*;
    use deadstop::ThreadStack;

    #[test]
    fn is_told() {
        let (death, report) = hung("planted_blocked", REPORTED);
        let running = running(&report, "hear no evil");
        assert_eq!(running.details().doing, "runs", "{death:?}");
        if STACKS {
            let stack = &running.thread.expect("its thread is known").stack;
            let why = "the thread blocks the signal";
            assert_eq!(
                stack,
                &Some(ThreadStack::Refused(why.to_owned())),
                "{death:?}"
            );
        }
    }

    #[test]
    fn is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("planted_blocked", GRACE).lives_for(3 * GRACE));
    }
}

/// Every task is over, and main is stuck on its way out.
mod planted_exit {
    use super::*;

    #[test]
    fn is_told() {
        let (death, report) = hung("planted_exit", REPORTED);
        assert_eq!(report.hung, 0, "{death:?}");
        assert!(report.culprits.is_empty(), "{death:?}");
        let nobody = "no task is running, but the process has not ended";
        assert!(death.stderr.contains(nobody), "{death:?}");
        let main = report.threads.first().expect("main is listed");
        assert_eq!(details(main).name, "victim", "{death:?}");
        assert_eq!(details(main).doing, "waits for a signal", "{death:?}");
        assert!(!STACKS || is_in(&death, main, "exits_never"), "{death:?}");
    }

    #[test]
    fn is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("planted_exit", GRACE).lives_for(3 * GRACE));
    }
}
