//! One error per operation.

use std::error::Error;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::time::Duration;

use crate::coordinator::PhaseName;
use crate::signal::Signal;

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
    /// The system would not say when the program calls `exit`, so tasks could be
    /// cut off by it.
    Exit(io::Error),
    /// The exit status 0 was asked for. An unfinished shutdown must not look
    /// like a clean one.
    ExitStatus,
    /// The failure status 0 was asked for. A shutdown that left something undone
    /// must not look like a clean one.
    FailureStatus,
    /// What `DEADSTOP_FAULT` says cannot be planted, or what the program itself
    /// has planted cannot strike.
    #[cfg(feature = "fault")]
    Fault(crate::fault::PlantError),
    /// The system would not say when this process forks, so a child could not
    /// be told that it has no watchdog.
    Fork(io::Error),
    /// The kernel gave no timer, and the builder said that one is required.
    KernelTimer(io::Error),
    /// The calling thread is unwinding from a panic, and the panic hook cannot
    /// be set then.
    Panicking,
    /// The phases do not make an order, or ask for more time than there is.
    Phases(PhasesError),
    /// A signal cannot be handled. `SIGKILL` and `SIGSTOP` never can, and
    /// `SIGSEGV`, `SIGILL` and `SIGFPE` must not be.
    Signal {
        /// Which.
        signal: Signal,
        /// What the system said.
        source: io::Error,
    },
    /// A signal was to begin the shutdown and to ask for a dump.
    SignalTwice {
        /// Which.
        signal: Signal,
    },
    /// A file that hang reports were to be written to cannot be opened, or is
    /// none that can be written over.
    Sink {
        /// Where it is.
        path: PathBuf,
        /// What is wrong with it.
        source: io::Error,
    },
    /// No task at all was to run at once.
    TasksAtOnce,
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
            Self::Exit(_) => f.write_str("no notice of exits to be had"),
            Self::ExitStatus => f.write_str(
                "exit status 0 would make an unfinished shutdown look clean; \
                 1 to 255 are allowed",
            ),
            Self::FailureStatus => f.write_str(
                "failure status 0 would make an unfinished shutdown look clean; \
                 1 to 255 are allowed",
            ),
            // All of it: a message that leaves out what is allowed is of no use.
            #[cfg(feature = "fault")]
            Self::Fault(error) => fmt::Display::fmt(error, f),
            Self::Fork(_) => f.write_str("no notice of forks to be had"),
            Self::KernelTimer(_) => f.write_str("no kernel timer to stand behind the watchdog"),
            Self::Panicking => f.write_str("the thread that installs is panicking"),
            Self::Phases(_) => f.write_str("the phases do not fit together"),
            Self::Signal { signal, .. } => write!(f, "{signal} cannot be handled"),
            Self::SignalTwice { signal } => write!(
                f,
                "{signal} cannot both begin the shutdown and ask for a dump"
            ),
            Self::Sink { path, .. } => {
                write!(f, "hang reports cannot be written to {}", path.display())
            }
            Self::TasksAtOnce => {
                f.write_str("no tasks at once means no tasks; 1 and more are allowed")
            }
            Self::Thread { name, .. } => write!(f, "no thread for \"{name}\" to run on"),
        }
    }
}

impl Error for InstallError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            Self::AlreadyInstalled
            | Self::ExitStatus
            | Self::FailureStatus
            | Self::Panicking
            | Self::SignalTwice { .. }
            | Self::TasksAtOnce => None,
            #[cfg(feature = "fault")]
            Self::Fault(_) => None,
            Self::Phases(source) => Some(source),
            Self::Exit(source)
            | Self::Fork(source)
            | Self::KernelTimer(source)
            | Self::Signal { source, .. }
            | Self::Sink { source, .. }
            | Self::Thread { source, .. } => Some(source),
        }
    }
}

/// What is wrong with the phases of a builder.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum PhasesError {
    /// What the phases ask for by name is more than the grace.
    #[non_exhaustive]
    Budgets {
        /// Each phase with a budget or a reserve, and that.
        phases: Vec<(PhaseName, Duration)>,
        /// The sum of those.
        sum: Duration,
        /// What there is.
        grace: Duration,
    },
    /// Phases wait for each other. The first is named again at the end.
    Cycle(Vec<PhaseName>),
    /// A phase is described more than once.
    Duplicate(PhaseName),
    /// A phase reserves more than its own budget lets it use.
    #[non_exhaustive]
    Reserve {
        /// The phase.
        phase: PhaseName,
        /// What it keeps from earlier phases.
        reserve: Duration,
        /// What it may use.
        budget: Duration,
    },
    /// A phase says that it comes after or before one that does not exist.
    #[non_exhaustive]
    Unknown {
        /// The phase that says so.
        phase: PhaseName,
        /// The one it names.
        names: PhaseName,
    },
    /// A phase has an empty name, or one of blanks.
    Unnamed,
}

impl fmt::Display for PhasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budgets { phases, sum, grace } => {
                write!(f, "phases ask for {sum:?}, the grace is {grace:?}")?;
                for (place, (phase, time)) in phases.iter().enumerate() {
                    let separator = if place == 0 { ":" } else { "," };
                    write!(f, "{separator} {phase} {time:?}")?;
                }
                Ok(())
            }
            Self::Cycle(phases) => {
                f.write_str("phases wait for each other")?;
                for (place, phase) in phases.iter().enumerate() {
                    let separator = if place == 0 { ":" } else { "," };
                    write!(f, "{separator} {phase}")?;
                }
                Ok(())
            }
            Self::Duplicate(phase) => write!(f, "phase \"{phase}\" is described twice"),
            Self::Reserve {
                phase,
                reserve,
                budget,
            } => write!(
                f,
                "phase \"{phase}\" reserves {reserve:?}, but its budget is {budget:?}"
            ),
            Self::Unknown { phase, names } => write!(
                f,
                "phase \"{phase}\" names phase \"{names}\", which does not exist"
            ),
            Self::Unnamed => f.write_str("a phase has no name; any text but blanks is allowed"),
        }
    }
}

impl Error for PhasesError {}

/// Why a task was not registered. It will not run; the caller still has to do
/// its work, or say that it is left undone.
///
/// Each refusal during a shutdown is also a line in its report.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum TaskRefused {
    /// This is a child of `fork`, which has no shutdown.
    Forked,
    /// The shutdown, or the scope's own, is over.
    Over,
    /// The task's phase is over, and a later one is running.
    PhaseOver {
        /// The task's phase.
        phase: PhaseName,
    },
    /// There is no such phase.
    UnknownPhase {
        /// The name that no phase has.
        phase: PhaseName,
    },
    /// The task's name is empty, or blanks.
    Unnamed,
}

impl fmt::Display for TaskRefused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Forked => f.write_str("a child of fork has no shutdown"),
            Self::Over => f.write_str("the shutdown is over"),
            Self::PhaseOver { phase } => write!(f, "phase \"{phase}\" is over"),
            Self::UnknownPhase { phase } => write!(f, "there is no phase \"{phase}\""),
            Self::Unnamed => f.write_str("a task has no name; any text but blanks is allowed"),
        }
    }
}

impl Error for TaskRefused {}

/// Why nobody can wait for the shutdown here.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum WaitError {
    /// This is a child of `fork`, which has no shutdown.
    Forked,
    /// A task of the shutdown asked: it would wait for itself.
    FromTask,
}

impl fmt::Display for WaitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Forked => "a child of fork has no shutdown to wait for",
            Self::FromTask => "a task of the shutdown cannot wait for the shutdown",
        })
    }
}

impl Error for WaitError {}
