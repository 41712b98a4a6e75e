//! `exec` with a deadline that is armed.

use std::os::unix::process::CommandExt;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use super::ok;
use super::self_victim::{run, victim};

const GRACE: Duration = Duration::from_millis(600);
/// Longer than the grace and the delay of the backup timer.
const SCRIPT: &str = "sleep 2; exit 7";

/// Runs a victim that arms, and then does `next`. Returns its end and how long it took.
fn armed(test: &str, next: impl FnOnce(Command)) -> (Output, Duration) {
    let command = victim(test, || {
        let builder = deadstop::Watchdog::builder().grace(GRACE);
        // Load must not change the status.
        let watchdog = ok(builder.backup_after(GRACE).install());
        watchdog.arm();
        let mut shell = Command::new("sh");
        shell.args(["-c", SCRIPT]);
        next(shell);
    });
    let begun = Instant::now();
    (run(command), begun.elapsed())
}

/// By `execve(2)` and `timer_create(2)`, threads and timers end.
#[test]
fn ends_an_armed_deadline() {
    let (output, length) = armed("exec::ends_an_armed_deadline", |mut shell| {
        let error = shell.exec();
        panic!("exec: {error}");
    });
    assert_eq!(output.status.code(), Some(7), "{output:?}");
    assert!(length >= Duration::from_secs(2), "{length:?}");
}

/// The control: the same program, started as a child.
#[test]
fn of_a_child_leaves_the_deadline() {
    let (output, length) = armed("exec::of_a_child_leaves_the_deadline", |mut shell| {
        let _ = shell.status();
    });
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    assert!(length >= GRACE, "too early: {length:?}");
}
