//! Applies the platform's grace and findings to the builder.

use std::path::Path;
use std::time::{Duration, SystemTime};

use super::Shutdown;
use crate::error::InstallError;
use crate::platform::{self, Environment, Finding, Level, Platform, Program};

/// The source of the grace.
#[derive(Clone, Debug)]
pub(super) enum GraceSource {
    /// The builder's own number.
    Builder,
    /// The platform, where it is certain.
    Platform { default: Duration },
    /// A variable.
    Variable { name: String, default: Duration },
}

/// Decides on the grace, and refuses what the builder refuses.
type Decide = fn(&Options, Program) -> Result<Found, InstallError>;

/// The builder's choices about the platform.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) grace: GraceSource,
    pub(super) refuse_errors: bool,
    /// Set by the setters by which `install` depends on the platform: systemd's client is
    /// linked into programs that call them.
    pub(super) detect: Option<fn() -> Platform>,
    /// Set by those, and by the setter that names a variable.
    pub(super) decide: Option<Decide>,
    pub(super) logs: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            grace: GraceSource::Builder,
            refuse_errors: false,
            detect: None,
            decide: None,
            logs: true,
        }
    }
}

impl Options {
    /// Makes the builder's own number the grace again.
    pub(super) fn forget_grace(&mut self) {
        self.grace = GraceSource::Builder;
    }

    /// Decides on the grace, and compares the program with the platform if `install`
    /// depends on it. The program's grace is the builder's; the one that counts is in what
    /// is returned.
    pub(super) fn find(&self, program: Program) -> Result<Found, InstallError> {
        match self.decide {
            Some(decide) => decide(self, program),
            None => Ok(Found {
                grace: program.grace(),
                program,
                logs: self.logs,
                platform: None,
                ends_in: None,
            }),
        }
    }

    pub(super) fn decide(&self, program: Program) -> Result<Found, InstallError> {
        let asks = self.refuse_errors || matches!(self.grace, GraceSource::Platform { .. });
        let platform = self.detect.filter(|_| asks).map(|detect| detect());
        let (grace, ends_in) = match &self.grace {
            GraceSource::Builder => (program.grace(), None),
            GraceSource::Variable { name, default } => (variable(name)?.unwrap_or(*default), None),
            GraceSource::Platform { default } => {
                let certain = platform.as_ref().and_then(Platform::certain_grace);
                let grace = certain.map_or(*default, platform::Grace::with_margin);
                let deadline = platform.as_ref().and_then(Platform::deadline);
                let ends_in = deadline.map(|deadline| {
                    let left = deadline.duration_since(SystemTime::now());
                    left.unwrap_or_default().saturating_add(grace)
                });
                (grace, ends_in)
            }
        };
        let program = program.with_grace(grace);
        if let Some(platform) = platform.as_ref().filter(|_| self.refuse_errors) {
            let mut errors = platform.findings(&program);
            errors.retain(Finding::is_certain_error);
            if !errors.is_empty() {
                return Err(InstallError::Platform(errors));
            }
        }
        Ok(Found {
            grace,
            program,
            logs: self.logs,
            platform,
            ends_in,
        })
    }
}

/// The findings of `install` before it starts any thread.
pub(super) struct Found {
    pub(super) grace: Duration,
    pub(super) program: Program,
    logs: bool,
    /// `None` if `install` does not depend on it.
    platform: Option<Platform>,
    /// From now to the end of a grace that begins at the platform's own
    /// deadline.
    ends_in: Option<Duration>,
}

/// Reads a grace from a variable; `None` if it is not set, or empty.
fn variable(name: &str) -> Result<Option<Duration>, InstallError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let grace = value.to_str().and_then(deadstop_core::duration::parse);
    grace.map(Some).ok_or_else(|| InstallError::Variable {
        name: name.to_owned(),
        value: value.to_string_lossy().into_owned(),
        allowed: platform::ALLOWED_DURATIONS,
    })
}

impl Found {
    /// Arms for the platform's own deadline, and writes the findings to the log.
    pub(super) fn apply(self, shutdown: &Shutdown) {
        if let Some(end) = self.ends_in {
            shutdown.watchdog.arm_within(end);
        }
        if !self.logs {
            return;
        }
        let reporting = &shutdown.coordinator.reporting;
        if !reporting.takes(log::Level::Warn) {
            return;
        }
        // Files are read on the thread that calls the logger, which may hang.
        let (platform, program) = (self.platform, self.program);
        let environment = platform.is_none().then(Environment::of_variables);
        reporting.find(move || {
            let detect = |environment: Environment| environment.with_files(Path::new("/"));
            let platform = platform.or_else(|| Some(Platform::decide(environment.map(detect)?)));
            platform.map_or_else(Vec::new, |platform| lines(&platform, &program))
        });
    }
}

/// Returns the log lines about the platform.
fn lines(platform: &Platform, program: &Program) -> Vec<(log::Level, String)> {
    let is_known = !platform.supervisions().is_empty();
    let mut lines = Vec::new();
    for finding in &platform.findings(program) {
        let level = match finding.level {
            Level::Error => log::Level::Warn,
            // Most programs are started by hand, most of the time.
            Level::Info if !is_known => continue,
            _ => log::Level::Info,
        };
        if level <= log::max_level() {
            lines.push((level, format!("{finding}")));
        }
    }
    lines
}

/// Compares a shutdown's grace and signals with the platform. Returns the worst finding first.
/// Reads variables, files and `/proc`. If this process is a service of systemd, asks systemd,
/// for at most 250 ms.
pub fn check(shutdown: &Shutdown) -> Vec<Finding> {
    platform::detect().findings(&shutdown.coordinator.settings.program)
}
