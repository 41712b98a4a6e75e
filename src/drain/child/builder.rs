//! Describes a child process, and starts it.

use std::io;
#[cfg(target_os = "linux")]
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use super::cgroup::Cgroup;
use super::{Child, ChildError, keeper, task};
use crate::drain::RegisterError;
use crate::process::WATCH;
use crate::sys::signals;
use crate::task::PhaseName;
use crate::{Phase, Shutdown, Signal};

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
    pub(super) fn new(shutdown: Shutdown, name: String) -> Self {
        Self {
            shutdown,
            name,
            phase: Phase::CLOSE.into(),
            budget: None,
            signal: libc::SIGTERM,
            #[cfg(target_os = "linux")]
            cgroup: None,
        }
    }

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
        let spawned = keeper::spawn(&self.name, command, cgroup).map_err(ChildError::Spawn)?;
        let running = &spawned.running;
        let task = self.shutdown.task(self.name).phase(self.phase);
        let task = task.budget_if_set(self.budget);
        let (ends, signal) = (Arc::clone(running), self.signal);
        match task.on_shutdown(move |cx| task::end(&ends, signal, cx)) {
            Ok(task) => running.set_task(task),
            Err(error) => {
                let _ = running.signal(libc::SIGKILL);
                return Err(ChildError::Register(error));
            }
        }
        Ok(Child::new(spawned))
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
}
