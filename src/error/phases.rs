//! Errors in the configuration of phases.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use crate::phase_name::PhaseName;

debug_is_display!(PhasesError);
debug_is_display!(UnknownPhaseError);

/// The reason why the phases of a builder were refused.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::task::PhasesError;
/// use deadstop::{InstallError, Phase, Shutdown};
///
/// let refused = Shutdown::builder()
///     .grace(Duration::from_secs(5))
///     .phase(Phase::DRAIN.budget(Duration::from_secs(10)))
///     .install();
/// let error = refused.unwrap_err();
/// assert!(matches!(error, InstallError::Phases(PhasesError::Budgets { .. })));
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub enum PhasesError {
    /// The sum of the phases' budgets and reserves is more than the grace.
    #[non_exhaustive]
    Budgets {
        /// Each phase that has a budget or a reserve, and the time that it asks for.
        phases: Vec<(PhaseName, Duration)>,
        /// The sum of these times.
        sum: Duration,
        /// The grace.
        grace: Duration,
    },
    /// Phases must run after each other in a circle. The list ends with its first phase.
    Cycle(Vec<PhaseName>),
    /// A phase is described more than once.
    Duplicate(PhaseName),
    /// A phase reserves more than its own budget lets it use.
    #[non_exhaustive]
    Reserve {
        /// The phase.
        phase: PhaseName,
        /// The time that it reserves.
        reserve: Duration,
        /// The time that it may use.
        budget: Duration,
    },
    /// A phase must run after or before a phase that does not exist.
    #[non_exhaustive]
    Unknown {
        /// The phase that names the other.
        phase: PhaseName,
        /// The name that no phase has.
        names: PhaseName,
    },
    /// A phase's name is empty, or has only blanks.
    Unnamed,
}

impl fmt::Display for PhasesError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Budgets { phases, sum, grace } => {
                write!(
                    f,
                    "budgets and reserves of phases add up to {sum:?}, more than the grace of {grace:?}"
                )?;
                for (place, (phase, time)) in phases.iter().enumerate() {
                    let separator = if place == 0 { ":" } else { "," };
                    write!(f, "{separator} {phase} {time:?}")?;
                }
                Ok(())
            }
            Self::Cycle(phases) => {
                f.write_str("phases must run after each other in a circle")?;
                for (place, phase) in phases.iter().enumerate() {
                    let separator = if place == 0 { ":" } else { "," };
                    write!(f, "{separator} {phase}")?;
                }
                Ok(())
            }
            Self::Duplicate(phase) => {
                write!(
                    f,
                    "phase \"{phase}\" is added twice; a name may be added once"
                )
            }
            Self::Reserve {
                phase,
                reserve,
                budget,
            } => write!(
                f,
                "phase \"{phase}\" reserves {reserve:?}, more than its budget of {budget:?}"
            ),
            Self::Unknown { phase, names } => write!(
                f,
                "phase \"{phase}\" names phase \"{names}\", which does not exist"
            ),
            Self::Unnamed => {
                f.write_str("a phase has an empty name; any text that is not blank is allowed")
            }
        }
    }
}

impl Error for PhasesError {}

/// There is no phase of this name.
///
/// # Examples
///
/// ```
/// use deadstop::{Cause, Shutdown};
///
/// let shutdown = Shutdown::builder().install()?;
/// let error = shutdown.request_from("flsh", Cause::Finished).unwrap_err();
/// assert_eq!(error.phase.as_str(), "flsh");
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Eq, PartialEq)]
#[non_exhaustive]
pub struct UnknownPhaseError {
    /// The name that no phase has.
    pub phase: PhaseName,
}

impl fmt::Display for UnknownPhaseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "there is no phase {:?}", self.phase.as_str())
    }
}

impl Error for UnknownPhaseError {}
