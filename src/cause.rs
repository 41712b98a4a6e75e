//! Why a shutdown began.

use std::fmt;

use crate::signal::Signal;

/// Why a shutdown began: the record of the first trigger.
///
/// Triggers that come later change nothing, and are not recorded.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Cause {
    /// The program said that its work is done.
    Finished,
    /// A thread panicked.
    #[non_exhaustive]
    Panicked {
        /// The thread's name, if it has one.
        thread: Option<String>,
        /// What it panicked with, if that was text.
        message: String,
        /// Where, as `file:line:column`.
        location: String,
    },
    /// Somebody asked, by [`Shutdown::request`](crate::Shutdown::request).
    #[non_exhaustive]
    Requested {
        /// Who, in the words of the request.
        by: String,
    },
    /// A signal came.
    #[non_exhaustive]
    Signalled {
        /// Which.
        signal: Signal,
        /// Who sent it. `None` if it was the kernel (Ctrl-C at a terminal), and
        /// for `SIGINT`, whose sender is not known.
        sender: Option<Sender>,
    },
}

impl Cause {
    /// A cause in words: who asks for the end.
    pub fn requested(by: impl Into<String>) -> Self {
        Self::Requested { by: by.into() }
    }

    /// The signal, if it was one.
    pub fn signal(&self) -> Option<Signal> {
        match self {
            Self::Signalled { signal, .. } => Some(*signal),
            _ => None,
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Finished => f.write_str("the work is done"),
            Self::Panicked {
                thread,
                message,
                location,
            } => {
                match thread {
                    Some(thread) => write!(f, "panic of thread {thread:?}")?,
                    None => f.write_str("panic of a thread without a name")?,
                }
                write!(f, " at {location}: {message:?}")
            }
            Self::Requested { by } => write!(f, "request: {by:?}"),
            Self::Signalled { signal, sender } => {
                write!(f, "{signal}")?;
                match sender {
                    Some(Sender { pid, uid }) => write!(f, " from pid {pid}, uid {uid}"),
                    None => Ok(()),
                }
            }
        }
    }
}

#[cfg(feature = "serde")]
impl serde::Serialize for Cause {
    /// As text.
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

/// Who sent a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sender {
    /// The process's id, in the PID namespace of the receiver; 0 if it has none
    /// there, as a container's runtime in the eyes of the container.
    pub pid: i32,
    /// The user's id.
    pub uid: u32,
}

impl Sender {
    pub(crate) fn new(pid: i32, uid: u32) -> Self {
        Self { pid, uid }
    }
}
