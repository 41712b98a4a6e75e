//! The cost of deadstop in a healthy process, compared with other libraries: calls,
//! start, memory, wake-ups, and bytes of a program.
//!
//! `cargo bench --bench cost -- --help` lists the options. The bench starts itself for each
//! measurement of calls. It makes and builds small programs, as a user's would be, in the
//! folder of the build, and measures the rest on them.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a program, not the library; it counts allocations, and makes bare system calls"
)]

mod allocations;
#[path = "../shared/arguments.rs"]
mod arguments;
mod calls;
mod look;
mod page;
mod programs;
mod statistics;

use std::path::Path;
use std::time::Duration;
use std::{env, fs, process};

use arguments::CargoFlags;
use page::Measured;

/// Measures the cost of deadstop in a healthy process
#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --bench cost --")]
struct Arguments {
    /// Samples of each call and each program
    #[arg(long, value_name = "N", default_value_t = 21)]
    samples: usize,
    /// Time for which an idle process is watched
    #[arg(long, value_name = "SECONDS", default_value_t = 5)]
    idle: u64,
    /// Write docs/bench/cost.{md,csv}
    #[arg(long)]
    keep: bool,
    #[command(flatten)]
    cargo: CargoFlags,
}

fn main() {
    let given: Vec<_> = env::args().skip(1).collect();
    if let [calls, library] = given.as_slice()
        && calls == "--calls"
    {
        return calls::make(library);
    }
    let arguments: Arguments = arguments::read();
    if !arguments.cargo.wants_measurements() {
        return;
    }
    let Arguments { samples, idle, .. } = arguments;

    let programs = programs::build();
    let looks = look::at_all(&programs, samples, Duration::from_secs(idle));
    let calls = calls::sample(samples);
    let measured = Measured {
        programs: &programs,
        looks: &looks,
        calls: &calls,
        samples,
        idle,
    };
    let page = measured.page();
    println!("{page}");
    if arguments.keep {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bench");
        fs::write(folder.join("cost.md"), page).unwrap();
        fs::write(folder.join("cost.csv"), measured.csv()).unwrap();
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    process::exit(1);
}
