//! Starts victims and watches them die. It asserts nothing about deadstop: it
//! returns what it saw, and tests read as claims.

#![expect(
    unsafe_code,
    reason = "kills what it started, and gives it signals that are not ignored"
)]

mod clock;
mod end;
pub(crate) mod live;

use std::fmt;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use self::clock::monotonic_nanos;
pub(crate) use self::end::End;

/// The grace of most victims: long enough to start a process under load.
pub(crate) const GRACE: Duration = Duration::from_millis(300);

/// How far the third line of defence is behind the second.
pub(crate) const BEHIND: Duration = Duration::from_millis(25);

/// How long the harness waits for what should have happened already. Not a
/// measure of anything: it only keeps a failing run from hanging.
const PATIENCE: Duration = Duration::from_secs(10);

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
    /// What it said before it was waited for.
    heard: String,
    /// The same, of standard error.
    overheard: String,
}

impl Victim {
    pub(crate) fn watched(fault: &str, grace: Duration) -> Self {
        Self::start(command(fault, grace, "watched"), fault, grace)
    }

    /// The control: the same process, stuck the same way, with no watchdog.
    pub(crate) fn unwatched(fault: &str, grace: Duration) -> Self {
        Self::start(command(fault, grace, "unwatched"), fault, grace)
    }

    /// Whether the system does not let the fault be tried here. The test is
    /// then skipped, and says so; with `DEADSTOP_NO_SKIPS` set it fails.
    pub(crate) fn is_refused(&self) -> bool {
        self.refused
    }

    /// Waits for the victim to end by itself.
    pub(crate) fn wait(mut self) -> Death {
        let patience = Instant::now() + self.grace + PATIENCE;
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

    /// Whether the victim is still there after `time`.
    pub(crate) fn lives_for(mut self, time: Duration) -> bool {
        thread::sleep(time);
        let end = self.child.try_wait().expect("waits for its own child");
        end.is_none()
    }

    /// Starts a victim by `command`, which may be another program that starts
    /// it. Returns once it says that it has armed: no test sleeps and hopes.
    pub(crate) fn start(mut command: Command, fault: &str, grace: Duration) -> Self {
        let child = command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // So that its children can be killed with it.
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
        victim.listen();
        victim
    }

    /// Hears the victim's first line.
    fn listen(&mut self) {
        let line = self.stdout.recv_timeout(PATIENCE).unwrap_or_default();
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

/// How a victim ended.
pub(crate) struct Death {
    fault: String,
    /// The victim's reading of the clock before it armed.
    pub(crate) armed_at: u64,
    pub(crate) end: End,
    /// From that reading to ours as the victim was reaped. Both are of
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

/// Says that a test is skipped, and why; with `DEADSTOP_NO_SKIPS` set, fails it.
pub(crate) fn skip(reason: &str) {
    assert!(
        std::env::var_os("DEADSTOP_NO_SKIPS").is_none(),
        "not to be skipped: {reason}"
    );
    // Not through the macro, whose output a test that passes keeps to itself.
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}

/// The command that starts a victim.
pub(crate) fn command(fault: &str, grace: Duration, watched: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_victim"));
    command.args([fault, &grace.as_millis().to_string(), watched]);
    // SAFETY: the function makes system calls only, and takes no lock.
    unsafe { command.pre_exec(hear_what_shells_ignore) };
    command
}

/// What nohup(1), or a shell in the background, has a test ignore, its victims are
/// to hear all the same.
fn hear_what_shells_ignore() -> io::Result<()> {
    for signal in [libc::SIGHUP, libc::SIGINT, libc::SIGQUIT] {
        // SAFETY: two integers; no handler is set.
        unsafe { libc::signal(signal, libc::SIG_DFL) };
    }
    Ok(())
}

/// Reads lines, on a thread of its own: a victim may be stuck before it speaks.
/// The thread goes on reading to the end, so that no write of the victim fails.
fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            // Not everybody who listens does so to the end.
            let _ = to.send(line);
        }
    });
    lines
}

/// What is left to hear, with a bound: a child may keep the pipe open.
fn drain(lines: &Receiver<String>) -> String {
    let patience = Instant::now() + PATIENCE;
    let mut all = String::new();
    while let Ok(line) = lines.recv_timeout(patience.saturating_duration_since(Instant::now())) {
        all.push_str(&line);
        all.push('\n');
    }
    all
}
