//! Starts programs, sends them signals, and waits with a bound.

#![allow(dead_code, reason = "each test uses its part")]

use std::fmt;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// For what takes some milliseconds on a machine that is not busy.
pub const SOON: Duration = Duration::from_secs(30);

/// A process in a group of its own. It is killed when this is dropped.
pub struct Process {
    child: Child,
    started: Instant,
    lines: Receiver<String>,
    /// The lines that were heard.
    heard: String,
    errors: Option<JoinHandle<String>>,
}

/// The end of a process.
pub struct Ended {
    pub status: ExitStatus,
    pub after: Duration,
    pub stdout: String,
    pub stderr: String,
}

impl Process {
    pub fn start(command: &mut Command) -> Self {
        command.stdin(Stdio::null()).stdout(Stdio::piped());
        command.stderr(Stdio::piped()).process_group(0);
        let mut child = command.spawn().expect("the program starts");
        let lines = lines(child.stdout.take().expect("it is piped"));
        let errors = child.stderr.take().map(read);
        Self {
            child,
            started: Instant::now(),
            lines,
            heard: String::new(),
            errors,
        }
    }

    /// Reads the standard output until a line contains `text`, and returns that line.
    pub fn hear(&mut self, text: &str) -> String {
        let until = Instant::now() + SOON;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let line = self.lines.recv_timeout(left);
            let line = line.unwrap_or_else(|_| panic!("no line says {text:?}: {}", self.heard));
            self.heard = format!("{}{line}\n", self.heard);
            if line.contains(text) {
                return line;
            }
        }
    }

    pub fn signal(&self, signal: i32) {
        // SAFETY: kill(2) takes two integers; the child is not reaped.
        unsafe { libc::kill(self.pid(), signal) };
    }

    /// Sends a signal to the group.
    pub fn signal_group(&self, signal: i32) {
        // SAFETY: as above.
        unsafe { libc::kill(-self.pid(), signal) };
    }

    pub fn pid(&self) -> i32 {
        i32::try_from(self.child.id()).expect("a process number")
    }

    /// Returns the end of the process, or `None` if it still runs after `bound`.
    pub fn ends_within(&mut self, bound: Duration) -> Option<Ended> {
        let until = Instant::now() + bound;
        loop {
            if let Some(status) = self.child.try_wait().expect("it is our child") {
                let after = self.started.elapsed();
                let rest: Vec<String> = self.lines.iter().collect();
                let errors = self.errors.take().map(JoinHandle::join);
                return Some(Ended {
                    status,
                    after,
                    stdout: std::mem::take(&mut self.heard) + &rest.join("\n"),
                    stderr: errors.map_or(String::new(), |read| read.expect("it reads")),
                });
            }
            if Instant::now() > until {
                return None;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    pub fn ends(&mut self) -> Ended {
        self.ends_within(SOON).expect("the process ends")
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if matches!(self.child.try_wait(), Ok(None)) {
            self.signal_group(libc::SIGKILL);
            let _ = self.child.wait();
        }
    }
}

impl Ended {
    /// The status that a shell would report.
    pub fn shell(&self) -> i32 {
        let signal = self.status.signal().map(|signal| 128 + signal);
        self.status.code().or(signal).expect("it ended")
    }
}

impl fmt::Debug for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "status {} after {:?}", self.shell(), self.after)?;
        write!(f, "stdout: {}\nstderr: {}", self.stdout, self.stderr)
    }
}

fn lines(from: impl Read + Send + 'static) -> Receiver<String> {
    let (to, lines) = mpsc::channel();
    thread::spawn(move || {
        for line in BufReader::new(from).lines().map_while(Result::ok) {
            let _ = to.send(line);
        }
    });
    lines
}

fn read(mut from: impl Read + Send + 'static) -> JoinHandle<String> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        let _ = from.read_to_end(&mut bytes);
        String::from_utf8_lossy(&bytes).into_owned()
    })
}

/// Waits until `found` returns something.
pub fn wait_for<T>(what: &str, mut found: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + SOON;
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(Instant::now() < until, "{what}: not within {SOON:?}");
        thread::sleep(Duration::from_millis(2));
    }
}
