//! Errors of starting a heartbeat.

use std::error::Error;
use std::fmt;
use std::io;
use std::time::Duration;

use super::beats::MAX_HEARTBEATS;

/// The reason why a heartbeat did not start. No heartbeat of this name is watched then.
///
/// # Examples
///
/// ```
/// use deadstop::health::HeartbeatError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let refused = shutdown.heartbeat(" ").start();
/// assert!(matches!(refused, Err(HeartbeatError::Unnamed)));
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum HeartbeatError {
    /// This process is a child of `fork`, or the shutdown is detached and none is installed.
    Forked,
    /// The interval is shorter than 10 ms.
    #[non_exhaustive]
    Every {
        /// The interval.
        every: Duration,
    },
    /// The process already has the maximum number of heartbeats.
    TooMany,
    /// The name is blank.
    Unnamed,
    /// The system refused a thread.
    Watcher(io::Error),
}

impl fmt::Display for HeartbeatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked => f.write_str(
                "this process is a child of fork, or its shutdown is detached; only a process \
                 with an installed shutdown can have heartbeats",
            ),
            Self::Every { every } => write!(
                f,
                "the interval of a heartbeat is {every:?}; it must be at least 10 ms"
            ),
            Self::TooMany => write!(
                f,
                "the process already has {MAX_HEARTBEATS} heartbeats, which is the maximum"
            ),
            Self::Unnamed => {
                f.write_str("a heartbeat has an empty name; any text that is not blank is allowed")
            }
            Self::Watcher(_) => f.write_str("could not start the thread that watches heartbeats"),
        }
    }
}

impl Error for HeartbeatError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Watcher(source) => Some(source),
            _ => None,
        }
    }
}
