//! Errors of `install`.

use std::error::Error;
use std::fmt;
use std::io;
#[cfg(feature = "shutdown")]
use std::path::PathBuf;

#[cfg(feature = "shutdown")]
use super::phases::PhasesError;
#[cfg(feature = "signals")]
use crate::signal::Signal;

/// The reason why `install` installed nothing.
///
/// After each of these errors the process runs unprotected, and may call `install` again. A
/// program that needs its deadline should report the error and stop.
#[non_exhaustive]
pub enum InstallError {
    /// This process already has a watchdog, or another thread is installing one. There is one
    /// per process; it stays as it is.
    AlreadyInstalled,
    /// The C library refused an exit handler. Without it, `exit` would cut the
    /// tasks off.
    #[cfg(feature = "shutdown")]
    Exit(io::Error),
    /// The builder has exit status 0. An unfinished shutdown must not look like a
    /// clean one.
    ExitStatus,
    /// The builder has failure status 0. A shutdown that left something undone must
    /// not look like a clean one.
    #[cfg(feature = "shutdown")]
    FailureStatus,
    /// The fault injector refused the faults that are planted.
    #[cfg(feature = "fault")]
    Fault(Box<dyn Error + Send + Sync>),
    /// The C library refused a fork handler. Without it, a child would not know
    /// that it has no watchdog.
    Fork(io::Error),
    /// The kernel refused the backup timer, and the builder requires one.
    BackupTimer(io::Error),
    /// The calling thread is unwinding from a panic, and the panic hook cannot be
    /// set then.
    #[cfg(feature = "shutdown")]
    Panicking,
    /// The phases have no valid order, or need more time than the grace.
    #[cfg(feature = "shutdown")]
    Phases(PhasesError),
    /// The builder refuses a platform on which a shutdown certainly cannot work as configured; see
    /// [`refuse_platform_errors`](crate::ShutdownBuilder::refuse_platform_errors).
    #[cfg(feature = "platform")]
    Platform(Vec<crate::platform::Finding>),
    /// A signal cannot be used. `SIGKILL` and `SIGSTOP` cannot be handled;
    /// `SIGSEGV`, `SIGILL` and `SIGFPE` must not be; `SIGURG` is deadstop's own; and a
    /// signal whose default action is not to end the process, such as `SIGCHLD`, cannot
    /// begin a shutdown.
    #[cfg(feature = "signals")]
    Signal {
        /// The signal.
        signal: Signal,
        /// The system's error.
        source: io::Error,
    },
    /// A signal is both a status signal and a trigger (or a forwarded signal).
    #[cfg(feature = "shutdown")]
    SignalTwice {
        /// The signal.
        signal: Signal,
    },
    /// A file for hang reports cannot be opened, or must not be overwritten.
    #[cfg(feature = "shutdown")]
    Sink {
        /// The file's path.
        path: PathBuf,
        /// The system's error.
        source: io::Error,
    },
    /// [`max_concurrent_tasks`](crate::ShutdownBuilder::max_concurrent_tasks) is 0.
    #[cfg(feature = "shutdown")]
    NoConcurrentTasks,
    /// The operating system refused a thread.
    Thread {
        /// The thread's name.
        name: &'static str,
        /// The system's error.
        source: io::Error,
    },
    /// The value of the environment variable that sets the grace is not a length of time.
    #[cfg(feature = "platform")]
    #[non_exhaustive]
    Variable {
        /// The variable's name.
        name: String,
        /// The variable's value.
        value: String,
        /// The values that are allowed.
        allowed: &'static str,
    },
}

impl fmt::Display for InstallError {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AlreadyInstalled => f.write_str(
                "this process already has a watchdog, or another thread is installing one",
            ),
            #[cfg(feature = "shutdown")]
            Self::Exit(_) => f.write_str("could not register an exit handler (on_exit failed)"),
            Self::ExitStatus => f.write_str(
                "exit status 0 would make an unfinished shutdown look clean; \
                 `exit_status` must be 1 to 255",
            ),
            #[cfg(feature = "shutdown")]
            Self::FailureStatus => f.write_str(
                "failure status 0 would make an unfinished shutdown look clean; \
                 `failure_status` must be 1 to 255",
            ),
            // All of it: the message says what is allowed.
            #[cfg(feature = "fault")]
            Self::Fault(error) => fmt::Display::fmt(error, f),
            Self::Fork(_) => {
                f.write_str("could not register a fork handler (pthread_atfork failed)")
            }
            Self::BackupTimer(_) => f.write_str("could not create the backup kernel timer"),
            #[cfg(feature = "shutdown")]
            Self::Panicking => {
                f.write_str("install() was called while this thread is unwinding from a panic")
            }
            #[cfg(feature = "shutdown")]
            Self::Phases(error) => fmt::Display::fmt(error, f),
            #[cfg(feature = "platform")]
            Self::Platform(errors) => {
                f.write_str("a shutdown cannot work on this platform as configured:")?;
                errors.iter().try_for_each(|error| write!(f, " {error}"))
            }
            #[cfg(feature = "signals")]
            Self::Signal { signal, .. } => write!(
                f,
                "could not handle {signal} (number {}); allowed are signals that a program can \
                 handle, except SIGURG, and as triggers those that end a process by default",
                signal.number()
            ),
            #[cfg(feature = "shutdown")]
            Self::SignalTwice { signal } => write!(
                f,
                "{signal} would both begin a shutdown and request a status report; \
                 `status_signals` must have other signals than `signals` and `forwarded_signals`"
            ),
            #[cfg(feature = "shutdown")]
            Self::Sink { path, .. } => {
                write!(f, "could not use {} for hang reports", path.display())
            }
            #[cfg(feature = "shutdown")]
            Self::NoConcurrentTasks => f.write_str("`max_concurrent_tasks` must be at least 1"),
            Self::Thread { name, .. } => write!(f, "could not start thread \"{name}\""),
            #[cfg(feature = "platform")]
            Self::Variable {
                name,
                value,
                allowed,
            } => write!(f, "{name} is {value:?}; allowed is {allowed}"),
        }
    }
}

/// The text of `Display`, and the causes. Not by [`Error::source`]: a program with the
/// watchdog alone would have the code for every error of `std` in it, 4 KB.
impl fmt::Debug for InstallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)?;
        match self.system_error() {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl InstallError {
    /// Returns the system's error, which has no cause of its own.
    fn system_error(&self) -> Option<&io::Error> {
        match self {
            Self::AlreadyInstalled | Self::ExitStatus => None,
            #[cfg(feature = "shutdown")]
            Self::FailureStatus
            | Self::Panicking
            | Self::SignalTwice { .. }
            | Self::NoConcurrentTasks
            | Self::Phases(_) => None,
            // `Display` is its whole text.
            #[cfg(feature = "fault")]
            Self::Fault(_) => None,
            #[cfg(feature = "platform")]
            Self::Platform(_) | Self::Variable { .. } => None,
            #[cfg(feature = "shutdown")]
            Self::Exit(source) | Self::Sink { source, .. } => Some(source),
            #[cfg(feature = "signals")]
            Self::Signal { source, .. } => Some(source),
            Self::Fork(source) | Self::BackupTimer(source) | Self::Thread { source, .. } => {
                Some(source)
            }
        }
    }
}

impl Error for InstallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.system_error().map(|source| source as _)
    }
}
