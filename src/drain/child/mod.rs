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

mod builder;
#[cfg_attr(not(target_os = "linux"), path = "no_cgroup.rs")]
mod cgroup;
mod error;
mod handle;
mod keeper;
mod running;
mod task;

use std::process::Command;

pub use self::builder::ChildBuilder;
pub use self::error::ChildError;
pub use self::handle::Child;
use crate::Shutdown;

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
        ChildBuilder::new(self.clone(), name.into())
    }
}
