//! Processes that a test starts, waits for with a bound, and never leaves behind.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::os::fd::{AsRawFd, FromRawFd, OwnedFd};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::channel;
use std::thread::{sleep, spawn};
use std::time::{Duration, Instant};

/// The longest wait of a test for an event that must come. No verdict on lateness.
pub(crate) const BOUND: Duration = Duration::from_secs(60);

/// A program that ignores SIGTERM, and says when it does.
pub(crate) const IGNORES_TERM: &str = "trap '' TERM; echo up; while :; do sleep 0.1; done";

/// `deadstop run` with `options`, of a shell that runs `script`.
pub(crate) fn deadstop(options: &[&str], script: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_deadstop"));
    command
        .arg("run")
        .args(options)
        .args(["--", "bash", "-c", script]);
    command.env_remove("DEADSTOP_GRACE").stdin(Stdio::null());
    command
}

/// A process that is killed when the test is over.
#[derive(Debug)]
pub(crate) struct Run(pub(crate) Child);

impl Run {
    pub(crate) fn start(command: &mut Command) -> Self {
        Self(command.spawn().expect("the program starts"))
    }

    pub(crate) fn send(&self, signal: i32) {
        let pid = i32::try_from(self.0.id()).expect("a process id");
        // SAFETY: two integers; the child has not been reaped.
        assert_eq!(unsafe { libc::kill(pid, signal) }, 0, "kill");
    }

    /// Returns the first line of standard output, and closes the pipe.
    pub(crate) fn first_line(&mut self) -> String {
        let output = self.0.stdout.take().expect("a pipe");
        let mut line = within_bound(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_| line)
        });
        line.truncate(line.trim_end().len());
        line
    }

    /// Returns what is written to standard error up to its end.
    pub(crate) fn errors(&mut self) -> String {
        let mut errors = self.0.stderr.take().expect("a pipe");
        within_bound(move || {
            let mut text = String::new();
            errors.read_to_string(&mut text).map(|_| text)
        })
    }

    /// Returns the status, if the process ends within [`BOUND`].
    pub(crate) fn wait(&mut self) -> Option<ExitStatus> {
        until(|| self.0.try_wait().expect("waitpid"))
    }

    pub(crate) fn is_alive(&mut self) -> bool {
        self.0.try_wait().expect("waitpid").is_none()
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Reads on a thread of its own. Panics if that takes longer than [`BOUND`].
fn within_bound(read: impl FnOnce() -> std::io::Result<String> + Send + 'static) -> String {
    let (done, is_done) = channel();
    spawn(move || done.send(read()));
    let read = is_done.recv_timeout(BOUND).expect("the process writes");
    read.expect("text")
}

/// Asks until there is an answer, or [`BOUND`] is over.
pub(crate) fn until<T>(mut ask: impl FnMut() -> Option<T>) -> Option<T> {
    let begun = Instant::now();
    loop {
        let answer = ask();
        if answer.is_some() || begun.elapsed() > BOUND {
            return answer;
        }
        sleep(Duration::from_millis(10));
    }
}

/// Returns both ends of a pipe that takes no more bytes.
pub(crate) fn full_pipe() -> (File, File) {
    let mut ends = [0; 2];
    // SAFETY: the array has two elements.
    let made = unsafe { libc::pipe2(ends.as_mut_ptr(), libc::O_CLOEXEC) };
    assert_eq!(made, 0, "pipe2");
    // SAFETY: the kernel has just made the descriptor.
    let reader = unsafe { OwnedFd::from_raw_fd(ends[0]) };
    // SAFETY: the kernel has just made the descriptor.
    let writer = unsafe { OwnedFd::from_raw_fd(ends[1]) };
    set_blocking(&writer, false);
    let page = [b'x'; 4096];
    // SAFETY: the buffer has as many bytes.
    while unsafe { libc::write(writer.as_raw_fd(), page.as_ptr().cast(), page.len()) } > 0 {}
    set_blocking(&writer, true);
    (reader.into(), writer.into())
}

pub(crate) fn set_blocking(file: &impl AsRawFd, blocks: bool) {
    let flags = if blocks { 0 } else { libc::O_NONBLOCK };
    // SAFETY: integers.
    let set = unsafe { libc::fcntl(file.as_raw_fd(), libc::F_SETFL, flags) };
    assert_eq!(set, 0, "fcntl");
}
