//! How late processes end: from the deadline to the end, beside what is used
//! today; from a signal to the beginning of the shutdown; and what a hang report
//! costs, and what `exit_early` brings.
//!
//! A process ends once, so a sample is a process. This program starts itself
//! again as a *victim*, which sets up what is to end it, starts its load, and
//! begins a shutdown whose cleanup never returns. Here the victim's pidfd is
//! polled, and the clock read: *observed lateness* is that reading minus the
//! deadline, *in-process lateness* the same just before the exit. The rest of
//! the machine's processor time is measured with each sample; one that saw much
//! of it is thrown away, counted, and taken again while there is time; so is one
//! during which the virtual machine stood still (see `sentinel`).
//!
//! ```text
//! cargo bench --bench lateness -- [--samples N] [--seconds N] [--foreign CORES]
//!     [--only TEXT] [--quick] [--keep] [--page-name NAME]
//! ```
//!
//! `--only` takes what is in "ROW, CONDITION"; several texts are separated by `|`. `--quick` is one sample of most
//! cells, and fails if a victim with deadstop outlived its deadline by seconds,
//! or ended before it, or if another way did not work at all. `--keep` writes
//! the files `lateness.*`, or `NAME.*`, in `docs/bench`; without it nothing is written. Without cargo's
//! `--bench`, as under `cargo test --benches`, nothing is done.
//!
//! # In-process lateness of deadstop
//!
//! The others read the clock just before they exit. deadstop has no place for
//! such a reading, so the kernel's record of the exit stands in for it; see
//! `exit_record`.
//!
//! # Another table
//!
//! A row is a file in `victims`, a column an entry of `conditions`, and `plan`
//! says which rows meet which conditions.

#![expect(unsafe_code, reason = "system calls; each block argues its case")]
#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a program, not the library"
)]

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
use std::str::FromStr;
use std::time::Duration;
use std::{env, process};

use calibrate::holder::Hold;
use conditions::Condition;
use page::Page;
use plan::{Cell, Possible};
use sampling::Means;
use victims::{Setup, Whose};

const SAMPLES: usize = 100;
const SECONDS: u64 = 560;

/// How many processes each constant of the teardown is the median of.
const CALIBRATION: usize = 15;

/// How many bytes a process of the smoke run takes for it.
const LITTLE_MEMORY: usize = 64 << 20;

/// The argument that makes this program mount a disk, and leave.
const TRY_DISK: &str = "--try-disk";

/// A sample counts if the rest of the machine used no more than this meanwhile,
/// in cores.
const FOREIGN: f64 = 0.1;

fn main() -> ExitCode {
    if let Some(hold) = Hold::asked_for() {
        hold.and_exit();
    }
    let arguments = Arguments(env::args().skip(1).collect());
    if arguments.has(TRY_DISK) {
        victims::try_disk();
        return ExitCode::SUCCESS;
    }
    if let Some(victim) = arguments.text("--victim") {
        let condition = arguments.text("--condition").and_then(Condition::named);
        let page = arguments.number("--page", -1);
        victims::live(victim, &Setup::new(condition.unwrap(), page));
    }
    if let Some(count) = arguments.text("--load") {
        load(count.parse().unwrap(), arguments.number("--page", -1));
    }
    if arguments.has("--test") || !arguments.has("--bench") {
        println!("nothing is measured without --bench");
        return ExitCode::SUCCESS;
    }
    let is_quick = arguments.has("--quick");
    let means = match is_quick {
        // It takes what it gets.
        true => Means::gather(f64::INFINITY, true),
        false => Means::gather(arguments.number("--foreign", FOREIGN), false),
    };
    let possible = Possible {
        bare: means.bare.is_some(),
        root: rustix::process::getuid().is_root(),
        disk: has_disk(),
    };
    if !possible.bare {
        println!("no C compiler: the rows in C, and the comparison with them, are missing\n");
    }
    if !possible.root {
        println!("not root: the row of the real-time watchdog is missing\n");
    }
    if !possible.disk {
        println!("no file system of our own: the rows of a disk that hangs are missing\n");
    }
    let samples = arguments.number("--samples", SAMPLES).max(1);
    let mut cells = match is_quick {
        true => plan::smoke(possible),
        false => {
            let only = arguments.text("--only").unwrap_or("");
            plan::all(samples, possible, only)
        }
    };
    if cells.iter().any(|cell| cell.row.exits_early) {
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
    let seconds = Duration::from_secs(arguments.number("--seconds", SECONDS));
    plan::run(&mut cells, &means, seconds);

    let text = output::text(&cells, &means, &arguments.0);
    println!("{text}");
    if cells.iter().any(|cell| cell.counted().next().is_none()) {
        println!("some rows have no sample that counts; a busy machine wants --foreign CORES");
    }
    if arguments.has("--keep") {
        let page = arguments.text("--page-name").unwrap_or("lateness");
        output::keep(&cells, &text, page);
    }
    let broken: Vec<_> = cells.iter().filter(|cell| is_broken(cell)).collect();
    for cell in &broken {
        let (row, condition) = (cell.row.name, cell.condition.name);
        eprintln!("{row}, {condition}: {:?}", cell.samples);
    }
    match is_quick && !broken.is_empty() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}

/// Whether the promise was broken; or, for another way, whether it does not even
/// work on an idle machine.
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

/// Whether a victim can have a file system of its own.
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

struct Arguments(Vec<String>);

impl Arguments {
    fn has(&self, name: &str) -> bool {
        self.0.iter().any(|argument| argument == name)
    }

    fn text(&self, name: &str) -> Option<&str> {
        let at = self.0.iter().position(|argument| argument == name)?;
        self.0.get(at + 1).map(String::as_str)
    }

    fn number<T: FromStr>(&self, name: &str, default: T) -> T {
        self.text(name).map_or(default, |text| {
            text.parse().unwrap_or_else(|_| {
                eprintln!("{name} {text}: not a number");
                process::exit(2)
            })
        })
    }
}
