//! Starts victims and observes how they end. The harness asserts nothing about
//! deadstop; it returns what it observed.

#![expect(unsafe_code, reason = "kills its own children")]

mod clock;
mod end;
mod ignored_signals;
pub(crate) mod running_victim;
mod skip;

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::clock::monotonic_nanos;
pub(crate) use self::end::End;
pub(crate) use self::skip::skip;

/// The grace of most victims: long enough to start a process under load.
pub(crate) const GRACE: Duration = Duration::from_millis(300);

/// The time from the watchdog's action to the backup timer's.
pub(crate) const BEHIND: Duration = Duration::from_millis(25);

/// The bound of every wait. Not a measurement: it bounds the time of a test that
/// fails.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A running victim. Killed and reaped when dropped, with its children.
pub(crate) struct Victim {
    fault: String,
    child: Child,
    grace: Duration,
    /// The victim's reading of the clock.
    armed_at: u64,
    refused: bool,
    installed: bool,
    stdout: Receiver<String>,
    stderr: Receiver<String>,
    /// Its standard output so far.
    heard: String,
    /// Its standard error so far.
    overheard: String,
}

impl Victim {
    pub(crate) fn watched(fault: &str, grace: Duration) -> Self {
        Self::start(command(fault, grace, "watched"), fault, grace)
    }

    /// The control: the same process with the same hang, without a watchdog.
    pub(crate) fn unwatched(fault: &str, grace: Duration) -> Self {
        Self::start(command(fault, grace, "unwatched"), fault, grace)
    }

    /// Returns `true` if the system does not allow this fault. The test is then skipped with a
    /// message; with `DEADSTOP_NO_SKIPS` set it fails.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Waits for the victim to end by itself.
    pub(crate) fn wait(mut self) -> Death {
        let patience = Instant::now() + self.grace + TIMEOUT;
        let mut end = End::Never;
        while end == End::Never && Instant::now() < patience {
            match self.child.try_wait().expect("waits for its own child") {
                Some(status) => end = status.into(),
                None => thread::sleep(Duration::from_millis(1)),
            }
        }
        let after = Duration::from_nanos(monotonic_nanos() - self.armed_at);
        self.kill();
        Death {
            fault: self.fault.clone(),
            armed_at: self.armed_at,
            end,
            after,
            stdout: self.heard.clone() + &drain(&self.stdout),
            stderr: self.overheard.clone() + &drain(&self.stderr),
        }
    }

    /// Returns `true` if the victim still runs after `time`.
    pub(crate) fn lives_for(mut self, time: Duration) -> bool {
        thread::sleep(time);
        let end = self.child.try_wait().expect("waits for its own child");
        end.is_none()
    }

    /// Starts a victim by `command`, which may be another program that starts
    /// it. Returns once the victim reports that it has armed.
    pub(crate) fn start(mut command: Command, fault: &str, grace: Duration) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that its children are killed with it.
            .process_group(0)
            .spawn();
        let mut child = child.expect("the victim starts");
        let stdout = lines(child.stdout.take().expect("stdout is piped"));
        let stderr = lines(child.stderr.take().expect("stderr is piped"));
        let mut victim = Self {
            fault: fault.to_owned(),
            child,
            grace,
            armed_at: 0,
            refused: false,
            installed: false,
            stdout,
            stderr,
            heard: String::new(),
            overheard: String::new(),
        };
        victim.read_first_line();
        victim
    }

    /// Reads the victim's first line.
    fn read_first_line(&mut self) {
        let line = self.stdout.recv_timeout(TIMEOUT).unwrap_or_default();
        match line.split_once(' ') {
            Some(("armed" | "installed" | "ready", nanos)) => {
                self.armed_at = nanos.parse().expect("a clock reading");
                self.installed = line.starts_with("installed");
            }
            Some(("refused", reason)) => {
                skip(&format!("{}: {reason}", self.fault));
                self.refused = true;
            }
            _ => {
                self.kill();
                let stderr = drain(&self.stderr);
                panic!("{} did not arm: {line:?}\n{stderr}", self.fault);
            }
        }
    }

    fn kill(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            let group = self.child.id() as i32;
            // SAFETY: kill(2) takes two integers. The leader is not reaped, so
            // the group's number is still its own.
            unsafe { libc::kill(-group, libc::SIGKILL) };
        }
        // Fails only for one that is reaped.
        let _ = self.child.wait();
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The end of a victim.
pub(crate) struct Death {
    fault: String,
    /// The victim's reading of the clock before it armed.
    pub(crate) armed_at: u64,
    pub(crate) end: End,
    /// From that reading to the harness's as it reaped the victim, both on
    /// `CLOCK_MONOTONIC`, which processes share.
    pub(crate) after: Duration,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl fmt::Debug for Death {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (fault, end, after) = (&self.fault, self.end, self.after);
        write!(f, "{fault}, armed at {}, ended by {end:?}", self.armed_at)?;
        write!(f, " after {after:?}\nstdout: {}", self.stdout)?;
        write!(f, "\nstderr: {}", self.stderr)
    }
}

/// Returns the command that starts a victim.
pub(crate) fn command(fault: &str, grace: Duration, watched: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_victim"));
    command.args([fault, &grace.as_millis().to_string(), watched]);
    ignored_signals::reset_in(&mut command);
    command
}

/// Reads lines on a new thread: a victim may hang before it writes. The thread
/// reads to the end, so that no write of the victim blocks or fails.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // The receiver may be gone.
            let _ = to.send(line);
        }
    });
    lines
}

/// Reads the rest, with a bound: a child may keep the pipe open.
fn drain(lines: &Receiver<String>) -> String {
    let patience = Instant::now() + TIMEOUT;
    let mut all = String::new();
    while let Ok(line) = lines.recv_timeout(patience.saturating_duration_since(Instant::now())) {
        all.push_str(&line);
        all.push('\n');
    }
    all
}
