//! A program that does not call `deadstop_testkit::enable` reads no fault.
//!
//! The control is in `deadstop-testkit`: there the same variable is read, and a
//! malformed value makes `install` fail.

#![cfg(feature = "shutdown")]
#![expect(unsafe_code, reason = "the harness sends signals to its own children")]

#[path = "harness/self_victim.rs"]
mod self_victim;

use std::fs;

use deadstop::Shutdown;

use self_victim::{run, say, victim};

/// The variable that the test kit reads. In two parts: this program must not contain it.
fn variable() -> String {
    ["DEADSTOP", "FAULT"].join("_")
}

/// A value that the test kit would refuse.
#[test]
fn variable_is_not_read_without_the_test_kit() {
    let mut command = victim("variable_is_not_read_without_the_test_kit", || {
        let shutdown = Shutdown::builder().install().expect("nothing is planted");
        let task = shutdown.task("flush").on_shutdown(|_| say("flushed"));
        task.expect("it has not begun");
        shutdown.finish_and_exit();
    });
    command.env(variable(), "malformed");
    let output = run(command);
    assert_eq!(output.status.code(), Some(0), "{output:?}");
    let stdout = String::from_utf8_lossy(&output.stdout);
    // The harness has begun the line.
    assert!(stdout.contains("flushed"), "{output:?}");
}

#[test]
fn program_without_the_test_kit_does_not_contain_the_variable() {
    let program = std::env::current_exe().expect("it runs");
    let program = fs::read(program).expect("it can be read");
    let variable = variable();
    let mut windows = program.windows(variable.len());
    assert!(!windows.any(|window| window == variable.as_bytes()));
}
