//! What a program can rely on once its shutdown has begun: phases in their
//! order, one clock, and nothing that a task hangs in.
//!
//! There is one shutdown per process, so each case is a process of its own: a
//! scenario under `tests/fixtures/scenario`, which asserts what it sees from
//! inside. It exits with [`SEEN`] if it has seen all, and nothing else does.
//! Every wait has a bound, and load can only make things later: that nothing is
//! early is asserted on every run, how late it is on the best of a few.
//!
//! The ids are of cases that the suites of other systems hold them to:
//! Pekko's coordinated shutdown (PK), tokio-graceful-shutdown (TG), Hadoop's
//! shutdown hooks (HD), Fx (FX), signal-mod (SM), close-with-grace (CG).
//!
//! | left out | because |
//! | --- | --- |
//! | PK1-3 | unit and property tests in `src/coordinator/plan.rs` |
//! | PK17 | a status by cause: `clean_exit` is tested with real signals |
//! | PK18, PK27-31 | actors: tasks wait for what they wake by themselves |
//! | PK22-25 | JVM hooks: one `atexit` handler, and nothing to remove |
//! | TG2 | a task is a closure; a struct's method is one |
//! | TG5, TG8, TG9 | an error starts no shutdown: only a task's own outcome |
//! | TG14, TG17 | dropping a handle changes nothing, by design |
//! | TG19, TG20 | as TG5, but for a scope: see `mod scopes` |
//! | TG24, TG25, HD6, HD7 | real signals have a test binary of their own |
//! | TG27, TG28 | who is still alive is the hang report's to say |
//! | TG40, TG41, TGu | tokens and wrapped futures of one runtime |
//! | HD3 | there is no least budget to raise one to |
//! | HD4 | the same closure twice is two tasks, as in PK6 |
//! | FX1 | but for its last case: hooks in reverse order, errors joined |
//! | FX3, FX4 | signal queues, and the shell's view: tests of signals |
//! | SM2 | but for the cases here: threads refused, forks: tests of faults |
//! | SM3 | real signals |
//! | CG2-7, CG9-13, CG17, CG20, CG21 | signals, loggers, uncaught errors |

#[path = "../harness/mod.rs"]
mod harness;

mod budgets;
mod cancel;
mod futures;
mod hangs;
mod one_run;
mod phases;
mod report;
mod scopes;
mod tasks;

use std::process::Command;
use std::time::Duration;

use harness::{Death, End, Victim};

/// The status of a scenario that has seen all it should.
const SEEN: i32 = 42;

/// The harness has its own patience on top.
const PATIENCE: Duration = Duration::from_secs(8);

/// Runs a scenario that must see all it should: in silence, where the thread of
/// the last task may conclude the run, and with an operator to be told, where
/// the coordinator's does.
fn sees(scenario: &str) -> Death {
    let mut silent = command(scenario);
    silent.env("SCENARIO_SILENT", "");
    let death = Victim::start(silent, scenario, PATIENCE).wait();
    assert_eq!(death.end, End::Status(SEEN), "in silence: {death:?}");
    ends_with(scenario, SEEN)
}

/// Runs a scenario that must end with `status`.
fn ends_with(scenario: &str, status: i32) -> Death {
    let death = run(scenario);
    assert_eq!(death.end, End::Status(status), "{death:?}");
    death
}

fn run(scenario: &str) -> Death {
    Victim::start(command(scenario), scenario, PATIENCE).wait()
}

fn command(scenario: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    command.arg(scenario);
    command
}

/// Runs a scenario a few times, until it was late by at most `share`.
///
/// Load on the machine can only make things later, so the best of a few runs is
/// the one that says most about us.
fn sees_and_is_late_by_at_most(share: Duration, scenario: &str) {
    let late = |death: Death| {
        let mut lines = death.stdout.lines();
        let late = lines.find_map(|line| line.strip_prefix("late "));
        let late = late.expect("it says how late it was");
        Duration::from_micros(late.parse().expect("a number"))
    };
    let mut runs = Vec::new();
    while runs.len() < 5 {
        runs.push(late(sees(scenario)));
        if runs.last().is_some_and(|late| *late <= share) {
            return;
        }
    }
    panic!("{scenario} was late each time: {runs:?}");
}
