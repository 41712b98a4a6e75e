//! Events: what other modules hand to reporting.
//!
//! Reporting consumes them, and calls nothing of those modules.

use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use log::Level;

use crate::cause::Cause;
use crate::phase_name::PhaseName;
use crate::report::{Outcome, SharedText, ShutdownReport, Tenths};
use deadstop_core::escape::Escaped;

/// An event of the shutdown.
///
/// | event | becomes |
/// | --- | --- |
/// | `ShutdownBegan` | the first line of the progress, and the lines after it |
/// | `ShutdownEnded` | the summary |
/// | each other | a line in the log, of the level that [`level`](Self::level) returns |
#[derive(Debug)]
pub(crate) enum Event {
    ShutdownBegan {
        cause: Cause,
        grace: Duration,
    },
    ShutdownEnded(Arc<ShutdownReport>),
    /// A scope's own run began.
    ScopeBegan {
        path: Arc<str>,
        cause: Arc<Cause>,
    },
    ScopeEnded {
        path: Arc<str>,
        report: Arc<ShutdownReport>,
    },
    /// A disabled phase was left, with so many tasks that are not run.
    PhaseDisabled {
        phase: PhaseName,
        tasks: usize,
    },
    /// A task was registered too late.
    TaskRefused {
        name: SharedText,
        site: &'static Location<'static>,
    },
    /// A task left its work undone.
    TaskFailed {
        name: SharedText,
        outcome: Outcome,
    },
    /// A planted fault did not strike.
    #[cfg(feature = "fault")]
    FaultMissed {
        fault: String,
    },
    /// A line about what happens once or outside the coordinator: a finding of `install`, a
    /// stalled heartbeat.
    Message {
        level: Level,
        text: String,
    },
    /// Work was lost or left, or a callback did not do its part. Written to standard error if
    /// the logger does not take it.
    Alert {
        text: String,
    },
    /// All tasks are done, and no thread waits for that.
    NoWaiter {
        /// The time until the deadline.
        left: Duration,
        /// The activity of the main thread, if the system gives it.
        main: Option<String>,
    },
}

impl Event {
    /// Returns the level of the event's line in the log; `None` for an event of the
    /// progress.
    pub(super) fn level(&self) -> Option<Level> {
        match self {
            Self::ShutdownBegan { .. } | Self::ShutdownEnded(_) => None,
            Self::Message { level, .. } => Some(*level),
            Self::ScopeBegan { .. } | Self::PhaseDisabled { .. } => Some(Level::Info),
            Self::ScopeEnded { report, .. } => Some(match report.is_clean() {
                true => Level::Info,
                false => Level::Warn,
            }),
            Self::TaskRefused { .. }
            | Self::TaskFailed { .. }
            | Self::Alert { .. }
            | Self::NoWaiter { .. } => Some(Level::Warn),
            #[cfg(feature = "fault")]
            Self::FaultMissed { .. } => Some(Level::Warn),
        }
    }

    /// Returns the event's line in the log; empty for an event of the progress.
    #[cold]
    pub(super) fn line(&self) -> String {
        match self {
            Self::ShutdownBegan { .. } | Self::ShutdownEnded(_) => String::new(),
            Self::Message { text, .. } | Self::Alert { text } => text.clone(),
            Self::ScopeBegan { path, cause } => format!("scope {path} stops: {cause}"),
            Self::ScopeEnded { path, report } => {
                let table = format!("{report}");
                format!("scope {path} has stopped\n{}", table.trim_end())
            }
            Self::PhaseDisabled { phase, tasks } => {
                format!("phase {phase} is disabled: {tasks} tasks are not run")
            }
            Self::TaskRefused { name, site } => {
                format!("task {name:?} was registered too late, at {site}")
            }
            Self::TaskFailed { name, outcome } => {
                let outcome = format!("{outcome}");
                format!("task {name:?} {}", Escaped(&outcome))
            }
            #[cfg(feature = "fault")]
            Self::FaultMissed { fault } => format!(
                "fault \"{fault}\" was not triggered: no task or fault point of that name ran"
            ),
            Self::NoWaiter { left, main } => {
                let left = Tenths(*left);
                let main = main
                    .as_deref()
                    .map(|main| format!("; main's thread: {main}"));
                let main = main.unwrap_or_default();
                format!(
                    "all tasks are done, but `wait` was not called and `main` has not \
                     returned{main}; the process is left alone until its deadline, in {left}"
                )
            }
        }
    }
}
