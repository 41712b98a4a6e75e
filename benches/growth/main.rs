//! Costs that grow: with the number of threads, the size of the debug information, the
//! number of running tasks, and the number of things that are registered.
//!
//! ```text
//! cargo bench --features health --bench growth -- [--only PART] [--rounds N] [--quick] [--keep]
//! ```
//!
//! A part is `report`, `symbols`, `progress` or `memory`. `--quick` takes one sample of small
//! sizes. `--keep` writes `docs/bench/growth.{md,csv,svg}`. The programs with much debug
//! information are built in the folder of the build, and take up to 5 GB there.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a program, not the library; it counts allocations"
)]

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

use results::Results;

const ROUNDS: usize = 5;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1).map(String::as_str)
    };
    let size = || value("--size").unwrap().parse().unwrap();
    match value("--child") {
        Some("report") => report::hang(size()),
        Some("progress") => return progress::run_tasks(size()),
        Some("memory") => return memory::count(),
        Some(other) => fail(&format!("what is {other:?}?")),
        None => {}
    }
    if !has("--bench") {
        return;
    }
    let is_quick = has("--quick");
    let rounds = match is_quick {
        true => 1,
        false => value("--rounds").map_or(ROUNDS, |rounds| rounds.parse().unwrap()),
    };
    let is_wanted = |part: &str| value("--only").is_none_or(|only| only == part);
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
    if has("--keep") {
        page::keep(&results);
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
