//! Describes a victim.

use std::ffi::OsStr;
use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Instant;

use crate::fault::Fault;
use crate::fault::language::{self, Plan};
use crate::fault::plant::VARIABLE;
use crate::sys;

use super::Victim;
use super::death::Origin;
use super::heard::Heard;
use super::keeper::Keeper;

/// Describes a victim. Made by [`Victim::command`], or of a
/// [`Command`](std::process::Command).
#[derive(Debug)]
#[must_use = "a victim lives once `start` is called"]
pub struct VictimBuilder {
    command: Command,
    plans: Vec<Plan>,
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

    /// Sets a variable of its environment; the rest is inherited.
    pub fn env(mut self, name: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.command.env(name, value);
        self
    }

    /// Plants a fault at the task or point called `name`, by the victim's
    /// environment. A victim in which none is planted does not inherit any.
    pub fn plant(mut self, name: impl Into<String>, fault: Fault) -> Self {
        let name = name.into();
        self.plans.push(Plan { name, fault });
        self
    }

    /// Starts it.
    ///
    /// # Errors
    ///
    /// Fails if the system does not start the program or gives no threads, or if
    /// a fault is planted at a name that cannot be written into an environment
    /// variable, or twice.
    pub fn start(mut self) -> io::Result<Victim> {
        self.set_faults()?;
        let words = words(&self.command);
        self.command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .process_group(0);
        let (started, keeper, streams) = {
            let mut command = self.command;
            Keeper::start(move || {
                sys::victim::die_with_this_thread(&mut command);
                // The last moment before it is there.
                let started = Instant::now();
                command.spawn().map(|child| (started, child))
            })?
        };
        let victim = Victim {
            keeper,
            heard: Arc::new(Heard::new()),
            words: words.into(),
            origin: Origin::Start(started),
        };
        // If a thread is refused, the victim is dropped here.
        victim.heard.read(streams.stdout, streams.stderr)?;
        Ok(victim)
    }

    fn set_faults(&mut self) -> io::Result<()> {
        if self.plans.is_empty() {
            let own = |(name, value): (&OsStr, Option<&OsStr>)| name == VARIABLE && value.is_some();
            if !self.command.get_envs().any(own) {
                self.command.env_remove(VARIABLE);
            }
            return Ok(());
        }
        let plans: Vec<_> = self.plans.iter().map(ToString::to_string).collect();
        let text = plans.join(";");
        let refuse = |why: String| io::Error::new(io::ErrorKind::InvalidInput, why);
        let read = language::parse(&text).map_err(|error| refuse(error.to_string()))?;
        if read != self.plans {
            return Err(refuse(format!("{text:?} does not say what is planted")));
        }
        self.command.env(VARIABLE, text);
        Ok(())
    }
}

impl From<Command> for VictimBuilder {
    /// A victim that is started by `command`. Its standard streams and its
    /// process group are the harness's to set.
    fn from(command: Command) -> Self {
        Self {
            command,
            plans: Vec::new(),
        }
    }
}

/// How the victim is started, as one would type it.
fn words(command: &Command) -> String {
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
