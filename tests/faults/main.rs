//! Every way we know for a process to get stuck, tried on real processes.
//!
//! Each fault is run twice. Watched, the process must end at its deadline and
//! in the way the list says; unwatched, it must still be there long after, or
//! the fault was never a fault and the first run proved nothing.
//!
//! A new fault is one entry in a table of `tests/fixtures/victim` and one line
//! in `list.rs`. `DEADSTOP_NO_SKIPS` makes a test fail that the system
//! would have it skip.
//!
//! # What is promised, and where it is tried
//!
//! | case | where |
//! | --- | --- |
//! | N2 every worker of a runtime blocked | `tests/async_runtimes.rs` |
//! | N11 panics: in tasks, loggers, hooks, of what is dropped | `tests/panics.rs`, `tests/shutdown_faults.rs` |
//! | N14 storms: before, during and after `install`, and at the end | `tests/signals.rs`, `storms` |
//! | N15 stopped and continued in time | `tests/watchdog.rs`, `time` |
//! | N17 a child of `fork`, and of others like it, has no watchdog | `tests/watchdog.rs`, `children` |
//! | N18 a grace of zero, and one too long; there is none that is over | `tests/watchdog.rs`, `time` |
//! | N19 an exit status of 0 is refused; the type refuses the others | `tests/watchdog.rs`, `installing` |
//! | N23 the report names who hangs | `tests/signals.rs`, `tests/shutdown_faults.rs` |
//! | N24 alive 1 ms before the deadline | `tests/watchdog.rs`, `time` |
//! | N25 a good process keeps its status; unarmed it costs nothing. There is no disarm | `tests/watchdog.rs` |
//! | N26 two copies hear one signal | `copies.rs` |
//! | N27 pid 1 hears signals, though the kernel shields it from them | `tests/signals.rs`, `second` |
//! | all others | `list.rs`, by group |
//! | where we are beaten, and what dies by itself | `beyond.rs` |
//! | other builds of the program | `builds.rs` |

mod beyond;
mod build;
mod builds;
mod copies;
#[path = "../harness/mod.rs"]
mod harness;

use std::process::ExitCode;

use harness::{BEHIND, End, GRACE, Victim};
use libtest_mimic::{Arguments, Trial};

/// The second line of defence, with our status and no timer to help it out.
const OURS: End = End::Status(124);
/// The third, or the second where its exit is refused.
const KILLED: End = End::Signal(libc::SIGKILL);
/// The third, where the kernel shields the process from `SIGKILL`.
const AS_IF_KILLED: End = End::Status(137);
/// What is left to the second where every call is refused.
const FAULT: End = End::Signal(libc::SIGILL);

macro_rules! faults {
    ($($fault:ident => $end:ident,)*) => {
        /// Each fault, and how it ends.
        const FAULTS: &[(&str, End)] = &[$((stringify!($fault), $end),)*];
    };
}

include!("list.rs");

/// Victims mostly sleep: so many at once are no load for one processor.
const AT_ONCE: usize = 8;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(AT_ONCE);
    let mut trials = Vec::new();
    for (fault, end) in FAULTS {
        trials.push(trial(format!("{fault}::ends_at_the_deadline"), || {
            ends_at_the_deadline(start(fault, "watched"), *end);
        }));
        trials.push(trial(
            format!("{fault}::is_stuck_without_a_watchdog"),
            || {
                is_stuck(start(fault, "unwatched"));
            },
        ));
    }
    trials.push(trial(
        "the_timer_stands_back_behind_the_watchdog".to_owned(),
        the_timer_stands_back_behind_the_watchdog,
    ));
    trials.extend(beyond::trials());
    trials.extend(builds::trials());
    trials.extend(copies::trials());
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A test, which fails by a panic.
fn trial(name: String, run: impl FnOnce() + Send + 'static) -> Trial {
    Trial::test(name, move || {
        run();
        Ok(())
    })
}

fn start(fault: &str, watched: &str) -> Victim {
    let mut command = harness::command(fault, GRACE, watched);
    if fault.starts_with("two_copies") {
        command.env("PLUGIN", copies::plugin());
    }
    Victim::start(command, fault, GRACE)
}

fn ends_at_the_deadline(victim: Victim, end: End) {
    if victim.is_refused() {
        return;
    }
    let death = victim.wait();
    assert_eq!(death.end, end, "{death:?}");
    assert!(death.after >= GRACE, "early: {death:?}");
}

fn is_stuck(victim: Victim) {
    assert!(victim.is_refused() || victim.lives_for(3 * GRACE));
}

/// It leaves the second line its time, and needs nothing of it.
fn the_timer_stands_back_behind_the_watchdog() {
    for fault in ["every_call_refused_frozen", "stopped", "watchdog_frozen"] {
        let death = Victim::watched(fault, GRACE).wait();
        assert_eq!(death.end, KILLED, "{death:?}");
        assert!(death.after >= GRACE + BEHIND, "early: {death:?}");
    }
}
