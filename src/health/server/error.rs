//! Errors of starting the health server.

use std::error::Error;
use std::fmt;
use std::io;

/// The reason why the health server did not start. Nothing listens then, and no check runs.
///
/// # Examples
///
/// ```
/// use deadstop::health::HealthError;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let refused = shutdown.health().bind("no address").start();
/// assert!(matches!(refused, Err(HealthError::Address { .. })));
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum HealthError {
    /// This process is a child of `fork`, or the shutdown is detached and none is installed.
    Forked,
    /// The process has a health server already.
    AlreadyStarted,
    /// No address was given.
    NoAddress,
    /// There are more than four addresses and listeners.
    TooManyAddresses,
    /// A text is not an address.
    #[non_exhaustive]
    Address {
        /// The text.
        address: String,
    },
    /// The server cannot listen at an address, for example because the port is in use.
    #[non_exhaustive]
    Listen {
        /// The address.
        address: String,
        /// The reason.
        source: io::Error,
    },
    /// A check has a blank name, two checks have the same name, or there are more than 32.
    #[non_exhaustive]
    Check {
        /// The name.
        name: String,
    },
    /// The system refused a thread.
    Thread(io::Error),
}

impl fmt::Display for HealthError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked => f.write_str(
                "this process is a child of fork, or its shutdown is detached; only a process \
                 with an installed shutdown can have a health server",
            ),
            Self::AlreadyStarted => {
                f.write_str("the health server runs already; a process has one at most")
            }
            Self::NoAddress => {
                f.write_str("the health server has no address; give it one with `bind`")
            }
            Self::TooManyAddresses => f.write_str(
                "the health server has too many addresses and listeners; at most 4 are allowed",
            ),
            Self::Address { address } => write!(
                f,
                "{address:?} is not an address for the health server; allowed are an IP address with \
                 a port, as 127.0.0.1:8086 or [::]:8086, and unix:PATH"
            ),
            Self::Listen { address, .. } => {
                write!(f, "the health server cannot listen at {address}")
            }
            Self::Check { name } => write!(
                f,
                "the check {name:?} is not accepted: names must not be blank, must differ, \
                 and there may be 32 at most"
            ),
            Self::Thread(_) => f.write_str("could not start a thread of the health server"),
        }
    }
}

impl Error for HealthError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Listen { source, .. } | Self::Thread(source) => Some(source),
            _ => None,
        }
    }
}
