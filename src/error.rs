//! One error per operation.

use std::error::Error;
use std::fmt;
use std::io;

/// Why `install` installed nothing.
///
/// Each variant leaves the process running and unprotected, and `install` can
/// be tried again. A program that needs its deadline kept should report the
/// error and stop.
#[derive(Debug)]
#[non_exhaustive]
pub enum InstallError {
    /// This process has a watchdog already, or another thread is installing
    /// one; there is one per process. The one that is there stays as it is.
    AlreadyInstalled,
    /// The exit status 0 was asked for. An unfinished shutdown must not look
    /// like a clean one.
    ExitStatus,
    /// The system would not say when this process forks, so a child could not
    /// be told that it has no watchdog.
    Fork(io::Error),
    /// The kernel gave no timer, and the builder said that one is required.
    KernelTimer(io::Error),
    /// The operating system gave no thread.
    Thread {
        /// The name of the thread that could not be started.
        name: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

impl fmt::Display for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInstalled => f.write_str("this process already has a watchdog"),
            Self::ExitStatus => f.write_str(
                "exit status 0 would make an unfinished shutdown look clean; \
                 1 to 255 are allowed",
            ),
            Self::Fork(_) => f.write_str("no notice of forks to be had"),
            Self::KernelTimer(_) => f.write_str("no kernel timer to stand behind the watchdog"),
            Self::Thread { name, .. } => write!(f, "no thread for \"{name}\" to run on"),
        }
    }
}

impl Error for InstallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::AlreadyInstalled | Self::ExitStatus => None,
            Self::Fork(source) | Self::KernelTimer(source) | Self::Thread { source, .. } => {
                Some(source)
            }
        }
    }
}
