//! The faults, thousands of times: with graces, moments and loads drawn at
//! random, each on a real process.
//!
//! ```text
//! cargo run --release --example campaign -- [--runs N] [--seed S] [--at-once N]
//!     [--only FAULT] [--run NUMBER] [--grace MILLISECONDS] [--keep]
//! ```
//!
//! The seed is printed, and draws the same again; a run is found again by its
//! seed and its number. A victim here has all lines of defense, as a program
//! has them; in `tests/faults` most have the watchdog alone.
//!
//! # What must not be
//!
//! - **Early**: a victim that is seen gone before its deadline. Exact.
//! - **Lost**: a victim that is still there 125 ms after its deadline (25 ms for
//!   the timer to stand back, or a tenth of a longer grace, and 100 ms), *not
//!   counting the time for which the machine kept it*. What is counted as that, and
//!   no more, `starvation.rs` says:
//!   the time its threads wanted a processor and had none. Time spent asleep or
//!   on a processor counts in full, so that a watchdog that is not woken is
//!   found out under any load. A few faults take longer for a reason, and have
//!   a bound of their own in `bounds.rs`.
//! - **Otherwise**: a victim that never armed, or ended in a way that is neither
//!   what the list says nor the third line in place of the second. A few say that
//!   they armed only later; one that ended as it may before it said so, and after
//!   its grace, is counted as **unheard**.
//!
//! Any of them fails the campaign.
//!
//! # What is measured
//!
//! *How late* is from the victim's deadline to the moment this program sees that
//! it is gone, to the last thread and page. What the thread that sees it had to
//! wait for a processor is in it, and is not counted against the victim.

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
    /// Draws the same again; without it, it is drawn from the clock.
    #[arg(long)]
    seed: Option<u64>,
    /// Number of victims at a time. They mostly sleep.
    #[arg(long)]
    at_once: Option<usize>,
    /// Only the runs of this fault, numbered and drawn as ever.
    #[arg(long)]
    only: Option<String>,
    /// Only the run of this number.
    #[arg(long)]
    run: Option<usize>,
    /// Every run has this grace, in milliseconds.
    #[arg(long)]
    grace: Option<u64>,
    /// Writes what came of it to `docs/campaign`.
    #[arg(long)]
    keep: bool,
    /// Be a load, and do nothing else.
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

/// Says what came of it, and keeps it if asked to.
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
