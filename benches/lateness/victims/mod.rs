//! The processes that are measured, one file for each way to end one.
//!
//! A victim sets up its way to end, starts its load, reports ready, and begins its shutdown,
//! whose cleanup never returns. Each way is used as its documentation says, and in the form that
//! ends soonest if there is a choice: threads that can be parked are parked before the load
//! starts.

mod bare;
mod bare_here;
mod ctrlc;
mod deadstop;
mod memory;
mod plain_thread;
mod programs;
mod reported;
mod setup;
mod signal_hook;
mod signal_mod;
mod small;
mod tokio_graceful_shutdown;
mod tokio_signal;
mod tokio_timeout;

use std::fmt;
use std::process::Command;

pub(crate) use self::programs::Programs;
pub(crate) use self::reported::{RUNNING, try_disk};
pub(crate) use self::setup::{Setup, die_with_parent};

use crate::conditions::Condition;

/// The status of a victim that ended as its row means to end it.
pub(crate) const TIMED_OUT: i32 = 124;

/// A row of the tables.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    program: Program,
    pub(crate) whose: Whose,
    pub(crate) table: Table,
    pub(crate) needs: Needs,
    /// The victim is stopped (SIGSTOP) when its deadline comes: no thread of it runs.
    pub(crate) is_stopped: bool,
    /// The signal that begins the victim's shutdown. Without one the victim begins it itself.
    pub(crate) signal: Option<i32>,
    /// The victim must have disappeared by its deadline, and so exits early.
    pub(crate) exits_early: bool,
    /// For a row with a hang report: the row with the same surroundings and no report.
    pub(crate) control: &'static str,
}

/// The table that a row is in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Table {
    Beginnings,
    Ends,
    Memory,
    Reports,
}

/// The requirement of a row.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Needs {
    Nothing,
    Root,
    /// A file system for the victim alone, whose server is a process.
    Disk,
}

enum Program {
    /// This program, started again.
    Ours(fn(&Setup) -> !),
    /// `bare.c`.
    Bare(&'static str),
    /// `small_program.rs`.
    Small,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Whose {
    /// Bare C.
    C,
    Deadstop,
    Others,
}

/// Rows that others are compared with, or that a goal speaks of.
pub(crate) const DEADSTOP: &str = "deadstop";
pub(crate) const DEADSTOP_ROOT: &str = "deadstop, root";
pub(crate) const DEADSTOP_COORDINATED: &str = "deadstop, coordinated";
pub(crate) const DEADSTOP_SMALL: &str = "deadstop, small program";
pub(crate) const BACKUP_TIMER_ALONE: &str = "deadstop, backup timer alone";
pub(crate) const C_WATCHDOG: &str = "C, watchdog thread";
pub(crate) const C_TIMER: &str = "C, kernel timer";
pub(crate) const WATCHDOG_HERE: &str = "bare thread, this program";
pub(crate) const TIMER_HERE: &str = "bare timer, this program";
pub(crate) const SLEEP: &str = "thread::sleep";
pub(crate) const NO_REPORT: &str = "no report";
pub(crate) const NO_REPORT_BESIDE_OTHERS: &str = "no report, others write";
pub(crate) const NO_REPORT_ON_A_DISK: &str = "no report, a disk hangs";
pub(crate) const AT_DEADLINE: &str = "begins at its deadline";
pub(crate) const EXIT_EARLY: &str = "exit_early";
pub(crate) const EXIT_EARLY_CALIBRATED: &str = "exit_early, calibrated";

/// The rows of the table of ends.
pub(crate) const ENDS: [Row; 14] = [
    Row::deadstop(DEADSTOP_ROOT, deadstop::as_root).needs(Needs::Root),
    Row::deadstop(DEADSTOP, deadstop::unprivileged),
    Row::deadstop(DEADSTOP_COORDINATED, deadstop::coordinated),
    Row::new(DEADSTOP_SMALL, Whose::Deadstop, Program::Small),
    Row::deadstop(BACKUP_TIMER_ALONE, deadstop::backup_timer_alone).stopped(),
    Row::bare(C_WATCHDOG, "thread"),
    Row::bare(C_TIMER, "timer"),
    Row::other(WATCHDOG_HERE, bare_here::end_by_thread),
    Row::other(TIMER_HERE, bare_here::end_by_timer).stopped(),
    Row::other(SLEEP, plain_thread::end),
    Row::other("ctrlc", ctrlc::end),
    Row::other("tokio timeout", tokio_timeout::end),
    Row::other("signal-mod", signal_mod::end),
    Row::other("tokio-graceful-shutdown", tokio_graceful_shutdown::end),
];

/// The rows of the table of beginnings.
pub(crate) const BEGINNINGS: [Row; 4] = [
    Row::deadstop("deadstop, SIGTERM", deadstop::arm).on(libc::SIGTERM),
    // Without its feature `termination`, which the library does not use, ctrlc handles only
    // this signal.
    Row::other("ctrlc, SIGINT", ctrlc::arm).on(libc::SIGINT),
    Row::other("signal-hook, SIGTERM", signal_hook::arm).on(libc::SIGTERM),
    Row::other("tokio::signal, SIGTERM", tokio_signal::arm).on(libc::SIGTERM),
];

/// The rows of the table of hang reports.
pub(crate) const REPORTS: [Row; 10] = [
    Row::reported(NO_REPORT, reported::nowhere),
    Row::reported(NO_REPORT_BESIDE_OTHERS, reported::nowhere_beside_others),
    Row::reported(NO_REPORT_ON_A_DISK, reported::nowhere_on_a_disk).needs(Needs::Disk),
    Row::reported("report, taken", reported::taken),
    Row::reported("stderr: a full pipe", reported::stderr_is_full),
    Row::reported("stderr: others are faster", reported::others_are_faster)
        .beside(NO_REPORT_BESIDE_OTHERS),
    Row::reported("stderr: a stopped terminal", reported::terminal_is_stopped),
    Row::reported("the logger hangs", reported::logger_hangs),
    Row::reported("the files' disk hangs", reported::disk_hangs)
        .needs(Needs::Disk)
        .beside(NO_REPORT_ON_A_DISK),
    Row::reported("all of them hang", reported::everything_hangs)
        .needs(Needs::Disk)
        .beside(NO_REPORT_ON_A_DISK),
];

/// The rows of the table of memory.
pub(crate) const MEMORY: [Row; 3] = [
    Row::with_memory(AT_DEADLINE, memory::begins_at_deadline),
    Row::with_memory(EXIT_EARLY, memory::exit_early).exit_early(),
    Row::with_memory(EXIT_EARLY_CALIBRATED, memory::exit_early_as_calibrated).exit_early(),
];

impl Row {
    const fn new(name: &'static str, whose: Whose, program: Program) -> Self {
        Self {
            name,
            program,
            whose,
            table: Table::Ends,
            needs: Needs::Nothing,
            is_stopped: false,
            signal: None,
            exits_early: false,
            control: NO_REPORT,
        }
    }

    const fn deadstop(name: &'static str, life: fn(&Setup) -> !) -> Self {
        Self::new(name, Whose::Deadstop, Program::Ours(life))
    }

    const fn other(name: &'static str, life: fn(&Setup) -> !) -> Self {
        Self::new(name, Whose::Others, Program::Ours(life))
    }

    const fn bare(name: &'static str, how: &'static str) -> Self {
        Self::new(name, Whose::C, Program::Bare(how))
    }

    const fn reported(name: &'static str, life: fn(&Setup) -> !) -> Self {
        Self {
            table: Table::Reports,
            ..Self::deadstop(name, life)
        }
    }

    const fn with_memory(name: &'static str, life: fn(&Setup) -> !) -> Self {
        Self {
            table: Table::Memory,
            ..Self::deadstop(name, life)
        }
    }

    const fn beside(self, control: &'static str) -> Self {
        Self { control, ..self }
    }

    const fn exit_early(self) -> Self {
        Self {
            exits_early: true,
            ..self
        }
    }

    const fn needs(self, needs: Needs) -> Self {
        Self { needs, ..self }
    }

    const fn stopped(self) -> Self {
        Self {
            is_stopped: true,
            ..self
        }
    }

    const fn on(self, signal: i32) -> Self {
        Self {
            table: Table::Beginnings,
            signal: Some(signal),
            ..self
        }
    }

    /// Returns `true` for a program that has no load of its own, or that is stopped.
    pub(crate) fn is_idle_only(&self) -> bool {
        self.is_stopped || matches!(self.program, Program::Small)
    }

    /// Returns `true` if the program that the row starts was built.
    pub(crate) fn has_program(&self, programs: &Programs) -> bool {
        match self.program {
            Program::Ours(_) => true,
            Program::Bare(_) => programs.bare.is_some(),
            Program::Small => programs.small.is_some(),
        }
    }

    /// The command that starts the victim.
    pub(crate) fn command(&self, condition: &Condition, page: i32, programs: &Programs) -> Command {
        match self.program {
            Program::Ours(_) => {
                let mut command = Command::new(std::env::current_exe().unwrap());
                command.args(["--victim", self.name, "--condition", condition.name]);
                command.args(["--page", &page.to_string()]);
                command
            }
            Program::Bare(how) => {
                let mut command = Command::new(programs.bare.as_ref().unwrap());
                command.arg(how);
                command.args(bare::arguments(condition));
                command.args([condition.grace.as_nanos().to_string(), page.to_string()]);
                command
            }
            Program::Small => {
                let mut command = Command::new(programs.small.as_ref().unwrap());
                command.args([condition.grace.as_nanos().to_string(), page.to_string()]);
                command
            }
        }
    }
}

/// Runs the victim called `name`.
pub(crate) fn live(name: &str, setup: &Setup) -> ! {
    let rows = ENDS.iter().chain(&BEGINNINGS);
    let mut rows = rows.chain(&REPORTS).chain(&MEMORY);
    match rows.find(|row| row.name == name).map(|row| &row.program) {
        Some(Program::Ours(life)) => life(setup),
        _ => panic!("no victim is called {name}"),
    }
}

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ours(_) => "ours",
            Self::Bare(how) => how,
            Self::Small => "small",
        })
    }
}
