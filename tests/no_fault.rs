//! A build without the feature `fault` has nothing of it.

use std::fs;
use std::process::{Command, Output};

/// What a fault kit would look at, and would not take.
const VARIABLE: &str = "DEADSTOP_FAULT";

/// Runs a scenario that sees all it should, with the variable set.
fn scenario() -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_scenario"));
    let command = command.arg("every_outcome").env(VARIABLE, "malformed");
    command.output().expect("the scenario starts")
}

/// Whether the program has the variable's name in it.
fn knows_the_variable() -> bool {
    let program = fs::read(env!("CARGO_BIN_EXE_scenario")).expect("it is there");
    let mut windows = program.windows(VARIABLE.len());
    windows.any(|window| window == VARIABLE.as_bytes())
}

#[cfg(not(feature = "fault"))]
#[test]
fn nothing_looks_at_the_variable() {
    let output = scenario();
    assert_eq!(output.status.code(), Some(42), "{output:?}");
    assert!(!knows_the_variable());
}

/// The control: what is looked for is there to be found with the feature.
#[cfg(feature = "fault")]
#[test]
fn with_the_feature_the_variable_is_looked_at() {
    let output = scenario();
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(43), "{output:?}");
    assert!(stderr.contains("Malformed"), "{stderr}");
    assert!(knows_the_variable());
}
