//! A test that starts its own binary again: the second process runs the test's scenario.

use std::process::{Command, Stdio};

/// Names the test whose scenario a process runs.
const SCENARIO: &str = "DEADSTOP_TEST_SCENARIO";

/// Returns `true` if this process was started for a scenario.
pub(crate) fn is_scenario() -> bool {
    std::env::var_os(SCENARIO).is_some()
}

/// Returns `true` if this process was started for the scenario of `test`.
pub(crate) fn is_scenario_of(test: &str) -> bool {
    std::env::var_os(SCENARIO).is_some_and(|name| name == test)
}

/// Returns the command that starts this binary for the scenario of `test`. `launcher` is a
/// program that starts it, with its arguments, or empty.
pub(crate) fn command(test: &str, launcher: &[&str]) -> Command {
    let program = std::env::current_exe().expect("it runs");
    let mut command = match launcher {
        [] => Command::new(program),
        [launcher, arguments @ ..] => {
            let mut command = Command::new(launcher);
            command.args(arguments).arg(program);
            command
        }
    };
    command
        .args([
            test,
            "--exact",
            "--nocapture",
            "--test-threads=1",
            "--include-ignored",
        ])
        .env(SCENARIO, test)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}
