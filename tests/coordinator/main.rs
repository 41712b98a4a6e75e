//! Promises to a program once its shutdown has begun: phases in their order, one
//! clock, and no wait for a task that hangs.
//!
//! There is one shutdown per process, so each test runs its scenario in a process of its
//! own: this program, started again. The scenario stands beside what must be seen of it.
//!
//! ```text
//! fn phase_ends_when_its_last_task_does() -> Case {
//!     late_by_at_most(TENTH / 2, || { ... })     the scenario
//! }
//! ```
//!
//! A scenario prints `installed NANOS` (its reading of `CLOCK_MONOTONIC` at the start) and
//! asserts what it sees from inside. It exits with 42 if all was as it should be. An
//! assertion that fails, on any thread, ends it at once with 43. A scenario about how a
//! process ends lets its own end that way.
//!
//! Every wait has a bound, and load can only make things later: that nothing is early is
//! asserted on every run, how late it is on the best of a few.
//!
//! `tests/README.md` says which case of other systems' tests is where.

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
        return play(&test);
    }
    let mut arguments = Arguments::from_args();
    arguments.test_threads = arguments.test_threads.or_else(threads_by_environment);
    let trials = tests().map(|test| {
        let name = test.full_name();
        Trial::test(name.clone(), move || {
            (test.case)().judge(&name);
            Ok(())
        })
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Runs the scenario of `test` in this process.
fn play(test: &str) -> ExitCode {
    scenario::begin();
    let test = tests().find(|it| it.full_name() == test);
    let test = test.expect("a test has this name");
    (test.case)().play();
    scenario::end()
}

fn tests() -> impl Iterator<Item = &'static Test> {
    TESTS.iter().copied().flatten()
}

/// The variable of the standard harness.
fn threads_by_environment() -> Option<usize> {
    std::env::var("RUST_TEST_THREADS").ok()?.parse().ok()
}
