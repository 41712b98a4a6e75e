//! Standard error is a pipe that its reader does not empty: no write may delay the end.

use std::fs::File;
use std::io::Read;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::run::{self, IGNORES_TERM, Run};

/// Runs `script` with a full pipe, and sends SIGTERM once it has printed a line. Returns
/// the status and the time from the signal to the end.
fn ends(options: &[&str], script: &str, is_signaled: bool) -> (Option<i32>, Duration) {
    let (mut reader, writer) = run::full_pipe();
    let mut control = blocked(&writer);
    let mut command = run::deadstop(options, script);
    command.stdout(Stdio::piped());
    command.stderr(writer.try_clone().expect("dup"));
    let mut deadstop = Run::start(&mut command);
    deadstop.first_line();
    let begun = Instant::now();
    if is_signaled {
        deadstop.send(libc::SIGTERM);
    }
    let status = deadstop.wait().expect("it ends with a full pipe");
    let length = begun.elapsed();
    assert!(control.is_alive(), "the pipe was full all the time");
    drop((writer, command));
    let mut rest = Vec::new();
    reader.read_to_end(&mut rest).expect("the pipe");
    assert!(control.wait().is_some(), "and is not any more");
    (status.code(), length)
}

/// The control: a program that prints one line.
fn blocked(writer: &File) -> Run {
    let mut command = Command::new("bash");
    command.args(["-c", "echo line >&2"]);
    Run::start(command.stderr(writer.try_clone().expect("dup")))
}

#[test]
fn program_that_ignores_its_signal_ends_at_the_deadline() {
    let (status, length) = ends(&["--grace", "1"], IGNORES_TERM, true);
    assert_eq!(status, Some(124));
    assert!(length >= Duration::from_secs(1), "early: {length:?}");
}

#[test]
fn program_that_dies_of_its_signal_is_reaped() {
    let script = "echo up; exec sleep 600";
    let (status, _) = ends(&["--grace", "60"], script, true);
    assert_eq!(status, Some(143));
}

#[test]
fn program_that_ends_by_itself_is_reaped() {
    let (status, _) = ends(&["--grace", "60"], "echo up; exit 3", false);
    assert_eq!(status, Some(3));
}

#[test]
fn error_of_the_command_line_ends_it() {
    let (_reader, writer) = run::full_pipe();
    let mut control = blocked(&writer);
    let mut command = Command::new(env!("CARGO_BIN_EXE_deadstop"));
    let mut deadstop = Run::start(command.arg("--yolo").stderr(writer));
    let status = deadstop.wait().expect("it ends with a full pipe");
    assert_eq!(status.code(), Some(125));
    assert!(control.is_alive(), "the pipe was full all the time");
}

#[test]
fn report_and_last_line_are_written_where_there_is_a_reader() {
    let mut command = run::deadstop(&["--grace", "1"], IGNORES_TERM);
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut deadstop = Run::start(&mut command);
    deadstop.first_line();
    deadstop.send(libc::SIGTERM);
    assert_eq!(deadstop.wait().and_then(|it| it.code()), Some(124));
    let mut text = String::new();
    let mut errors = deadstop.0.stderr.take().expect("a pipe");
    errors.read_to_string(&mut text).expect("text");
    let report = text.find("end of hang report").expect(&text);
    let last = text.find("was killed at the deadline").expect(&text);
    assert!(report < last, "{text}");
}
