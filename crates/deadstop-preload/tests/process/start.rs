//! Starts a victim and observes how it ends.

use std::io::{BufRead, BufReader, Read};
use std::iter;
use std::os::unix::process::ExitStatusExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const VICTIM: &str = "DEADSTOP_TEST_VICTIM";
pub(crate) const GRACE: Duration = Duration::from_millis(1000);
/// No verdict on lateness: a bound for a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) type Test = (&'static str, fn());

/// A victim that is about to be started.
pub(crate) struct Start {
    command: Command,
}

/// A victim that runs.
pub(crate) struct Running {
    child: Child,
    output: Receiver<String>,
    errors: Receiver<String>,
}

/// The end of a victim.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) code: Option<i32>,
    pub(crate) signal: Option<i32>,
    pub(crate) stderr: String,
}

pub(crate) fn library() -> PathBuf {
    let program = std::env::current_exe().expect("the path of this program");
    let library = program.with_file_name("libdeadstop_preload.so");
    // The loader would start the victim without it.
    assert!(library.exists(), "{} is missing", library.display());
    library
}

impl Start {
    /// Prepares a victim, preloaded and with a grace period.
    pub(crate) fn new(victim: &str) -> Self {
        Self::without_grace(victim).set("DEADSTOP_GRACE", &format!("{}ms", GRACE.as_millis()))
    }

    /// Prepares a victim, preloaded only.
    pub(crate) fn without_grace(victim: &str) -> Self {
        let program = std::env::current_exe().expect("the path of this program");
        let mut command = Command::new(program);
        command
            .env(VICTIM, victim)
            .env("LD_PRELOAD", library())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        Self { command }
    }

    pub(crate) fn set(mut self, name: &str, value: &str) -> Self {
        self.command.env(name, value);
        self
    }

    pub(crate) fn stderr(mut self, to: impl Into<Stdio>) -> Self {
        self.command.stderr(to);
        self
    }

    /// Starts the victim by another program, such as `unshare`.
    pub(crate) fn by(mut self, program: &str, arguments: &[&str]) -> Self {
        let mut command = Command::new(program);
        command.args(arguments).arg(self.command.get_program());
        for (name, value) in self.command.get_envs() {
            if let Some(value) = value {
                command.env(name, value);
            }
        }
        // The other program needs no deadline.
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        self.command = command;
        self
    }

    pub(crate) fn start(mut self) -> Running {
        let mut child = self.command.spawn().expect("the victim starts");
        let output = lines(child.stdout.take());
        let errors = lines(child.stderr.take());
        Running {
            child,
            output,
            errors,
        }
    }

    /// Runs a victim that ends by itself.
    pub(crate) fn end(self) -> End {
        self.start().end()
    }
}

impl Running {
    pub(crate) fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process id")
    }

    /// Returns the next line that the victim prints; empty if it ends before.
    pub(crate) fn line(&mut self) -> String {
        match self.output.recv_timeout(PATIENCE) {
            Ok(line) => line.trim_end().into(),
            Err(RecvTimeoutError::Disconnected) => String::new(),
            Err(RecvTimeoutError::Timeout) => {
                let _ = self.child.kill();
                panic!("the victim has printed nothing for {PATIENCE:?}");
            }
        }
    }

    pub(crate) fn send(&self, signal: i32) {
        // SAFETY: two integers; the child has not been reaped.
        assert_eq!(unsafe { libc::kill(self.pid(), signal) }, 0);
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.child.try_wait().expect("a child").is_none()
    }

    /// Waits for the end.
    pub(crate) fn end(mut self) -> End {
        let end = Instant::now() + PATIENCE;
        let status = loop {
            match self.child.try_wait().expect("a child") {
                Some(status) => break status,
                None if Instant::now() > end => {
                    let _ = self.child.kill();
                    panic!("the victim is still there after {PATIENCE:?}");
                }
                None => thread::sleep(Duration::from_millis(2)),
            }
        };
        // A process that the victim has left may hold the pipe open.
        let left = || end.saturating_duration_since(Instant::now());
        let lines = iter::from_fn(|| self.errors.recv_timeout(left()).ok());
        End {
            code: status.code(),
            signal: status.signal(),
            stderr: lines.collect(),
        }
    }

    /// Sends `SIGTERM`, and expects the end at the deadline with our status and a report.
    pub(crate) fn ends_at_deadline(self) -> End {
        let begun = Instant::now();
        self.send(libc::SIGTERM);
        let end = self.end();
        assert!(begun.elapsed() >= GRACE, "early: {:?}", begun.elapsed());
        assert_eq!(end.code, Some(124), "{end:?}");
        end
    }

    /// Sends `SIGTERM`, and expects that the victim is still there well after the grace
    /// period. Kills it.
    pub(crate) fn outlives_deadline(mut self) {
        self.send(libc::SIGTERM);
        thread::sleep(GRACE * 2);
        assert!(self.is_alive(), "the control has ended by itself");
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }
}

impl End {
    /// Asserts that the victim ended with 0 and wrote nothing to standard error.
    pub(crate) fn assert_silent_success(&self) {
        assert_eq!((self.code, self.stderr.as_str()), (Some(0), ""), "{self:?}");
    }

    /// Asserts that standard error has these words.
    pub(crate) fn says(&self, words: &str) {
        assert!(
            self.stderr.contains(words),
            "no {words:?} in:\n{}",
            self.stderr
        );
    }
}

/// Reads lines on a thread of its own, so that a test can wait for one with a bound.
fn lines(pipe: Option<impl Read + Send + 'static>) -> Receiver<String> {
    let (found, lines) = channel();
    thread::spawn(move || {
        let mut pipe = pipe.map(BufReader::new);
        loop {
            let mut line = String::new();
            let read = pipe.as_mut().map(|pipe| pipe.read_line(&mut line));
            if !matches!(read, Some(Ok(1..))) || found.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// Waits until `condition` holds.
pub(crate) fn until(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "not {what} after {PATIENCE:?}");
        thread::sleep(Duration::from_millis(5));
    }
}
