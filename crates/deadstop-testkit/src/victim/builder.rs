//! The builder of a victim.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use crate::fault::{Fault, FaultPlan, PlannedFault, PlantError, REPORT_VARIABLE, VARIABLE};
use crate::sys;

use super::Victim;
use super::death::Origin;
use super::output::Output;
use super::owner::Owner;
use super::report_file::ReportFile;

/// Describes a victim. Made by [`Victim::command`] or from a
/// [`Command`](std::process::Command).
#[derive(Debug)]
#[must_use = "the victim runs once `start` is called"]
pub struct VictimBuilder {
    command: Command,
    faults: Vec<PlannedFault>,
}

impl VictimBuilder {
    /// Adds an argument.
    pub fn arg(mut self, argument: impl AsRef<OsStr>) -> Self {
        self.command.arg(argument);
        self
    }

    /// Adds arguments.
    pub fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Self {
        self.command.args(arguments);
        self
    }

    /// Sets an environment variable. The other variables are inherited.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Plants a fault at the task or point called `name`, through the victim's
    /// environment. Without a call of this, the victim inherits no fault.
    pub fn plant(mut self, name: impl Into<String>, fault: Fault) -> Self {
        let name = name.into();
        self.faults.push(PlannedFault { name, fault });
        self
    }

    /// Starts the victim.
    ///
    /// # Errors
    ///
    /// Fails if the program or the threads cannot be started, if the file for the
    /// report cannot be created in the folder for temporary files, or if a fault is
    /// planted twice at one name, or at a name that `DEADSTOP_FAULT` cannot hold.
    pub fn start(mut self) -> io::Result<Victim> {
        self.set_faults()?;
        let command_line = command_line(&self.command);
        let report = ReportFile::create()?;
        self.command.env(REPORT_VARIABLE, report.path());
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let (started, owner, streams) = {
            let mut command = self.command;
            Owner::start(move || {
                sys::process::die_with_this_thread(&mut command);
                // Before the process exists, so that no time is lost.
                let started = Instant::now();
                command.spawn().map(|child| (started, child))
            })?
        };
        let victim = Victim {
            owner,
            output: Arc::new(Output::new()),
            command_line: command_line.into(),
            origin: Origin::Start(started),
            report,
        };
        // If a thread cannot be started, this drops the victim, which kills it.
        victim.output.read(streams.stdout, streams.stderr)?;
        Ok(victim)
    }

    fn set_faults(&mut self) -> io::Result<()> {
        if self.faults.is_empty() {
            let own = |(name, value): (&OsStr, Option<&OsStr>)| name == VARIABLE && value.is_some();
            if !self.command.get_envs().any(own) {
                self.command.env_remove(VARIABLE);
            }
            return Ok(());
        }
        let plan = FaultPlan::new(self.faults.clone());
        let text = plan.to_string();
        let refuse = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let parsed: FaultPlan = text
            .parse()
            .map_err(|error: PlantError| refuse(error.to_string()))?;
        if parsed != plan {
            return Err(refuse(format!(
                "a name of {text:?} cannot be written in DEADSTOP_FAULT; \
                 it may contain neither \"=\" nor \";\""
            )));
        }
        self.command.env(VARIABLE, text);
        Ok(())
    }
}

impl From<Command> for VictimBuilder {
    /// Creates a victim that `command` starts. The harness replaces the standard
    /// streams and the process group.
    fn from(command: Command) -> Self {
        Self {
            command,
            faults: Vec::new(),
        }
    }
}

/// Returns the command line as a user would type it.
fn command_line(command: &Command) -> String {
    let mut words = String::new();
    for (name, value) in command.get_envs() {
        if let Some(value) = value {
            words += &format!("{}={value:?} ", name.to_string_lossy());
        }
    }
    words += &command.get_program().to_string_lossy();
    for argument in command.get_args() {
        words += &format!(" {argument:?}");
    }
    words
}
