//! Results that a task may return.

use std::fmt;

use crate::report::Outcome;

/// The result of a task: `()`, or a `Result` whose error implements `Display`.
///
/// It is implemented for those two and for closures that never return. Reports print the error as
/// `{:#}` does: those of anyhow and eyre with their causes.
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// // Nothing, or a `Result` whose error is text or can be printed.
/// shutdown.task("close").on_shutdown(|_| {})?;
/// shutdown.task("sync").on_shutdown(|_| std::fs::File::open("data")?.sync_all())?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
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
            // thread. The alternate form of anyhow's and eyre's errors has their causes.
            Err(error) => Outcome::Failed(format!("{error:#}")),
        }
    }
}

impl TaskResult for never::Never {
    fn into_outcome(self) -> Outcome {
        self
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "seals the trait")]
    pub trait Sealed {}
    impl Sealed for () {}
    impl<E: std::fmt::Display> Sealed for Result<(), E> {}
    impl Sealed for super::never::Never {}
}

/// The type `!`, which stable Rust can name only as the result of a function
/// pointer. A closure such as `|_| loop {}` returns it.
mod never {
    #[expect(unnameable_types, reason = "it only names the type `!`")]
    pub trait Returns {
        type Type;
    }

    impl<T> Returns for fn() -> T {
        type Type = T;
    }

    pub(super) type Never = <fn() -> ! as Returns>::Type;
}

#[cfg(test)]
mod tests {
    use super::{Outcome, TaskResult};
    use std::fmt;

    /// Like the errors of anyhow and eyre.
    struct Report;

    impl fmt::Display for Report {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(match f.alternate() {
                true => "flushing: disk is full",
                false => "flushing",
            })
        }
    }

    #[test]
    fn failed_task_is_reported_with_the_causes_of_its_error() {
        let outcome = Err(Report).into_outcome();
        let Outcome::Failed(text) = outcome else {
            panic!("{outcome:?}");
        };
        assert_eq!(text, "flushing: disk is full");
    }
}
