//! The end of a process.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

/// The result of waitpid(2).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum End {
    /// The process still ran when the bound of the wait was over.
    Never,
    /// By a signal's default action.
    Signal(i32),
    /// By an exit with this status.
    Status(i32),
}

impl From<ExitStatus> for End {
    fn from(status: ExitStatus) -> Self {
        match (status.code(), status.signal()) {
            (Some(code), _) => Self::Status(code),
            (None, Some(signal)) => Self::Signal(signal),
            (None, None) => Self::Never,
        }
    }
}
