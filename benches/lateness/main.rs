//! Measures the time from the deadline to the end of a process, compared with other ways to
//! end one; from a signal to the beginning of the shutdown; the cost of a hang report; and the
//! effect of `exit_early`.
//!
//! A process ends once, so a sample is a process. The bench starts itself as a *victim*,
//! which sets up its way to end, starts its load, and begins a shutdown whose cleanup never
//! returns. The bench polls the victim's pidfd, and reads the clock: *observed lateness* is
//! that reading minus the deadline, *in-process lateness* the same just before the exit. A
//! sample during which other processes used much processor time is discarded, counted, and
//! taken again while there is time. So is a sample during which the virtual machine stood
//! still (see `sentinel`), unless that was short beside the teardown of the process.
//!
//! `cargo bench --bench lateness -- --help` lists the options.
//!
//! # In-process lateness of deadstop
//!
//! The other programs read the clock just before they exit. deadstop has no place for such a
//! reading, so the bench takes the kernel's record of the exit; see `exit_record`.
//!
//! # Adding a row
//!
//! A row is a file in `victims`, a column an entry of `conditions`, and `plan` says which
//! rows are measured under which conditions.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program, not the library"
)]

#[path = "../shared/arguments.rs"]
mod arguments;
mod available_memory;
mod calibrate;
mod conditions;
mod exit_record;
mod goals;
mod other_load;
mod output;
mod page;
mod plan;
mod sampling;
mod sentinel;
mod statistics;
mod victims;

use std::os::fd::{FromRawFd, OwnedFd};
use std::process::ExitCode;
use std::time::Duration;
use std::{env, process};

use arguments::CargoFlags;
use calibrate::holder::Hold;
use conditions::Condition;
use page::Page;
use plan::{Cell, Possible};
use sampling::Means;
use victims::{Setup, Whose};

/// The number of processes whose median is a constant of the teardown.
const CALIBRATION: usize = 15;

/// The bytes that such a process takes in a smoke run.
const LITTLE_MEMORY: usize = 64 << 20;

/// The argument that makes this program mount a disk, and exit.
const TRY_DISK: &str = "--try-disk";

/// Measures the time from the deadline to the end of a process
#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --bench lateness --")]
struct Arguments {
    /// Samples of each cell that a goal speaks of; others get fewer
    #[arg(long, value_name = "N", default_value_t = 100)]
    samples: usize,
    /// Maximum time of the whole run
    #[arg(long, value_name = "SECONDS", default_value_t = 560)]
    seconds: u64,
    /// Discard a sample if other processes used more cores than this during it
    #[arg(long, value_name = "CORES", default_value_t = 0.1)]
    foreign: f64,
    /// Measure the cells whose "ROW, CONDITION" contains this; several are separated by `|`
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
    /// Take one sample of most cells. Fails if a victim with deadstop outlived its deadline
    /// by seconds or ended before it, or if another way did not work at all
    #[arg(long)]
    quick: bool,
    /// Write the page, the samples and the pictures to docs/bench
    #[arg(long)]
    keep: bool,
    /// Name of those files
    #[arg(long, value_name = "NAME", default_value = "lateness")]
    page_name: String,
    #[command(flatten)]
    cargo: CargoFlags,
}

fn main() -> ExitCode {
    if let Some(hold) = Hold::asked_for() {
        hold.and_exit();
    }
    let given: Vec<_> = env::args().skip(1).collect();
    if is_helper_process(&given) {
        return ExitCode::SUCCESS;
    }
    let arguments: Arguments = arguments::read();
    if !arguments.cargo.wants_measurements() {
        println!("nothing is measured without --bench");
        return ExitCode::SUCCESS;
    }
    let is_quick = arguments.quick;
    let means = match is_quick {
        // A quick run counts every sample.
        true => Means::gather(f64::INFINITY, true),
        false => Means::gather(arguments.foreign, false),
    };
    let possible = find_possible(&means);
    let mut cells = match is_quick {
        true => plan::smoke(possible),
        false => plan::all(arguments.samples.max(1), possible, &arguments.only),
    };
    if cells.iter().any(|cell| cell.row.exits_early) {
        measure_teardown(&means, is_quick);
    }
    plan::run(&mut cells, &means, Duration::from_secs(arguments.seconds));
    print_results(&cells, &means, &given, &arguments);
    let is_broken = print_broken(&cells);
    match is_quick && is_broken {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// Does the work of a process that the bench has started, if this is one. Returns `true` if the
/// work is done; most such processes do not return.
fn is_helper_process(given: &[String]) -> bool {
    let words: Vec<_> = given.iter().map(String::as_str).collect();
    match words[..] {
        [TRY_DISK] => {
            victims::try_disk();
            true
        }
        ["--victim", victim, "--condition", condition, "--page", page] => {
            let condition = Condition::named(condition).unwrap();
            victims::live(victim, &Setup::new(condition, page.parse().unwrap()))
        }
        ["--load", count, "--page", page] => load(count.parse().unwrap(), page.parse().unwrap()),
        _ => false,
    }
}

/// Finds the rows that this machine and this user can measure, and prints which are missing.
fn find_possible(means: &Means) -> Possible<'_> {
    let possible = Possible {
        programs: &means.programs,
        root: rustix::process::getuid().is_root(),
        disk: has_disk(),
    };
    if means.programs.bare.is_none() {
        println!("no C compiler: the rows in C, and the comparison with them, are missing\n");
    }
    if !possible.root {
        println!("not root: the row of the real-time watchdog is missing\n");
    }
    if !possible.disk {
        println!("no file system of our own: the rows of a disk that hangs are missing\n");
    }
    possible
}

/// Measures the constants of this machine's teardown, for the rows that exit early.
fn measure_teardown(means: &Means, is_quick: bool) {
    let (runs, memory) = match is_quick {
        true => (1, Some(LITTLE_MEMORY)),
        false => (CALIBRATION, None),
    };
    let measured = calibrate::calibrate(means.page, runs, memory);
    println!(
        "Of this machine, for {}: {measured:?}\n",
        victims::EXIT_EARLY_CALIBRATED
    );
}

fn print_results(cells: &[Cell], means: &Means, given: &[String], arguments: &Arguments) {
    let text = output::text(cells, means, given);
    println!("{text}");
    if cells.iter().any(|cell| cell.counted().next().is_none()) {
        println!("some rows have no sample that counts; a busy machine wants --foreign CORES");
    }
    if arguments.keep {
        output::keep(cells, &text, &arguments.page_name);
    }
}

/// Prints the samples of the cells in which deadstop broke its promise. Returns `true` if there
/// are any.
fn print_broken(cells: &[Cell]) -> bool {
    let broken: Vec<_> = cells.iter().filter(|cell| is_broken(cell)).collect();
    for cell in &broken {
        let (row, condition) = (cell.row.name, cell.condition.name);
        eprintln!("{row}, {condition}: {:?}", cell.samples);
    }
    !broken.is_empty()
}

/// Returns `true` if deadstop broke its promise, or if another way does not even work on an idle
/// machine.
fn is_broken(cell: &Cell) -> bool {
    let is_bound = cell.row.whose == Whose::Deadstop || *cell.condition == conditions::IDLE;
    if cell.skipped > 0 && cell.samples.is_empty() {
        return false;
    }
    let is_early = |cell: &Cell| {
        let mut late = cell.samples.iter().filter_map(|sample| sample.late);
        late.any(|late| late < 0)
    };
    is_bound && (cell.samples.is_empty() || cell.never() > 0)
        || cell.row.whose == Whose::Deadstop && !cell.row.exits_early && is_early(cell)
}

/// Returns `true` if a victim can have a file system of its own.
fn has_disk() -> bool {
    let program = env::current_exe().unwrap();
    let tried = process::Command::new(program)
        .arg(TRY_DISK)
        .stderr(process::Stdio::null())
        .status();
    tried.is_ok_and(|status| status.success())
}

/// A process that only computes.
fn load(count: usize, page: i32) -> ! {
    victims::die_with_parent();
    // SAFETY: the descriptor was passed to this process, and no other code here
    // knows of it.
    let page = Page::map(unsafe { OwnedFd::from_raw_fd(page) });
    conditions::crowd(count, conditions::spin);
    page.loaded.set(1);
    conditions::park()
}
