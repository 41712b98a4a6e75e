//! Applies the platform's grace and findings to the builder.

use std::time::{Duration, SystemTime};

use super::Shutdown;
use crate::error::InstallError;
use crate::platform::{self, Environment, Finding, Level, Platform, Program};

/// Where the grace comes from.
#[derive(Clone, Debug)]
pub(super) enum GraceSource {
    /// The builder's own number.
    Builder,
    /// The platform, where it is certain.
    Platform { default: Duration },
    /// A variable.
    Variable { name: String, default: Duration },
}

/// The builder's choices about the platform.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) grace: GraceSource,
    pub(super) refuse_errors: bool,
    pub(super) logs: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            grace: GraceSource::Builder,
            refuse_errors: false,
            logs: true,
        }
    }
}

impl Options {
    /// The builder's own number counts again.
    pub(super) fn forget_grace(&mut self) {
        self.grace = GraceSource::Builder;
    }

    /// Decides on the grace, and compares the program with the platform. The program's grace
    /// is the builder's; the one that counts is in what is returned.
    pub(super) fn find(&self, program: Program) -> Result<Found, InstallError> {
        let asks = self.refuse_errors || matches!(self.grace, GraceSource::Platform { .. });
        let environment = Environment::of_this_process();
        let platform = Platform::of(&match asks {
            true => environment.ask_systemd(),
            false => environment,
        });
        let (grace, ends_in) = match &self.grace {
            GraceSource::Builder => (program.grace(), None),
            GraceSource::Variable { name, default } => (variable(name)?.unwrap_or(*default), None),
            GraceSource::Platform { default } => {
                let certain = platform.certain_grace();
                let grace = certain.map_or(*default, platform::Grace::with_margin);
                let ends_in = platform.deadline().map(|deadline| {
                    let left = deadline.duration_since(SystemTime::now());
                    left.unwrap_or_default().saturating_add(grace)
                });
                (grace, ends_in)
            }
        };
        let program = program.with_grace(grace);
        let findings = platform.findings(&program);
        let certain = |finding: &Finding| finding.is_certain_error();
        if self.refuse_errors && findings.iter().any(certain) {
            let errors = findings.into_iter().filter(certain).collect();
            return Err(InstallError::Platform(errors));
        }
        Ok(Found {
            grace,
            program,
            is_known: !platform.supervisions().is_empty(),
            logs: self.logs,
            findings,
            ends_in,
        })
    }
}

/// What `install` found out before it started anything.
pub(super) struct Found {
    pub(super) grace: Duration,
    pub(super) program: Program,
    is_known: bool,
    logs: bool,
    findings: Vec<Finding>,
    /// From now to the end of a grace that begins at the platform's own
    /// deadline.
    ends_in: Option<Duration>,
}

/// Reads a grace from a variable; `None` if it is not set, or empty.
fn variable(name: &str) -> Result<Option<Duration>, InstallError> {
    let Some(value) = std::env::var_os(name).filter(|value| !value.is_empty()) else {
        return Ok(None);
    };
    let grace = value.to_str().and_then(platform::parse_duration);
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
        // By the thread that calls the logger, which may hang.
        let reporting = &shutdown.coordinator.reporting;
        for finding in self.findings {
            match finding.level {
                Level::Error => reporting.warn(finding.to_string()),
                // Most programs are started by hand, most of the time.
                Level::Info if !self.is_known => {}
                _ => reporting.info(finding.to_string()),
            }
        }
    }
}

/// Compares a shutdown's grace and signals with the platform, the worst finding
/// first. Reads variables, files and `/proc`, and asks systemd, for at most
/// 250 ms, if this process is a service of its.
pub fn check(shutdown: &Shutdown) -> Vec<Finding> {
    platform::detect().findings(&shutdown.coordinator.settings.program)
}
