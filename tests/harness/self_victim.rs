//! Runs the scenario of a test in a separate process, which executes the test binary again.

#[path = "ignored_signals.rs"]
mod ignored_signals;
#[path = "reexecution.rs"]
mod reexecution;

use std::io::Write;
use std::process::{Child, Command, Output};
use std::thread;
use std::time::{Duration, Instant};

/// The longest wait of a test for an event that should come at once.
pub(crate) const PATIENCE: Duration = Duration::from_secs(15);

// Not every test target uses all of these.
const _: () = {
    let _ = (run, say, send, park as fn() -> !, reexecution::is_scenario);
};

/// Runs `scenario` if this process is the victim of `test`, and returns the command that
/// starts it otherwise. A scenario that returns ends with status 97.
#[expect(clippy::exit, reason = "the scenario is over")]
pub(crate) fn victim(test: &str, scenario: impl FnOnce()) -> Command {
    if reexecution::is_scenario_of(test) {
        scenario();
        std::process::exit(97);
    }
    let mut command = reexecution::command(test, &[]);
    ignored_signals::reset_in(&mut command);
    command
}

/// Writes a line that the test reads.
pub(crate) fn say(line: &str) {
    // Not `println!`, which the test harness captures.
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}").expect("the test reads");
    out.flush().expect("the test reads");
}

/// Blocks the calling thread for ever.
pub(crate) fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Sends a signal to a victim.
pub(crate) fn send(child: &Child, signal: i32) {
    let pid = i32::try_from(child.id()).expect("a pid");
    // SAFETY: kill(2) takes two integers, and the child is not reaped yet.
    unsafe { libc::kill(pid, signal) };
}

/// Waits for the end of a victim, and kills it after [`PATIENCE`].
pub(crate) fn finish(mut child: Child) -> Output {
    let before = Instant::now();
    while child
        .try_wait()
        .expect("the victim is a child of the test")
        .is_none()
    {
        if before.elapsed() > PATIENCE {
            send(&child, libc::SIGKILL);
        }
        thread::sleep(Duration::from_millis(2));
    }
    child
        .wait_with_output()
        .expect("the victim is a child of the test")
}

/// Starts a victim and waits for its end.
pub(crate) fn run(mut command: Command) -> Output {
    finish(command.spawn().expect("the victim starts"))
}
