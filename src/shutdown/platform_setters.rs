//! The builder's setters for the platform.

use std::time::Duration;

use super::ShutdownBuilder;
use super::platform::{GraceSource, Options};
use crate::platform::detect;

impl ShutdownBuilder {
    /// Takes the grace from the platform if it is certain, less a tenth of it (at most 1 s).
    /// Otherwise takes it from `default`.
    ///
    /// These are certain: systemd's `TimeoutStopSec`, for which deadstop asks systemd (for at
    /// most 250 ms); `ARGO_TERMINATION_GRACE_PERIOD_SECONDS`; pm2's `kill_timeout`; and
    /// [`DEADSTOP_PLATFORM_GRACE`](crate::platform::PLATFORM_GRACE), which a manifest sets. If
    /// there are several, the shortest counts. A guess, such as Docker's ten seconds, changes
    /// nothing.
    ///
    /// If Argo Workflows gives the time at which the step ends (`ARGO_DEADLINE`), `install` arms
    /// the watchdog: the process ends at the latest one grace after that time, whether Argo's
    /// signal arrives or not.
    ///
    /// [`grace`](Self::grace) and [`grace_from_env`](Self::grace_from_env) set the same value;
    /// the last call counts.
    pub fn grace_from_platform(mut self, default: Duration) -> Self {
        self.platform.grace = GraceSource::Platform { default };
        self.platform.detect = Some(detect);
        self.platform.decide = Some(Options::decide);
        self
    }

    /// Takes the grace from the variable `name`: a duration with its unit (`25s`, `1m 30s`,
    /// `1500ms`), or seconds. If the variable is not set or empty, takes it from `default`.
    /// With any other value `install` fails, and its error names the variable, the value, and
    /// the allowed values.
    ///
    /// # Examples
    ///
    /// ```no_run
    /// use std::time::Duration;
    ///
    /// let shutdown = deadstop::Shutdown::builder()
    ///     .grace_from_env("SHUTDOWN_GRACE", Duration::from_secs(25))
    ///     .install()?;
    /// # Ok::<(), deadstop::InstallError>(())
    /// ```
    pub fn grace_from_env(mut self, name: impl Into<String>, default: Duration) -> Self {
        self.platform.grace = GraceSource::Variable {
            name: name.into(),
            default,
        };
        self.platform.decide = Some(Options::decide);
        self
    }

    /// Sets whether `install` fails if a shutdown certainly cannot work here as configured: the
    /// platform kills sooner, or its signals do not arrive. `false` unless set: the findings
    /// are then only in the log.
    ///
    /// With `true`, `install` asks systemd, for at most 250 ms.
    pub fn refuse_platform_errors(mut self, refuse: bool) -> Self {
        self.platform.refuse_errors = refuse;
        self.platform.detect = Some(detect);
        self.platform.decide = Some(Options::decide);
        self
    }

    /// Sets whether `install` logs its findings about the platform: a certain error as a
    /// warning, everything else as info. `true` unless set.
    pub fn log_platform(mut self, log: bool) -> Self {
        self.platform.logs = log;
        self
    }
}
