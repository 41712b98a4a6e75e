//! The cause of a shutdown.

use std::fmt;

#[cfg(feature = "signals")]
use deadstop_core::buffer::TextSlice;

use crate::signal::Signal;

/// The cause of a shutdown: the record of the first trigger.
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
        /// The panic's message, if it was text.
        message: String,
        /// The place of the panic, as `file:line:column`.
        location: String,
    },
    /// The program called `Shutdown::request`.
    #[non_exhaustive]
    Requested {
        /// The text of the request, which names the part of the program.
        by: String,
    },
    /// A signal arrived.
    #[non_exhaustive]
    Signaled {
        /// The signal.
        signal: Signal,
        /// The sender. `None` if it was the kernel: Ctrl-C at a terminal, a timer.
        sender: Option<Sender>,
    },
    /// A heartbeat with the policy to shut down stalled (feature `health`). The shutdown then
    /// ends with the failure status, even if every task was done.
    #[non_exhaustive]
    Stalled {
        /// The name of the heartbeat.
        heartbeat: String,
    },
}

impl Cause {
    /// Creates a cause from a text that names the part of the program that requests the
    /// shutdown.
    pub fn requested(by: impl Into<String>) -> Self {
        Self::Requested { by: by.into() }
    }

    /// Returns the signal, if the cause was one.
    pub fn signal(&self) -> Option<Signal> {
        match self {
            Self::Signaled { signal, .. } => Some(*signal),
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
            Self::Signaled { signal, sender } => {
                write!(f, "{signal}")?;
                match sender {
                    Some(sender) => write!(f, " from {sender}"),
                    None => Ok(()),
                }
            }
            Self::Stalled { heartbeat } => write!(f, "stall of heartbeat {heartbeat:?}"),
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

/// The process that sent a signal.
///
/// The kernel vouches for the sender of kill(2), tgkill(2) and raise(3). The
/// sender of sigqueue(3) fills these fields itself, so it only claims them.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Sender {
    /// The process's id in the PID namespace of the receiver. It is 0 if the sender has none
    /// there: a container's runtime is outside the container's namespace.
    pub pid: i32,
    /// The user's id.
    pub uid: u32,
    is_claimed: bool,
}

impl Sender {
    /// Creates a sender for which the kernel vouches.
    pub const fn new(pid: i32, uid: u32) -> Self {
        Self {
            pid,
            uid,
            is_claimed: false,
        }
    }

    /// Creates a sender whose fields were filled by the sender itself.
    pub const fn claimed(pid: i32, uid: u32) -> Self {
        Self {
            pid,
            uid,
            is_claimed: true,
        }
    }

    /// Returns `true` if the kernel filled the fields.
    pub const fn is_vouched_for(&self) -> bool {
        !self.is_claimed
    }

    /// Adds the beginning of what `Display` writes to `line`, up to the process's id, without an
    /// allocator. Async-signal-safe.
    #[cfg(feature = "signals")]
    pub(crate) fn write_pid_to(&self, line: &mut TextSlice) {
        if self.is_claimed {
            line.text("a sender that claims to be ");
        }
        line.text("pid ").number(self.pid.unsigned_abs().into());
    }
}

impl fmt::Display for Sender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { pid, uid, .. } = self;
        match self.is_claimed {
            true => write!(f, "a sender that claims to be pid {pid}, uid {uid}"),
            false => write!(f, "pid {pid}, uid {uid}"),
        }
    }
}
