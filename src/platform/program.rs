//! The configuration of a program.

use std::time::Duration;

use crate::Signal;

/// The part of a program's configuration that must fit the platform.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::platform::{Environment, Level, Platform, Program};
///
/// let environment = Environment::new(1)
///     .file("/.dockerenv")
///     .unseen("/proc is not mounted");
/// let program = Program::new(Duration::from_secs(25));
/// let findings = Platform::of(&environment).findings(&program);
/// let line = findings.iter().find(|f| f.level == Level::Warning).unwrap().to_string();
/// assert!(line.starts_with("grace 25s does not fit: Docker kills after 10s"));
/// ```
#[derive(Clone, Debug)]
pub struct Program {
    pub(super) grace: Duration,
    pub(super) signals: Vec<i32>,
    pub(super) second_signal_ends: bool,
}

impl Program {
    /// Describes a program with this grace, which stops at `SIGTERM` and `SIGINT`.
    pub fn new(grace: Duration) -> Self {
        Self {
            grace,
            signals: vec![libc::SIGTERM, libc::SIGINT],
            second_signal_ends: false,
        }
    }

    /// Sets the signals at which it stops.
    pub fn signals(mut self, signals: impl IntoIterator<Item = Signal>) -> Self {
        self.signals = signals.into_iter().map(Signal::number).collect();
        self
    }

    /// Returns the grace.
    pub fn grace(&self) -> Duration {
        self.grace
    }

    /// Sets the grace.
    pub fn with_grace(mut self, grace: Duration) -> Self {
        self.grace = grace;
        self
    }

    /// Sets whether a second signal from any sender ends it at once.
    pub fn second_signal_ends(mut self, ends: bool) -> Self {
        self.second_signal_ends = ends;
        self
    }
}
