//! Runs the faults thousands of times, each in a real process, with random graces, times of
//! arming and loads.
//!
//! ```text
//! cargo run --release --example campaign -- [--runs N] [--seed S] [--at-once N]
//!     [--only FAULT] [--run NUMBER] [--grace MILLISECONDS] [--keep]
//! ```
//!
//! The campaign prints the seed. The same seed draws the same runs; a seed and a number
//! identify a run. A victim here has the watchdog and the backup timer, as a program has. In
//! `tests/faults` most victims have the watchdog alone.
//!
//! # Failures
//!
//! - **Early**: the victim ended before its deadline. This check is exact.
//! - **Lost**: the victim still exists 125 ms after its deadline, which is 100 ms after the backup
//!   timer's expiry. With a grace above 250 ms the timer expires later. The time for which the machine kept the
//!   victim does not count: its threads waited for a processor (see `starvation.rs`). Time
//!   asleep or on a processor counts in full, so a watchdog that is not woken is found under any
//!   load. A few faults take longer for a reason, and have a bound of their own in `bounds.rs`.
//! - **Otherwise**: the victim never armed, or ended neither as the list says nor by the backup
//!   timer in place of the watchdog. A few victims report only later that they armed. If such a
//!   victim ended in an allowed way before its report, and after its grace, it counts as
//!   **unheard**.
//!
//! Any of them fails the campaign.
//!
//! # What is measured
//!
//! *Lateness* is the time from the victim's deadline to the moment at which this program sees
//! that the process has disappeared. It contains the time for which the observing thread waited
//! for a processor; that time is not counted against the victim.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program, not the library"
)]

mod bounds;
mod build;
#[path = "../harness/clock.rs"]
mod clock;
#[path = "../harness/end.rs"]
mod end;
mod exit_monitor;
#[path = "../harness/fault_list.rs"]
mod fault_list;
mod faults;
mod load;
mod output_reader;
mod plan;
mod progress;
mod starvation;
mod system;
mod tally;
mod verdict;
mod victim;
mod write_results;

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use clap::Parser;

use crate::end::End;
use crate::exit_monitor::ExitMonitor;
use crate::load::Load;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::tally::Tally;
use crate::verdict::{Ended, Verdict};

#[derive(Debug, Parser)]
struct Arguments {
    /// Number of victims.
    #[arg(long, default_value_t = 1000)]
    runs: usize,
    /// The seed of the random runs; taken from the clock unless set.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of victims at a time. They mostly sleep.
    #[arg(long)]
    at_once: Option<usize>,
    /// Only the runs of this fault. Their numbers and random values stay the same.
    #[arg(long)]
    only: Option<String>,
    /// Only the run with this number.
    #[arg(long)]
    run: Option<usize>,
    /// The grace of every run, in milliseconds.
    #[arg(long)]
    grace: Option<u64>,
    /// Writes the results to `docs/campaign`.
    #[arg(long)]
    keep: bool,
    /// Runs a load and no victim.
    #[arg(long, hide = true)]
    load: Option<Load>,
}

fn main() -> ExitCode {
    let arguments = Arguments::parse();
    if let Some(load) = arguments.load {
        load.bear();
    }
    let victim = build::victim();
    let seed = arguments.seed.unwrap_or_else(|| fastrand::u64(..1 << 32));
    let plan = Plan::new(
        Vec::leak(faults::read(&victim.victim)),
        seed,
        arguments.runs,
        arguments.grace.map(Duration::from_millis),
    );
    let runs = plan.runs().filter(|run| {
        let only = arguments.only.as_ref();
        only.is_none_or(|only| only == run.fault.name)
            && arguments.run.is_none_or(|number| number == run.number)
    });
    let runs: Vec<_> = runs.collect();
    if runs.is_empty() {
        eprintln!("no such run among {}", arguments.runs);
        return ExitCode::FAILURE;
    }
    let cores = thread::available_parallelism().map_or(1, usize::from);
    let at_once = arguments.at_once.unwrap_or(4 * cores).max(1);
    println!("seed {seed}: {} runs, {at_once} at a time", runs.len());

    let start = Instant::now();
    let monitor = ExitMonitor::start();
    let progress = Progress::new(runs.len());
    let mut ended = Vec::new();
    for block in runs.chunk_by(|one, other| one.block == other.block) {
        let _load = block[0].load.start();
        progress.under(block[0].load);
        let next = AtomicUsize::new(0);
        let here = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..at_once.min(block.len()) {
                scope.spawn(|| {
                    while let Some(run) = block.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let end = victim::live(&victim, &monitor, run);
                        if end.verdict.is_bad() {
                            progress.say(&end.describe(seed));
                        }
                        progress.step();
                        here.lock()
                            .expect("no thread panics with the lock")
                            .push(end);
                    }
                });
            }
        });
        ended.extend(here.into_inner().expect("no thread panics with the lock"));
    }
    progress.end();

    ended.sort_by_key(|end| end.run.number);
    let took = Duration::from_secs(start.elapsed().as_secs());
    conclude(&arguments, seed, at_once, took, &ended)
}

/// Prints the results, and writes them to files with `--keep`.
fn conclude(
    arguments: &Arguments,
    seed: u64,
    at_once: usize,
    took: Duration,
    ended: &[Ended],
) -> ExitCode {
    let tally = Tally::of(ended);
    println!("\n{}\n{}", tally.table(), tally.by_backup_timer());
    println!("{}", tally.worst());
    println!("took {took:?}");
    let bad: Vec<_> = ended.iter().filter(|end| end.verdict.is_bad()).collect();
    for end in &bad {
        println!("{}", end.describe(seed));
    }
    let refused = ended.iter().any(|end| end.verdict == Verdict::Refused);
    let no_skips = std::env::var_os("DEADSTOP_NO_SKIPS").is_some();
    if refused && no_skips {
        println!("not to be skipped: what the system refused");
    }
    if arguments.keep {
        let written = write_results::write(seed, at_once, took, ended, &tally);
        written.expect("docs/campaign can be written");
    }
    match bad.is_empty() && !(refused && no_skips) {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    }
}
