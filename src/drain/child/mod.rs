//! Child processes that end with this process.
//!
//! | this process ends by | the child and its group |
//! | --- | --- |
//! | a shutdown in time | SIGTERM in the child's phase; SIGKILL at the end of its budget |
//! | `main` that returns, `exit` | SIGKILL by the exit handler |
//! | the deadline | SIGKILL by the watchdog, before it ends this process |
//! | a second signal | SIGKILL by the signal's handler |
//! | SIGKILL, a crash, `abort` | the kernel kills the child itself, and not its group |
//!
//! A process that leaves its group (`setsid`) is not reached, except by a
//! [cgroup](ChildBuilder::cgroup). It ends in a container whose pid 1 ends, and under
//! systemd.

#[cfg_attr(not(target_os = "linux"), path = "no_cgroup.rs")]
mod cgroup;
mod keeper;
mod running;
mod task;

use std::fmt;
use std::io;
#[cfg(target_os = "linux")]
use std::path::PathBuf;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, ExitStatus};
use std::sync::Arc;
use std::time::Duration;

use deadstop_core::now;

use self::cgroup::Cgroup;
use self::keeper::Spawned;
use self::running::Running;
use crate::drain::RegisterError;
use crate::process::{self, WATCH};
use crate::sys::signals;
use crate::task::PhaseName;
use crate::{Phase, Shutdown, Signal};

impl Shutdown {
    /// Spawns a child process that ends with this process; see [`Child`].
    ///
    /// The child has a process group of its own, so a terminal's Ctrl-C does not reach it. In
    /// the phase CLOSE it gets `SIGTERM`; [`child_builder`](Self::child_builder) sets another
    /// phase or signal.
    ///
    /// # Errors
    ///
    /// Fails if the program cannot be started, or if the phase is over or the name empty. No
    /// child runs then. It also fails under a seccomp filter that refuses `recvfrom`, because
    /// `std` would then wait for the end of the child.
    #[track_caller]
    pub fn child(&self, name: impl Into<String>, command: Command) -> Result<Child, ChildError> {
        self.child_builder(name).spawn(command)
    }

    /// Starts describing a child process that ends with this process.
    pub fn child_builder(&self, name: impl Into<String>) -> ChildBuilder {
        ChildBuilder {
            shutdown: self.clone(),
            name: name.into(),
            phase: Phase::CLOSE.into(),
            budget: None,
            signal: libc::SIGTERM,
            #[cfg(target_os = "linux")]
            cgroup: None,
        }
    }
}

/// Describes a child process. Made by [`Shutdown::child_builder`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::process::Command;
/// use deadstop::{Phase, Signal};
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let child = shutdown
///     .child_builder("database")
///     .phase(Phase::CLOSE)
///     .signal(Signal::INT)
///     .spawn(Command::new("true"))?;
/// child.wait();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a child is made by `spawn`"]
pub struct ChildBuilder {
    shutdown: Shutdown,
    name: String,
    phase: PhaseName,
    budget: Option<Duration>,
    signal: i32,
    #[cfg(target_os = "linux")]
    cgroup: Option<PathBuf>,
}

impl ChildBuilder {
    /// Sets the phase that ends the child; CLOSE unless set.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.phase = phase.into();
        self
    }

    /// Sets how long the phase waits for the child; unless set, as long as the phase may last.
    /// Shortly before that time is over (a tenth of it, at most 500 ms), the child's group gets
    /// `SIGKILL`.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the signal that asks the child to end; `SIGTERM` unless set.
    /// [`spawn`](Self::spawn) refuses a number that the system does not have.
    pub fn signal(mut self, signal: Signal) -> Self {
        self.signal = signal.number();
        self
    }

    /// Starts the child in a cgroup of its own, a new folder in `parent`. Use it for programs
    /// whose child processes leave the process group (`setsid`, daemons). Only on Linux.
    ///
    /// Processes that are left in the cgroup get `SIGKILL` when the child has ended in its
    /// phase, shortly before a deadline that ends this process, and when this process exits by
    /// itself. They live on if the kernel or a second signal ends this process. deadstop
    /// removes the folder once it is empty; after an end by the deadline it may remain.
    ///
    /// `parent` must be a cgroup v2 folder in which this process may make others, such as its
    /// own with systemd's `Delegate=yes`. Otherwise [`spawn`](Self::spawn) fails. It also fails
    /// before Linux 5.14, and for more than 32 cgroups at a time.
    #[cfg(target_os = "linux")]
    pub fn cgroup(mut self, parent: impl Into<PathBuf>) -> Self {
        self.cgroup = Some(parent.into());
        self
    }

    /// Returns the cgroup for the child, if it should have one.
    fn create_cgroup(&self) -> io::Result<Option<Cgroup>> {
        #[cfg(target_os = "linux")]
        if let Some(parent) = &self.cgroup {
            return Cgroup::create(parent).map(Some);
        }
        Ok(None)
    }

    /// Returns why a process without an installed shutdown has no child: the watchdog kills it.
    fn not_installed(&self) -> RegisterError {
        match self.shutdown.coordinator.is_here() {
            true => RegisterError::Detached,
            false => RegisterError::Forked,
        }
    }

    /// Spawns the child, as the leader of a process group of its own.
    ///
    /// # Errors
    ///
    /// As [`Shutdown::child`], and if the [cgroup](Self::cgroup) cannot be made or there is no
    /// such [signal](Self::signal).
    #[track_caller]
    pub fn spawn(self, command: Command) -> Result<Child, ChildError> {
        if !WATCH.is_owner() {
            return Err(ChildError::Register(self.not_installed()));
        }
        if !signals::exists(self.signal) {
            return Err(ChildError::Signal(Signal::from(self.signal)));
        }
        let cgroup = self.create_cgroup().map_err(ChildError::Spawn)?;
        let Spawned {
            running,
            stdin,
            stdout,
            stderr,
        } = keeper::spawn(&self.name, command, cgroup).map_err(ChildError::Spawn)?;
        let task = self.shutdown.task(self.name).phase(self.phase);
        let task = task.budget_if_set(self.budget);
        let (ends, signal) = (Arc::clone(&running), self.signal);
        match task.on_shutdown(move |cx| task::end(&ends, signal, cx)) {
            Ok(task) => running.set_task(task),
            Err(error) => {
                let _ = running.signal(libc::SIGKILL);
                return Err(ChildError::Register(error));
            }
        }
        Ok(Child {
            generation: process::generation(),
            running,
            stdin,
            stdout,
            stderr,
        })
    }
}

/// A child process that ends with this process. Made by [`Shutdown::child`].
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

/// The reason why there is no child.
///
/// # Examples
///
/// ```
/// use std::process::Command;
/// use deadstop::drain::ChildError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let child = shutdown.child("encoder", Command::new("/no/such/program"));
/// assert!(matches!(child, Err(ChildError::Spawn(_))));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum ChildError {
    /// Its task was refused. The child was killed, if it was running.
    Register(RegisterError),
    /// The system has no signal of this number.
    Signal(Signal),
    /// The program could not be started, or the system refused the thread that starts it.
    Spawn(io::Error),
}

impl fmt::Display for ChildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Register(source) => write!(f, "the child's task was not registered: {source}"),
            Self::Signal(signal) => write!(
                f,
                "the child's signal has the number {}; allowed are those of signals, from 1 on",
                signal.number()
            ),
            Self::Spawn(source) => write!(f, "the child could not be started: {source}"),
        }
    }
}

// The text has the cause in it.
impl std::error::Error for ChildError {}
