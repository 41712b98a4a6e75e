//! The reasons for refusing a task.

use std::error::Error;
use std::fmt;

use crate::phase_name::PhaseName;

debug_is_display!(RegisterError);

/// The reason why a task was not registered. It will not run. The caller must do its work, or
/// report that it was not done.
///
/// Each refusal during a shutdown is also a line in its report.
///
/// # Examples
///
/// ```
/// use deadstop::{RegisterError, Shutdown};
///
/// let shutdown = Shutdown::builder().install()?;
/// let refused = shutdown.task("flush").phase("flsh").on_shutdown(|_| {});
/// assert!(matches!(refused, Err(RegisterError::UnknownPhase { .. })));
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum RegisterError {
    /// The shutdown is [detached](crate::ShutdownBuilder::detached), and this needs an
    /// installed one.
    Detached,
    /// This is a child of `fork`, which has no shutdown.
    Forked,
    /// The system refused the thread that this needs.
    NoThread,
    /// The shutdown, or the stop of the scope, is over.
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
    /// The name of the task, gate, pool or resource is empty, or has only blanks.
    Unnamed,
}

impl fmt::Display for RegisterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Detached => f.write_str("the shutdown is detached; this needs an installed one"),
            Self::Forked => f.write_str(
                "this process is a child of fork and has no shutdown; install after forking",
            ),
            Self::NoThread => f.write_str("the system refused a thread"),
            Self::Over => f.write_str("the shutdown, or the stop of the scope, is over"),
            Self::PhaseOver { phase } => write!(
                f,
                "phase \"{phase}\" is over; the running phase and later ones take tasks"
            ),
            Self::UnknownPhase { phase } => write!(f, "there is no phase \"{phase}\""),
            Self::Unnamed => f.write_str(
                "a task, gate, pool or resource has an empty name; any text that is not blank is \
                 allowed",
            ),
        }
    }
}

impl Error for RegisterError {}
