//! How a task ended.

use std::fmt;

/// How a task ended.
#[derive(Clone, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Outcome {
    /// It returned, and said nothing of a failure.
    Done,
    /// It returned an error, which said this.
    Failed(String),
    /// It panicked, with this message.
    Panicked(String),
    /// It had not returned when its time was over, and was abandoned.
    OverBudget,
    /// [`TaskHandle::cancel`](crate::TaskHandle::cancel) came before it ran.
    Cancelled,
    /// It was not run, for this reason.
    Skipped(Skip),
    /// It was registered too late, which was an error to the caller.
    Refused,
}

impl Outcome {
    /// Whether the task has left undone what it was there for.
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

/// Why a task was not run.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[cfg_attr(feature = "serde", serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum Skip {
    /// The shutdown was asked to start from a later phase.
    BeforeStart,
    /// Its phase is disabled.
    Disabled,
    /// Its phase's time was over before there was a thread for it.
    NoTime,
    /// Its scope is detached, and nobody asked it to stop.
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

/// What a task may return: nothing, or a `Result` whose error can be shown.
///
/// It is implemented for those, and for closures that never return.
pub trait TaskResult: sealed::Sealed {
    #[doc(hidden)]
    fn into_outcome(self) -> Outcome;
}

impl TaskResult for () {
    fn into_outcome(self) -> Outcome {
        Outcome::Done
    }
}

impl<E: fmt::Display> TaskResult for Result<(), E> {
    fn into_outcome(self) -> Outcome {
        match self {
            Ok(()) => Outcome::Done,
            // `Display` is the user's code: this is called on the task's own
            // thread.
            Err(error) => Outcome::Failed(error.to_string()),
        }
    }
}

impl TaskResult for never::Never {
    fn into_outcome(self) -> Outcome {
        self
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "nobody else is to implement it")]
    pub trait Sealed {}
    impl Sealed for () {}
    impl<E: std::fmt::Display> Sealed for Result<(), E> {}
    impl Sealed for super::never::Never {}
}

/// The type `!`, by the only way there is to name it in stable Rust. A closure
/// such as `|_| loop {}` returns it.
mod never {
    #[expect(unnameable_types, reason = "it is a detour, not a type to use")]
    pub trait Returns {
        type Type;
    }

    impl<T> Returns for fn() -> T {
        type Type = T;
    }

    pub(super) type Never = <fn() -> ! as Returns>::Type;
}
