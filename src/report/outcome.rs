//! Outcomes of tasks.

use std::fmt;

/// The outcome of a task.
///
/// # Examples
///
/// ```
/// use deadstop::report::{Outcome, Skip};
///
/// assert!(!Outcome::Done.is_failure());
/// assert!(Outcome::Skipped(Skip::NoTime).is_failure());
/// assert_eq!(Outcome::Failed("disk full".into()).to_string(), "failed: disk full");
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Outcome {
    /// The task returned without an error.
    Done,
    /// The task returned an error with this text.
    Failed(String),
    /// The task panicked with this message.
    Panicked(String),
    /// The task had not returned when its time was over, and was abandoned.
    OverBudget,
    /// [`TaskHandle::cancel`](crate::TaskHandle::cancel) cancelled the task before it ran.
    Cancelled,
    /// The task was not run, for this reason.
    Skipped(Skip),
    /// The task was registered too late; the caller got an error.
    Refused,
}

impl Outcome {
    /// Returns `true` if the task left its work undone.
    pub fn is_failure(&self) -> bool {
        match self {
            Self::Done | Self::Cancelled | Self::Refused => false,
            Self::Failed(_) | Self::Panicked(_) | Self::OverBudget => true,
            Self::Skipped(why) => matches!(why, Skip::NoTime | Skip::SequenceEnded),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Failed(message) => write!(f, "failed: {message}"),
            Self::Panicked(message) => write!(f, "panicked: {message}"),
            Self::OverBudget => f.write_str("over budget, abandoned"),
            Self::Cancelled => f.write_str("cancelled"),
            Self::Skipped(why) => write!(f, "skipped: {why}"),
            Self::Refused => f.write_str("refused: registered too late"),
        }
    }
}

/// The reason why a task was not run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Deserialize, serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Skip {
    /// The shutdown was requested to start from a later phase.
    BeforeStart,
    /// The phase is disabled.
    Disabled,
    /// The time of the phase was over before a thread was free for the task.
    NoTime,
    /// The scope is detached, and nothing requested it to stop.
    NotRequested,
    /// An earlier phase failed, and its policy ends the sequence.
    SequenceEnded,
}

impl fmt::Display for Skip {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::BeforeStart => "the shutdown started from a later phase",
            Self::Disabled => "its phase is disabled",
            Self::NoTime => "no time was left for it",
            Self::NotRequested => "its scope is detached and was not asked to stop",
            Self::SequenceEnded => "an earlier phase failed",
        })
    }
}
