//! Costs that grow: with the number of threads, the size of the debug information, the
//! number of running tasks, and the number of things that are registered.
//!
//! `cargo bench --features health --bench growth -- --help` lists the options. The bench
//! builds programs with much debug information in the folder of the build. They take up to
//! 5 GB there.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a program, not the library; it counts allocations"
)]

#[path = "../shared/arguments.rs"]
mod arguments;
#[path = "../shared/chart.rs"]
mod chart;
#[path = "../shared/measured_page.rs"]
mod measured_page;
mod memory;
mod page;
mod progress;
mod report;
mod results;
mod symbols;
mod watched;

use std::{env, fs, process};

use arguments::CargoFlags;
use results::Results;

/// Measures costs that grow with the size of a program
#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --features health --bench growth --")]
struct Arguments {
    /// Measure one part alone
    #[arg(long, value_name = "PART", value_parser = ["memory", "progress", "report", "symbols"])]
    only: Option<String>,
    /// Samples of each size
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
    /// Take one sample of small sizes
    #[arg(long)]
    quick: bool,
    /// Write docs/bench/growth.{md,csv,svg}
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    cargo: CargoFlags,
}

fn main() {
    let given: Vec<_> = env::args().skip(1).collect();
    if let [child, part, of_size, size] = given.as_slice()
        && (child.as_str(), of_size.as_str()) == ("--child", "--size")
    {
        return measure_in_child(part, size.parse().unwrap());
    }
    let arguments: Arguments = arguments::read();
    if !arguments.cargo.wants_measurements() {
        return;
    }
    let is_quick = arguments.quick;
    let rounds = if is_quick { 1 } else { arguments.rounds };
    let is_wanted = |part: &str| arguments.only.as_deref().is_none_or(|only| only == part);
    let mut results = Results::default();
    if is_wanted("memory") {
        memory::measure(&mut results);
    }
    if is_wanted("progress") {
        progress::measure(&mut results, rounds, is_quick);
    }
    if is_wanted("report") {
        report::measure(&mut results, rounds, is_quick);
    }
    if is_wanted("symbols") {
        symbols::measure(&mut results, rounds, is_quick);
    }
    println!("{}", page::tables(&results));
    if arguments.keep {
        page::keep(&results);
    }
}

fn measure_in_child(part: &str, size: usize) {
    match part {
        "report" => report::hang(size),
        "progress" => progress::run_tasks(size),
        "memory" => memory::count(),
        _ => fail(&format!("no part is called {part:?}")),
    }
}

/// This program, as a child that measures one thing.
fn child(part: &str, size: usize) -> process::Command {
    let mut command = process::Command::new(env::current_exe().unwrap());
    command.args(["--child", part, "--size", &size.to_string()]);
    command
}

/// A folder in the build's.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = std::path::Path::new(env!("CARGO_TARGET_TMPDIR"))
        .join("growth")
        .join(name);
    fs::create_dir_all(&folder).unwrap();
    folder
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    process::exit(1);
}
