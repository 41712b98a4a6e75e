//! The known ways in which a process hangs, tried on real processes.
//!
//! Each fault runs twice. With the watchdog, the process must end at its deadline
//! and as the list says. Without it (the control), the process must still run long
//! after; otherwise the fault does not hang, and the first run proves nothing.
//!
//! A new fault is one entry in a table of `tests/fixtures/victim`: its name, how a watched
//! process ends, and how it gets stuck. With `DEADSTOP_NO_SKIPS` set, a test that the system
//! cannot run fails instead of being skipped. `tests/README.md` says where each case comes from.
//!
//! # Promises that other files test
//!
//! | promise | file |
//! | --- | --- |
//! | every worker of a runtime is blocked | `tests/async_runtimes.rs` |
//! | panics in tasks, loggers, hooks and destructors | `tests/panics.rs`, `tests/shutdown_faults.rs` |
//! | signal storms before, during and after `install`, and at the end | `tests/signals.rs`, `storms` |
//! | a process that is stopped and continued in time | `tests/watchdog.rs`, `time` |
//! | a child of `fork`, `vfork` or `clone` has no watchdog | `tests/watchdog.rs`, `children` |
//! | a grace of zero; a grace too long for the clock | `tests/watchdog.rs`, `time` |
//! | an exit status of 0 is refused | `tests/watchdog.rs`, `installing` |
//! | the report names the hung task | `tests/signals.rs`, `tests/shutdown_faults.rs` |
//! | the process lives 1 ms before its deadline | `tests/watchdog.rs`, `time` |
//! | a process that ends in time keeps its status | `tests/watchdog.rs` |
//! | two copies receive one signal | `copies.rs` |
//! | pid 1 receives signals from which the kernel shields it | `tests/signals.rs`, `second` |
//! | the limits, and processes that abort | `beyond.rs` |
//! | other builds of the program | `builds.rs` |
//! | all others | here, as the victim lists them |

mod beyond;
mod build;
mod builds;
mod copies;
#[path = "../harness/fault_list.rs"]
mod fault_list;
#[path = "../harness/mod.rs"]
mod harness;

use std::process::ExitCode;
use std::sync::LazyLock;

use harness::{BEHIND, End, GRACE, Victim};
use libtest_mimic::{Arguments, Trial};

/// The watchdog ended the process.
const OURS: End = End::Status(124);
/// The backup timer ended it, or the watchdog where `exit_group` is refused.
const KILLED: End = End::Signal(libc::SIGKILL);

/// Each fault, and how the watched process ends.
static FAULTS: LazyLock<Vec<(&str, End)>> =
    LazyLock::new(|| fault_list::read(env!("CARGO_BIN_EXE_victim")));

/// The number of tests that run at the same time: victims mostly sleep.
const AT_ONCE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let mut trials = Vec::new();
    for &(fault, end) in &*FAULTS {
        trials.push(trial(format!("{fault}::ends_at_the_deadline"), move || {
            ends_at_the_deadline(|| start(fault, "watched"), end);
        }));
        trials.push(trial(
            format!("{fault}::is_stuck_without_a_watchdog"),
            move || {
                is_stuck(start(fault, "unwatched"));
            },
        ));
    }
    trials.push(trial(
        "backup_timer_acts_after_the_watchdog_and_without_it".to_owned(),
        backup_timer_acts_after_the_watchdog_and_without_it,
    ));
    trials.extend(beyond::trials());
    trials.extend(builds::trials());
    trials.extend(copies::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// Creates a test that fails by a panic.
fn trial(name: String, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

fn start(fault: &str, watched: &str) -> Victim {
    let mut command = harness::command(fault, GRACE, watched);
    if ["two_copies", "plugin"]
        .iter()
        .any(|it| fault.starts_with(it))
    {
        command.env("PLUGIN", copies::plugin());
    }
    Victim::start(command, fault, GRACE)
}

/// The number of tries of a victim whose watchdog got no processor for so long that the backup
/// timer came first. The campaign measures the frequency of that.
const TRIES: usize = 3;

fn ends_at_the_deadline(start: impl Fn() -> Victim, end: End) {
    for last in (0..TRIES).rev() {
        let victim = start();
        if victim.is_refused() {
            return;
        }
        let death = victim.wait();
        assert!(death.after >= GRACE, "early: {death:?}");
        if last > 0 && end == OURS && death.end == KILLED {
            continue;
        }
        assert_eq!(death.end, end, "{death:?}");
        return;
    }
}

fn is_stuck(victim: Victim) {
    assert!(victim.is_refused() || victim.lives_for(3 * GRACE));
}

/// The timer leaves the watchdog its time, and works where the watchdog cannot.
fn backup_timer_acts_after_the_watchdog_and_without_it() {
    for fault in ["every_call_refused_frozen", "stopped", "watchdog_frozen"] {
        let death = Victim::watched(fault, GRACE).wait();
        assert_eq!(death.end, KILLED, "{death:?}");
        assert!(death.after >= GRACE + BEHIND, "early: {death:?}");
    }
}
