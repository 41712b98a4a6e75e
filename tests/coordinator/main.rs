//! Tests the coordinator in real processes: the order of phases, the single deadline, and
//! that the coordinator does not wait for a task that hangs.
//!
//! A process has one shutdown, so each test runs its scenario in a process of its own: the
//! test program starts itself again. The scenario and its assertions are in one function.
//!
//! ```text
//! fn phase_ends_when_its_last_task_returns() -> Case {
//!     late_by_at_most(TENTH / 2, || { ... })     the scenario
//! }
//! ```
//!
//! A scenario prints `installed NANOS` (its reading of `CLOCK_MONOTONIC` at the start). It
//! exits with 42 if all its assertions held. If an assertion fails, on any thread, the process
//! ends at once with 43. A scenario that tests how a process ends lets its own process end.
//!
//! Every wait has a bound. Load can only make events later. Each run therefore asserts that
//! no event is early; only the best of a few runs asserts that none is late.
//!
//! `tests/README.md` lists the tests that correspond to cases of other systems.

#![expect(unsafe_code, reason = "asks the system for what std does not")]

#[macro_use]
mod case;
#[path = "../harness/mod.rs"]
mod harness;
mod journal;
mod scenario;
mod system;

mod budgets;
mod cancel;
mod futures;
mod hangs;
mod one_run;
mod phases;
mod report;
mod scopes;
mod tasks;

use std::process::ExitCode;

use libtest_mimic::{Arguments, Trial};

use case::Test;

const TESTS: &[&[Test]] = &[
    budgets::TESTS,
    cancel::TESTS,
    futures::TESTS,
    hangs::TESTS,
    one_run::TESTS,
    phases::TESTS,
    report::TESTS,
    scopes::TESTS,
    tasks::TESTS,
];

/// The first argument of a process that runs the scenario of a test.
const SCENARIO: &str = "run-scenario";

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() == Some(SCENARIO) {
        let test = arguments.next().expect("the name of a test");
        return run_scenario(&test);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or_else(threads_by_environment);
    let trials = tests().map(|test| {
        let name = test.full_name();
        Trial::test(name.clone(), move || {
            (test.case)().check(&name);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Runs the scenario of `test` in this process.
fn run_scenario(test: &str) -> ExitCode {
    scenario::begin();
    let test = tests().find(|it| it.full_name() == test);
    let test = test.expect("a test has this name");
    (test.case)().run_scenario();
    scenario::end()
}

fn tests() -> impl Iterator<Item = &'static Test> {
    TESTS.iter().copied().flatten()
}

/// The variable of the standard harness.
fn threads_by_environment() -> Option<usize> {
    std::env::var("RUST_TEST_THREADS").ok()?.parse().ok()
}
