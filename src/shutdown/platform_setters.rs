//! The builder's setters for the platform.

use std::time::Duration;

use super::ShutdownBuilder;
use super::platform::{GraceSource, Options};
use crate::platform::detect;

impl ShutdownBuilder {
    /// Takes the grace from the platform where it is certain, less a tenth and
    /// less a second at most; from `default` elsewhere.
    ///
    /// Certain are: systemd's `TimeoutStopSec`, for which systemd is asked (for
    /// at most 250 ms); `ARGO_TERMINATION_GRACE_PERIOD_SECONDS`; pm2's
    /// `kill_timeout`; and [`DEADSTOP_PLATFORM_GRACE`](crate::platform::PLATFORM_GRACE),
    /// which a manifest sets. Of several, the shortest counts. A grace that is
    /// only guessed, such as Docker's ten seconds, changes nothing.
    ///
    /// If Argo Workflows gives the time at which the step ends (`ARGO_DEADLINE`), `install` arms
    /// the watchdog: the process ends at the latest one grace after that time, whether Argo's
    /// signal arrives or not.
    ///
    /// [`grace`](Self::grace) and [`grace_from_env`](Self::grace_from_env) set
    /// the same; the last call counts.
    pub fn grace_from_platform(mut self, default: Duration) -> Self {
        self.platform.grace = GraceSource::Platform { default };
        self.platform.detect = Some(detect);
        self.platform.decide = Some(Options::decide);
        self
    }

    /// Takes the grace from the variable `name`: a duration with its unit
    /// (`25s`, `1m 30s`, `1500ms`), or seconds; from `default` if it is not set,
    /// or empty. With any other value, `install` fails and names the variable,
    /// the value, and what is allowed.
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

    /// Sets whether `install` fails if it is certain that a shutdown cannot work
    /// here as configured: the platform kills sooner, or its signals do not
    /// arrive. False unless set; the findings are then in the log alone.
    ///
    /// systemd is asked, for at most 250 ms.
    pub fn refuse_platform_errors(mut self, refuse: bool) -> Self {
        self.platform.refuse_errors = refuse;
        self.platform.detect = Some(detect);
        self.platform.decide = Some(Options::decide);
        self
    }

    /// Sets whether `install` writes to the log what it finds out about the platform: an
    /// error that is certain as a warning, everything else as info. True unless set.
    pub fn log_platform(mut self, log: bool) -> Self {
        self.platform.logs = log;
        self
    }
}
