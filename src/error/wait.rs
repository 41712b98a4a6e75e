//! The error of a call that cannot wait.

use std::error::Error;
use std::fmt;

debug_is_display!(WaitError);

/// The reason why a call cannot wait for the end of a shutdown or of a scope.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::wait::WaitError;
/// use deadstop::{Cause, Shutdown};
///
/// let shutdown = Shutdown::builder().install()?;
/// // A misspelled name is an error, and not a wait without end.
/// let cause = Cause::requested("admin endpoint");
/// let refused = shutdown.scope("ingset").stop(cause, Duration::from_secs(1));
/// assert!(matches!(refused, Err(WaitError::UnknownScope { .. })));
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum WaitError {
    /// This process is a child of `fork`, which has no shutdown.
    Forked,
    /// The caller is a task of the shutdown or scope, so it would wait for itself.
    FromTask,
    /// The scope does not exist: no task was ever registered in it, and the program never asked
    /// whether it stops. The name is probably misspelled.
    UnknownScope {
        /// The path of the scope.
        path: String,
    },
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked => f.write_str(
                "this process is a child of fork and has no shutdown to wait for; \
                 install after forking",
            ),
            Self::FromTask => f.write_str(
                "a task of the shutdown cannot wait for the shutdown: it would wait for itself",
            ),
            Self::UnknownScope { path } => {
                write!(
                    f,
                    "there is no scope {path:?}: no task was ever registered in it"
                )
            }
        }
    }
}

impl Error for WaitError {}
