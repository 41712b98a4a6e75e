//! The reason why there is no child.

use std::fmt;
use std::io;

use crate::Signal;
use crate::drain::RegisterError;

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
