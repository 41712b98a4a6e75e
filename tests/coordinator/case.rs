//! A test: a scenario that runs in its own process, and the checks of that process.

use std::process::Command;
use std::time::Duration;

use crate::SCENARIO;
use crate::harness::{Death, End, Victim};
use crate::scenario::PASSED;

/// Maximum time for a victim, in addition to the time limit of the harness.
const PATIENCE: Duration = Duration::from_secs(8);

/// Maximum number of runs of a scenario that must not be late.
const TRIES: usize = 5;

/// A test, in the list of its file.
pub(crate) struct Test {
    pub(crate) module: &'static str,
    pub(crate) name: &'static str,
    pub(crate) case: fn() -> Case,
}

impl Test {
    /// Returns the name by which the test is chosen, such as `budgets::NAME`.
    pub(crate) fn full_name(&self) -> String {
        let module = self
            .module
            .split_once("::")
            .map_or("", |(_, module)| module);
        format!("{module}::{}", self.name)
    }
}

/// Lists the tests of a file. The compiler warns of a test that is missing here, because it is
/// dead code.
macro_rules! tests {
    ($($(#[$only:meta])* $name:ident,)*) => {
        pub(super) const TESTS: &[crate::case::Test] = &[$(
            $(#[$only])*
            crate::case::Test {
                module: module_path!(),
                name: stringify!($name),
                case: $name,
            },
        )*];
    };
}

/// A scenario, and the check of the process that runs it.
pub(crate) struct Case {
    scenario: fn(),
    check: Box<dyn Fn(&Victims<'_>)>,
}

/// Makes a case that passes if no assertion of the scenario fails.
pub(crate) fn passes(scenario: fn()) -> Case {
    ends_with(PASSED, scenario)
}

/// Makes a case whose process must end with `status`.
pub(crate) fn ends_with(status: i32, scenario: fn()) -> Case {
    checked_by(scenario, move |victims| {
        victims.ends_with(status);
    })
}

/// Makes a case whose scenario prints its lateness as `late MICROSECONDS`. It passes if one of a
/// few runs is late by at most `share`, because load can only make a run later.
pub(crate) fn late_by_at_most(share: Duration, scenario: fn()) -> Case {
    let late = |death: Death| {
        let mut lines = death.stdout.lines();
        let late = lines.find_map(|line| line.strip_prefix("late "));
        let late = late.expect("the scenario prints its lateness");
        Duration::from_micros(late.parse().expect("a number"))
    };
    checked_by(scenario, move |victims| {
        let mut runs = Vec::new();
        while runs.len() < TRIES {
            runs.push(late(victims.passes()));
            if runs.last().is_some_and(|late| *late <= share) {
                return;
            }
        }
        panic!("every run was too late: {runs:?}");
    })
}

/// Makes a case whose `check` runs the scenario as often as it needs and asserts the results.
pub(crate) fn checked_by(scenario: fn(), check: impl Fn(&Victims<'_>) + 'static) -> Case {
    Case {
        scenario,
        check: Box::new(check),
    }
}

impl Case {
    /// Repeats the case, to make a race more likely.
    pub(crate) fn times(self, times: usize) -> Self {
        checked_by(self.scenario, move |victims| {
            for _ in 0..times {
                (self.check)(victims);
            }
        })
    }

    /// Runs the scenario in this process.
    pub(crate) fn run_scenario(&self) {
        (self.scenario)();
    }

    /// Runs the scenario in its own processes, and checks them.
    pub(crate) fn check(&self, test: &str) {
        (self.check)(&Victims { test });
    }
}

/// Starts the processes of a test.
pub(crate) struct Victims<'a> {
    test: &'a str,
}

impl Victims<'_> {
    /// Runs the scenario, whose assertions must all hold.
    pub(crate) fn passes(&self) -> Death {
        self.ends_with(PASSED)
    }

    /// Runs the scenario, whose process must end with `status`.
    pub(crate) fn ends_with(&self, status: i32) -> Death {
        let death = self.run();
        assert_eq!(death.end, End::Status(status), "{death:?}");
        death
    }

    /// Runs the scenario, whose process must end with `status`, and not before `earliest`.
    pub(crate) fn ends_after(&self, earliest: Duration, status: i32) -> Death {
        let death = self.ends_with(status);
        assert!(death.after >= earliest, "too early: {death:?}");
        death
    }

    /// Runs the scenario. The process may end in any way.
    pub(crate) fn run(&self) -> Death {
        let program = std::env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        command.args([SCENARIO, self.test]);
        Victim::start(command, self.test, PATIENCE).wait()
    }
}
