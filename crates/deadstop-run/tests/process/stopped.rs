//! A program that stops itself where no shell continues it.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::{Duration, Instant};

use crate::run::{self, Run, until};

const GRACE: Duration = Duration::from_millis(500);

/// Starts a program that says its number and stops, in a session without a terminal.
fn start(script: &str) -> (Run, i32) {
    let mut command = run::deadstop(&["--grace", "500ms"], script);
    command.stdout(Stdio::piped()).stderr(Stdio::null());
    let leave_terminal = || {
        // SAFETY: no precondition.
        unsafe { libc::setsid() };
        Ok(())
    };
    // SAFETY: the closure makes a system call alone.
    unsafe { command.pre_exec(leave_terminal) };
    let mut deadstop = Run::start(&mut command);
    let program = deadstop.first_line().parse().expect("a number");
    until(|| (state(program) == Some(b'T')).then_some(())).expect("it has stopped");
    (deadstop, program)
}

fn state(pid: i32) -> Option<u8> {
    let text = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    text.rsplit(')').next()?.trim().bytes().next()
}

#[test]
fn program_that_stops_itself_without_a_terminal_has_its_deadline() {
    for signal in ["STOP", "TSTP"] {
        let (mut deadstop, program) = start(&format!("echo $$; kill -{signal} $$; sleep 600"));
        let begun = Instant::now();
        deadstop.send(libc::SIGTERM);
        let status = deadstop.wait().expect("it ends");
        assert_eq!(status.code(), Some(124), "{signal}");
        assert!(begun.elapsed() >= GRACE, "early: {:?}", begun.elapsed());
        assert_eq!(state(program), None, "{signal}");
    }
}

#[test]
fn program_that_stopped_itself_without_a_terminal_is_continued_by_a_signal() {
    let (mut deadstop, _) = start("echo $$; kill -STOP $$; exit 3");
    std::thread::sleep(Duration::from_millis(200));
    assert!(deadstop.is_alive(), "nothing has continued it");
    deadstop.send(libc::SIGCONT);
    assert_eq!(deadstop.wait().expect("it ends").code(), Some(3));
}
