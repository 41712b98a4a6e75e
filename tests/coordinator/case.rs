//! A test: a scenario for a process of its own, and what must be seen of that process.

use std::process::Command;
use std::time::Duration;

use crate::SCENARIO;
use crate::harness::{Death, End, Victim};
use crate::scenario::SEEN;

/// The longest time for a victim. The harness has its own patience on top.
const PATIENCE: Duration = Duration::from_secs(8);

/// The number of tries for a scenario that must not be late.
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

/// Lists the tests of a file. A function that is missing here is dead code, of which the
/// compiler warns.
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

/// The behavior of a process, and the expected observations.
pub(crate) struct Case {
    scenario: fn(),
    judge: Box<dyn Fn(&Victims<'_>)>,
}

/// Makes a case whose scenario asserts what it sees.
pub(crate) fn sees(scenario: fn()) -> Case {
    ends_with(SEEN, scenario)
}

/// Makes a case whose process must end with `status`.
pub(crate) fn ends_with(status: i32, scenario: fn()) -> Case {
    judged(scenario, move |victims| {
        victims.ends_with(status);
    })
}

/// Makes a case whose scenario asserts what it sees, and prints how late it was as
/// `late MICROSECONDS`. Load can only make things later: the best of a few runs counts.
pub(crate) fn late_by_at_most(share: Duration, scenario: fn()) -> Case {
    let late = |death: Death| {
        let mut lines = death.stdout.lines();
        let late = lines.find_map(|line| line.strip_prefix("late "));
        let late = late.expect("it says how late it was");
        Duration::from_micros(late.parse().expect("a number"))
    };
    judged(scenario, move |victims| {
        let mut runs = Vec::new();
        while runs.len() < TRIES {
            runs.push(late(victims.sees()));
            if runs.last().is_some_and(|late| *late <= share) {
                return;
            }
        }
        panic!("it was late each time: {runs:?}");
    })
}

/// Makes a case of which `judge` says how often it is run, and what must be seen.
pub(crate) fn judged(scenario: fn(), judge: impl Fn(&Victims<'_>) + 'static) -> Case {
    Case {
        scenario,
        judge: Box::new(judge),
    }
}

impl Case {
    /// Repeats the case, for a race.
    pub(crate) fn times(self, times: usize) -> Self {
        judged(self.scenario, move |victims| {
            for _ in 0..times {
                (self.judge)(victims);
            }
        })
    }

    /// Runs the scenario in this process.
    pub(crate) fn play(&self) {
        (self.scenario)();
    }

    /// Runs the scenario in processes of their own, and judges them.
    pub(crate) fn judge(&self, test: &str) {
        (self.judge)(&Victims { test });
    }
}

/// Starts the processes of a test.
pub(crate) struct Victims<'a> {
    test: &'a str,
}

impl Victims<'_> {
    /// Runs the scenario, which must see all that it should.
    pub(crate) fn sees(&self) -> Death {
        self.ends_with(SEEN)
    }

    /// Runs the scenario, whose process must end with `status`.
    pub(crate) fn ends_with(&self, status: i32) -> Death {
        let death = self.run();
        assert_eq!(death.end, End::Status(status), "{death:?}");
        death
    }

    /// Runs the scenario, however its process ends.
    pub(crate) fn run(&self) -> Death {
        let program = std::env::current_exe().expect("it runs");
        let mut command = Command::new(program);
        command.args([SCENARIO, self.test]);
        Victim::start(command, self.test, PATIENCE).wait()
    }
}
