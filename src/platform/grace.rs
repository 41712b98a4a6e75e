//! A platform's grace period, and how certain it is.

use std::time::Duration;

use super::environment::Environment;
use super::texts::number;

/// The accepted durations, for error messages.
pub(crate) const ALLOWED_DURATIONS: &str = "a duration with its unit, such as \"25s\", \"1m 30s\" or \"1500ms\", longer than zero and no longer than 584 years";

/// The variable in which a manifest can say how long the platform lets the process live after
/// the first signal.
///
/// Kubernetes, Docker, Nomad and ECS set no such variable. A manifest sets it beside the
/// platform's own number (in Kubernetes `terminationGracePeriodSeconds`, less the time of
/// `preStop`). Its value counts as certain, and replaces a guess. The value is a duration with
/// its unit (`25s`, `1m 30s`), or seconds.
pub const PLATFORM_GRACE: &str = "DEADSTOP_PLATFORM_GRACE";

/// A supervisor's grace period: the time that the process has after the first signal.
///
/// # Examples
///
/// ```
/// use deadstop::platform::{Grace, detect};
///
/// let platform = detect();
/// let grace: Option<&Grace> = platform.grace();
/// if let Some(grace) = grace {
///     println!("{:?} from {}, certain: {}", grace.length, grace.source, grace.certain);
/// }
/// ```
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub struct Grace {
    /// From the first signal to `SIGKILL`.
    pub length: Duration,
    /// `true` if the length was read from a place that cannot be wrong, and is not a documented
    /// default.
    pub certain: bool,
    /// The source of the length.
    pub source: String,
}

impl Grace {
    pub(super) fn certain(length: Duration, source: impl Into<String>) -> Self {
        Self {
            length,
            certain: true,
            source: source.into(),
        }
    }

    pub(super) fn guessed(length: Duration, source: impl Into<String>) -> Self {
        Self {
            length,
            certain: false,
            source: source.into(),
        }
    }

    /// Returns the longest grace for the program that ends before the platform's: the length,
    /// less a tenth of it or one second, whichever is shorter.
    #[inline(never)] // Rules and `install` ask for it.
    pub fn with_margin(&self) -> Duration {
        self.length - margin(self.length)
    }
}

/// The time from the deadline to the end of a process: the backup timer comes up to 250 ms
/// later, and the kernel takes time to release memory.
fn margin(length: Duration) -> Duration {
    (length / 10).min(Duration::from_secs(1))
}

/// Returns the shortest length that a program's grace fits into: the inverse of
/// [`Grace::with_margin`], rounded up to a whole second above ten.
pub(super) fn length_for(grace: Duration) -> Duration {
    match grace.checked_add(Duration::from_secs(1)) {
        Some(length) if length >= Duration::from_secs(10) => match length.subsec_nanos() {
            0 => length,
            _ => Duration::from_secs(length.as_secs() + 1),
        },
        Some(_) => grace + grace / 9 + Duration::from_millis(1),
        None => Duration::MAX,
    }
}

/// A number that the environment holds for certain, or a value there that
/// cannot be read.
pub(super) type Read = Result<Option<Grace>, Malformed>;

/// A variable whose value cannot be read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(super) struct Malformed {
    pub(super) variable: &'static str,
    pub(super) value: String,
    pub(super) allowed: &'static str,
}

/// Reads what the manifest says by [`PLATFORM_GRACE`].
pub(super) fn declared(environment: &Environment) -> Read {
    read(
        environment,
        PLATFORM_GRACE,
        ALLOWED_DURATIONS,
        deadstop_core::duration::parse,
    )
}

/// Reads the pod's grace as Argo hands it on.
pub(super) fn argo(environment: &Environment) -> Read {
    read(
        environment,
        ARGO_GRACE,
        "whole seconds above zero",
        |text| {
            let seconds = number(text.trim())?;
            (seconds > 0).then_some(Duration::from_secs(seconds.into()))
        },
    )
}

/// Reads the grace that pm2 hands on where its configuration sets one.
pub(super) fn pm2(environment: &Environment) -> Read {
    read(
        environment,
        "kill_timeout",
        "whole milliseconds above zero",
        |text| {
            let millis = number(text.trim())?;
            (millis > 0).then_some(Duration::from_millis(millis.into()))
        },
    )
}

pub(super) const ARGO_GRACE: &str = "ARGO_TERMINATION_GRACE_PERIOD_SECONDS";

#[cold]
#[inline(never)] // Three callers.
fn read(
    environment: &Environment,
    variable: &'static str,
    allowed: &'static str,
    parse: fn(&str) -> Option<Duration>,
) -> Read {
    let Some(value) = environment.get(variable) else {
        return Ok(None);
    };
    match parse(value) {
        Some(length) => Ok(Some(Grace::certain(length, variable))),
        None => Err(Malformed {
            variable,
            value: value.chars().take(60).collect(),
            allowed,
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::{Grace, length_for};
    use proptest::prelude::*;
    use std::time::Duration;

    #[test]
    fn margin_is_a_tenth_and_at_most_a_second() {
        let fits = |length| Grace::certain(Duration::from_millis(length), "").with_margin();
        assert_eq!(fits(1600), Duration::from_millis(1440));
        assert_eq!(fits(10_000), Duration::from_secs(9));
        assert_eq!(fits(90_000), Duration::from_secs(89));
        assert_eq!(length_for(Duration::from_secs(25)), Duration::from_secs(26));
        assert_eq!(length_for(Duration::MAX), Duration::MAX);
    }

    proptest! {
        #[test]
        fn grace_fits_into_the_length_that_is_named_for_it(grace in 1_u64..10_000_000) {
            let grace = Duration::from_micros(grace * 50);
            let length = length_for(grace);
            let fits = Grace::certain(length, "").with_margin();
            prop_assert!(fits >= grace, "{grace:?} in {length:?} has {fits:?}");
        }
    }
}
