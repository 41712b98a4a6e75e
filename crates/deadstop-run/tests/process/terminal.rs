//! A terminal: Ctrl-C begins the shutdown, the program gets it once, and Ctrl-Z works.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::time::{Duration, Instant};

use crate::run::{self, Run, until};

/// Handles SIGINT, and goes on without end. The sum is not what the terminal echoes.
const GOES_ON: &str =
    "trap 'echo int-$((40+2))' INT; echo up-$((40+2)); while :; do sleep 0.1; done";

/// Counts each SIGINT: a shell's trap runs once for several that come together.
const COUNTS: &str = r#"exec python3 -c '
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
os.write(1, b"up-%d\n" % 42)
while True:
    signal.sigwait([signal.SIGINT])
    os.write(1, b"int-%d\n" % 42)'"#;

/// As [`GOES_ON`], for two seconds.
const GOES_ON_FOR_A_WHILE: &str = "trap 'echo int-$((40+2))' INT; echo up-$((40+2)); for n in {1..20}; do sleep 0.1; done; \
     echo end-$((40+2))";

/// A terminal, and the process that is the leader of its session.
struct Terminal {
    file: File,
    leader: Run,
    text: String,
}

impl Terminal {
    fn start(mut command: Command) -> Self {
        let (mut ours, mut theirs) = (0, 0);
        // SAFETY: the first two pointers are valid for writes, the others may be null.
        let opened = unsafe {
            libc::openpty(
                &raw mut ours,
                &raw mut theirs,
                std::ptr::null_mut(),
                std::ptr::null(),
                std::ptr::null(),
            )
        };
        assert_eq!(opened, 0, "openpty");
        // SAFETY: `openpty` has just made the descriptor.
        let ours = unsafe { OwnedFd::from_raw_fd(ours) };
        // SAFETY: `openpty` has just made the descriptor.
        let theirs = unsafe { OwnedFd::from_raw_fd(theirs) };
        let take_terminal = || {
            // SAFETY: no precondition.
            unsafe { libc::setsid() };
            // SAFETY: an integer.
            unsafe { libc::ioctl(0, libc::TIOCSCTTY, 0) };
            // A background job ignores it, and would pass that on.
            // SAFETY: two integers; no handler is set.
            unsafe { libc::signal(libc::SIGINT, libc::SIG_DFL) };
            Ok(())
        };
        command
            .stdin(theirs.try_clone().expect("dup"))
            .stdout(theirs.try_clone().expect("dup"))
            .stderr(theirs);
        // SAFETY: the closure makes system calls alone.
        unsafe { command.pre_exec(take_terminal) };
        let leader = Run::start(&mut command);
        let ours = File::from(ours);
        run::set_blocking(&ours, false);
        Self {
            file: ours,
            leader,
            text: String::new(),
        }
    }

    fn types(&mut self, text: &str) {
        self.file.write_all(text.as_bytes()).expect("the terminal");
    }

    /// Waits until the terminal shows `word`.
    fn shows(&mut self, word: &str) {
        let found = until(|| {
            self.read();
            self.text.contains(word).then_some(())
        });
        assert!(found.is_some(), "{word} is missing: {}", self.text);
    }

    fn read(&mut self) {
        let mut bytes = [0; 4096];
        while let Ok(length @ 1..) = self.file.read(&mut bytes) {
            let bytes = bytes.get(..length).unwrap_or(&[]);
            self.text.push_str(&String::from_utf8_lossy(bytes));
        }
    }

    /// Waits for the end. Returns the status and all that was shown.
    fn ends(mut self) -> (Option<i32>, String) {
        let status = until(|| {
            self.read();
            self.leader.0.try_wait().expect("waitpid")
        });
        self.read();
        let status = status.unwrap_or_else(|| panic!("it has not ended: {}", self.text));
        (status.code(), self.text)
    }
}

fn deadstop(options: &[&str], script: &str) -> Terminal {
    let mut command = run::deadstop(options, script);
    command.env("PS1", "$ ");
    Terminal::start(command)
}

#[test]
fn control_c_begins_the_shutdown_and_reaches_the_program_once() {
    let mut terminal = deadstop(&["--grace", "1"], COUNTS);
    terminal.shows("up-42");
    let begun = Instant::now();
    terminal.types("\x03");
    terminal.shows("int-42");
    let (status, text) = terminal.ends();
    assert_eq!(status, Some(124), "{text}");
    assert!(begun.elapsed() >= Duration::from_secs(1), "early: {text}");
    assert_eq!(text.matches("int-42").count(), 1, "{text}");
    assert!(text.contains("SIGINT from the terminal"), "{text}");
    assert!(!text.contains("leaves processes behind"), "{text}");
}

/// The control: the program goes on after Ctrl-C for longer than the grace period.
#[test]
fn control_c_begins_nothing_where_it_is_not_a_trigger() {
    let mut terminal = deadstop(&["--grace", "1", "--on", "TERM"], GOES_ON_FOR_A_WHILE);
    terminal.shows("up-42");
    terminal.types("\x03");
    let (status, text) = terminal.ends();
    assert_eq!(status, Some(0), "{text}");
    assert_eq!(text.matches("int-42").count(), 1, "{text}");
    assert!(text.contains("end-42"), "{text}");
}

#[test]
fn signal_of_another_process_reaches_the_program_once() {
    let mut terminal = deadstop(&["--grace", "1"], COUNTS);
    terminal.shows("up-42");
    terminal.leader.send(libc::SIGINT);
    let (status, text) = terminal.ends();
    assert_eq!(status, Some(124), "{text}");
    assert_eq!(text.matches("int-42").count(), 1, "{text}");
    assert!(text.contains("SIGINT from pid"), "{text}");
}

#[test]
fn listener_ends_with_a_program_that_ends_by_itself() {
    let terminal = deadstop(&["--grace", "60"], "exit 3");
    let (status, text) = terminal.ends();
    assert_eq!(status, Some(3), "{text}");
    assert!(!text.contains("leaves processes behind"), "{text}");
}

#[test]
fn job_that_was_stopped_and_continued_still_hears_control_c() {
    let mut shell = Command::new("bash");
    shell.args(["--norc", "--noprofile", "-i"]);
    shell.env_remove("DEADSTOP_GRACE");
    let mut terminal = Terminal::start(shell);
    let program = env!("CARGO_BIN_EXE_deadstop");
    let script = format!("trap 'echo continued-$((40+2))' CONT; {GOES_ON}");
    let script = script.replace('$', "\\$");
    terminal.types(&format!(
        "{program} run --grace 1 -- bash -c \"{script}\"\n"
    ));
    terminal.shows("up-42");
    terminal.types("\x1a");
    terminal.shows("Stopped");
    terminal.types("fg\n");
    // The program has the terminal again.
    terminal.shows("continued-42");
    terminal.types("\x03");
    terminal.shows("int-42");
    terminal.shows("was killed at the deadline");
    terminal.types("echo status-$?; exit\n");
    let (_, text) = terminal.ends();
    assert!(text.contains("status-124"), "{text}");
    assert_eq!(text.matches("int-42").count(), 1, "{text}");
    assert!(text.contains("SIGINT from the terminal"), "{text}");
}
