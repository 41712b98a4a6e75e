//! `deadstop run`: reads the command line, and runs the program from its start to its end.

use std::env;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::Path;

use deadstop_core::pid;

use crate::arguments::{self, Command, HELP, Options};
use crate::memory_limit;
use crate::output;
use crate::program::Program;
use crate::report_file;
use crate::supervisor::Supervisor;
use crate::sys::process;
use crate::sys::signals::Signals;

/// The status for an error of deadstop itself.
const FAILED: u8 = 125;
const CANNOT_RUN: u8 = 126;
const NOT_FOUND: u8 = 127;

/// The reason why the program was not run.
struct Failure {
    status: u8,
    message: String,
}

/// Reads the arguments and runs the program. Returns the exit status. Threads may still
/// be blocked in a write then.
pub(crate) fn main(arguments: Vec<OsString>) -> u8 {
    let status = command(arguments);
    output::flush();
    status
}

fn command(arguments: Vec<OsString>) -> u8 {
    match arguments::parse(arguments, env::var_os("DEADSTOP_GRACE")) {
        Ok(Command::Help) => say(HELP),
        Ok(Command::Version) => say(concat!("deadstop ", env!("CARGO_PKG_VERSION"), "\n")),
        Ok(Command::Run(options)) => run(&options).unwrap_or_else(|failure| {
            output::print(&failure.message);
            failure.status
        }),
        Err(message) => {
            output::print(&message);
            output::print("`deadstop --help` lists the options");
            FAILED
        }
    }
}

fn say(text: &str) -> u8 {
    let mut output = io::stdout();
    match output
        .write_all(text.as_bytes())
        .and_then(|()| output.flush())
    {
        Ok(()) => 0,
        Err(_) => FAILED,
    }
}

fn run(options: &Options) -> Result<u8, Failure> {
    if let Some(file) = &options.report {
        report_file::check(file).map_err(|problem| {
            Failure::of_deadstop(format!("--report cannot be written: {problem}"))
        })?;
    }
    let mut signals = Signals::take()
        .map_err(|error| Failure::of_deadstop(format!("could not open a signalfd: {error}")))?;
    if let Some(signal) = options.parent_death {
        process::hear_parent_death(signal).map_err(|error| {
            Failure::of_deadstop(format!("could not ask for the end of the parent: {error}"))
        })?;
    }
    adopt_orphans();
    let memory_kills = memory_limit::kills();
    let program = Program::start(options, &mut signals)
        .map_err(|error| Failure::to_start(options, &error))?;
    let mut supervisor = Supervisor::new(options, program);
    let ended = supervisor.supervise(&mut signals);
    let is_out_of_memory = memory_limit::kills() > memory_kills;
    Ok(supervisor.finish(ended, is_out_of_memory))
}

fn adopt_orphans() {
    // The kernel gives orphans to pid 1 in any case.
    if pid() == 1 {
        return;
    }
    if let Err(error) = process::adopt_orphans() {
        output::print(&format!(
            "orphans are not reaped: {error} (a kernel before 3.4?)"
        ));
    }
}

impl Failure {
    fn of_deadstop(message: String) -> Self {
        let status = FAILED;
        Self { status, message }
    }

    fn to_start(options: &Options, error: &io::Error) -> Self {
        let program = options.program.to_string_lossy();
        let (status, hint) = match error.kind() {
            io::ErrorKind::NotFound if Path::new(&options.program).exists() => {
                (CANNOT_RUN, ": its interpreter or loader is missing")
            }
            io::ErrorKind::NotFound => (NOT_FOUND, ""),
            _ => (CANNOT_RUN, ""),
        };
        let message = format!("could not start {program:?}: {error}{hint}");
        Self { status, message }
    }
}
