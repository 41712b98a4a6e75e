//! The processes that are measured, one file for each way to end one.
//!
//! A victim sets up what is to end it, starts its load, says that it is ready,
//! and begins its shutdown, whose cleanup never returns. Each way is used as
//! its documentation says, and where that leaves a choice, in the form that
//! ends soonest: whatever can be parked before the load starts is parked.

mod bare;
mod ctrlc;
mod deadstop;
mod plain_thread;
mod signal_hook;
mod signal_mod;
mod stage;
mod tokio_graceful_shutdown;
mod tokio_signal;
mod tokio_timeout;

use std::fmt;
use std::path::PathBuf;
use std::process::Command;

pub(crate) use self::bare::compile;
pub(crate) use self::stage::{Stage, die_with_parent};

use crate::conditions::Condition;

/// The status of a victim that was ended as it was meant to be.
pub(crate) const TIMED_OUT: i32 = 124;

/// A row of the tables.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    program: Program,
    /// What the victim waits for to begin its shutdown; none, and it begins it
    /// by itself.
    pub(crate) signal: Option<i32>,
}

enum Program {
    /// This one, started again.
    Ours(fn(&Stage) -> !),
    /// `bare.c`.
    Bare(&'static str),
}

/// The rows of the table of ends.
pub(crate) const ENDS: [Row; 12] = [
    Row::ours("deadstop, root", deadstop::as_root),
    Row::ours("deadstop", deadstop::unprivileged),
    Row::ours("deadstop, coordinated", deadstop::coordinated),
    Row::ours("deadstop, line 3 alone", deadstop::line_3_alone),
    Row::bare("C, watchdog thread", "thread"),
    Row::bare("C, kernel timer", "timer"),
    Row::bare("C, kernel timer, stopped", "stopped"),
    Row::ours("thread::sleep", plain_thread::end),
    Row::ours("ctrlc", ctrlc::end),
    Row::ours("tokio timeout", tokio_timeout::end),
    Row::ours("signal-mod", signal_mod::end),
    Row::ours("tokio-graceful-shutdown", tokio_graceful_shutdown::end),
];

/// The rows of the table of beginnings.
pub(crate) const BEGINNINGS: [Row; 4] = [
    Row::signalled("deadstop, SIGTERM", libc::SIGTERM, deadstop::arm),
    // Without its feature `termination`, which the library does not use, ctrlc
    // hears this one only.
    Row::signalled("ctrlc, SIGINT", libc::SIGINT, ctrlc::arm),
    Row::signalled("signal-hook, SIGTERM", libc::SIGTERM, signal_hook::arm),
    Row::signalled("tokio::signal, SIGTERM", libc::SIGTERM, tokio_signal::arm),
];

impl Row {
    const fn ours(name: &'static str, life: fn(&Stage) -> !) -> Self {
        Self {
            name,
            program: Program::Ours(life),
            signal: None,
        }
    }

    const fn bare(name: &'static str, how: &'static str) -> Self {
        Self {
            name,
            program: Program::Bare(how),
            signal: None,
        }
    }

    const fn signalled(name: &'static str, signal: i32, life: fn(&Stage) -> !) -> Self {
        Self {
            name,
            program: Program::Ours(life),
            signal: Some(signal),
        }
    }

    pub(crate) fn is_deadstop(&self) -> bool {
        self.name.starts_with("deadstop")
    }

    /// The victim is stopped: no thread of its own can end it.
    pub(crate) fn is_stopped(&self) -> bool {
        ["deadstop, line 3 alone", "C, kernel timer, stopped"].contains(&self.name)
    }

    pub(crate) fn is_bare(&self) -> bool {
        matches!(self.program, Program::Bare(_))
    }

    /// The command that starts the victim. `bare` is the compiled C program.
    pub(crate) fn command(
        &self,
        condition: &Condition,
        page: i32,
        bare: Option<&PathBuf>,
    ) -> Command {
        match self.program {
            Program::Ours(_) => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(["--victim", self.name, "--condition", condition.name]);
                command.args(["--page", &page.to_string()]);
                command
            }
            Program::Bare(how) => {
                let mut command = Command::new(bare.unwrap());
                command.arg(how);
                command.args(bare::arguments(condition));
                command.args([condition.grace.as_nanos().to_string(), page.to_string()]);
                command
            }
        }
    }
}

/// Lives the life of the victim called `name`.
pub(crate) fn live(name: &str, stage: &Stage) -> ! {
    let mut rows = ENDS.iter().chain(&BEGINNINGS);
    match rows.find(|row| row.name == name).map(|row| &row.program) {
        Some(Program::Ours(life)) => life(stage),
        _ => panic!("no victim is called {name}"),
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours(_) => "ours",
            Self::Bare(how) => how,
        })
    }
}
