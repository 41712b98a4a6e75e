//! Errors of taking over listeners and of handing them over.

use std::error::Error;
use std::fmt;
use std::io;
use std::num::ParseIntError;
use std::time::Duration;

/// The reason why an inherited listener cannot be taken. The listener stays open, and a later
/// call can try again.
#[derive(Debug)]
#[non_exhaustive]
pub enum InheritError {
    /// `LISTEN_FDS` is not a number.
    Count(ParseIntError),
    /// A descriptor that the variables name is not open.
    #[non_exhaustive]
    Closed {
        /// The descriptor's number.
        descriptor: i32,
        /// The system's error.
        source: io::Error,
    },
    /// The descriptor is not a listening socket of the requested kind.
    #[non_exhaustive]
    Other {
        /// The descriptor's name.
        name: String,
        /// The requested kind.
        wanted: &'static str,
    },
}

impl fmt::Display for InheritError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(_) => f.write_str("LISTEN_FDS is not a number"),
            Self::Closed { descriptor, .. } => {
                write!(
                    f,
                    "LISTEN_FDS names descriptor {descriptor}, which is not open"
                )
            }
            Self::Other { name, wanted } => {
                write!(f, "the inherited descriptor {name:?} is not a {wanted}")
            }
        }
    }
}

impl Error for InheritError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::Count(source) => Some(source),
            Self::Closed { source, .. } => Some(source),
            Self::Other { .. } => None,
        }
    }
}

/// The reason why no successor took over. If a successor had started, it has ended. This
/// process goes on as before, unless its [shutdown](Self::ShuttingDown) has begun.
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
/// use deadstop::handover::HandOverError;
///
/// let shutdown = Shutdown::builder().install()?;
/// match shutdown.hand_over("/no/such/program").start() {
///     Ok(successor) => println!("process {} took over", successor.pid()),
///     Err(HandOverError::UnderWay) => println!("another thread hands over"),
///     Err(HandOverError::ShuttingDown) => println!("both processes end"),
///     Err(error) => println!("this process goes on: {error}"),
/// }
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum HandOverError {
    /// This process is a child of `fork`, or the shutdown is detached.
    Forked,
    /// Another hand-over is under way, or a successor has taken over.
    UnderWay,
    /// The shutdown of this process began before the successor was ready. If the successor had
    /// started, it got `SIGTERM` and has ended.
    ShuttingDown,
    /// The name of a listener is not 1 to 255 printable ASCII characters without a colon.
    #[non_exhaustive]
    Name {
        /// The name.
        name: String,
    },
    /// A listener has a waker of [`wakers::socket`](crate::drain::wakers::socket), which
    /// would stop it in the successor too.
    #[non_exhaustive]
    Waker {
        /// Its name.
        name: String,
    },
    /// A variable contains a NUL.
    Variable,
    /// The program could not be started, or a descriptor could not be copied.
    Start(io::Error),
    /// The successor ended before it was ready, or closed its `DEADSTOP_READY_FD` and was
    /// ended.
    Ended,
    /// The successor was not ready in time.
    #[non_exhaustive]
    NotReady {
        /// The time that it had.
        within: Duration,
    },
}

impl fmt::Display for HandOverError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked => f.write_str(
                "this process is a child of fork, or its shutdown is detached; only a process \
                 with an installed shutdown can hand over",
            ),
            Self::UnderWay => {
                f.write_str("another hand-over is under way, or a successor has taken over")
            }
            Self::ShuttingDown => f.write_str(
                "the shutdown of this process began before the successor was ready; no \
                 successor runs",
            ),
            Self::Name { name } => write!(
                f,
                "the name of a listener is {name:?}; allowed are 1 to 255 printable ASCII \
                 characters without a colon"
            ),
            Self::Waker { name } => write!(
                f,
                "the listener {name:?} has a waker that shuts it down at the request, which \
                 would stop it in the successor too; wake its thread with poll and an eventfd"
            ),
            Self::Variable => f.write_str("a variable of the successor contains a NUL"),
            Self::Start(source) => write!(f, "could not start the successor: {source}"),
            Self::Ended => f.write_str(
                "the successor ended, or closed DEADSTOP_READY_FD, before it was ready; it writes \
                 to the same standard error",
            ),
            Self::NotReady { within } => write!(
                f,
                "the successor was not ready within {within:?}, and was ended; it must call \
                 `set_ready`, or write to DEADSTOP_READY_FD"
            ),
        }
    }
}

// The text has the cause in it.
impl Error for HandOverError {}
