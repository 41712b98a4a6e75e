//! The handle of a child process.

use std::fmt;
use std::io;
use std::process::{ChildStderr, ChildStdin, ChildStdout, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use deadstop_core::now;

use super::keeper::Spawned;
use super::running::Running;
use crate::Signal;
use crate::process;

/// A child process that ends with this process. Made by [`Shutdown::child`](crate::Shutdown::child).
///
/// - In its phase of the shutdown its process group gets `SIGTERM` (and `SIGCONT`, in case
///   it is stopped), and the phase waits for the child and its group.
/// - At the deadline, and at a second signal that ends this process, the group gets `SIGKILL`
///   before this process ends.
/// - If the kernel ends this process, it ends the child too.
/// - A child that ends before the shutdown is reaped, and its task is cancelled.
///
/// Dropping the handle changes nothing: the child goes on, and ends with this process.
///
/// In a child of `fork`, the handle's process is not a child of the caller: waiting returns
/// `None` at once, and signals are refused.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::process::Command;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let mut command = Command::new("sleep");
/// command.arg("60");
/// let child = shutdown.child("sleeper", command)?;
/// assert!(child.try_wait().is_none());
///
/// let exit_code = shutdown.finish(); // the child gets SIGTERM
/// assert!(child.wait().is_some_and(|status| !status.success()));
/// # let _ = exit_code;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Child {
    generation: u32,
    running: Arc<Running>,
    stdin: Option<ChildStdin>,
    stdout: Option<ChildStdout>,
    stderr: Option<ChildStderr>,
}

impl Child {
    pub(super) fn new(spawned: Spawned) -> Self {
        Self {
            generation: process::generation(),
            running: spawned.running,
            stdin: spawned.stdin,
            stdout: spawned.stdout,
            stderr: spawned.stderr,
        }
    }

    /// Returns the child's process id, which is its group's too.
    pub fn id(&self) -> u32 {
        self.running.pid() as u32
    }

    /// Returns the name it was given.
    pub fn name(&self) -> &str {
        &self.running.name
    }

    /// Takes the pipe to the child's standard input, if its command asked for one.
    pub fn take_stdin(&mut self) -> Option<ChildStdin> {
        self.stdin.take()
    }

    /// Takes the pipe from the child's standard output, if its command asked for one.
    pub fn take_stdout(&mut self) -> Option<ChildStdout> {
        self.stdout.take()
    }

    /// Takes the pipe from the child's standard error, if its command asked for one.
    pub fn take_stderr(&mut self) -> Option<ChildStderr> {
        self.stderr.take()
    }

    /// Sends a signal to the child's process group.
    ///
    /// # Errors
    ///
    /// Fails if the child has been reaped; its number is not used then.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        self.send(signal.number())
    }

    /// Kills the child's process group.
    ///
    /// # Errors
    ///
    /// As [`signal`](Self::signal).
    pub fn kill(&self) -> io::Result<()> {
        self.send(libc::SIGKILL)
    }

    fn send(&self, signal: i32) -> io::Result<()> {
        match self.is_here() {
            true => self.running.signal(signal),
            false => Err(io::Error::other("not a child of this process")),
        }
    }

    /// Returns `true` if this is the process that has spawned the child, and not a child
    /// of `fork`.
    fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Blocks the thread until the child has ended. Returns `None` if other code of the
    /// process has reaped it.
    pub fn wait(&self) -> Option<ExitStatus> {
        if !self.is_here() {
            return None;
        }
        self.running.ended.wait(None);
        self.running.status().flatten()
    }

    /// Like [`wait`](Self::wait), for up to `timeout`. The outer `Option` is `None` if the
    /// child has not ended.
    pub fn wait_timeout(&self, timeout: Duration) -> Option<Option<ExitStatus>> {
        if !self.is_here() {
            return None;
        }
        self.running.ended.wait(Some(now().saturating_add(timeout)));
        self.running.status()
    }

    /// Returns the child's status if it has ended and was not reaped by other code.
    pub fn try_wait(&self) -> Option<ExitStatus> {
        if !self.is_here() {
            return None;
        }
        self.running.status().flatten()
    }

    /// Returns `true` if the deadline kills the child's group. `false` if there are
    /// more children than the watchdog lists (256): the kernel still kills the child
    /// itself.
    pub fn is_listed(&self) -> bool {
        self.running.is_listed
    }
}

impl fmt::Debug for Child {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Child")
            .field("name", &self.running.name)
            .field("id", &self.id())
            .field("status", &self.running.status())
            .finish_non_exhaustive()
    }
}
