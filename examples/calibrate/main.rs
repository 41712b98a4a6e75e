//! Measures how long this machine takes to release a process's resources: the constants
//! for `exit_early`.
//!
//! ```text
//! cargo run --release --example calibrate [-- MIB]
//! ```
//!
//! The program starts processes that take memory, threads or descriptors and then call `_exit`,
//! and measures the time until each is gone. `MIB` is the memory that your program has when it
//! ends: by default 4096, or a quarter of the available memory if that is less. It takes a
//! minute. Run no other program meanwhile.

#![expect(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a program for a terminal"
)]
#![expect(unsafe_code, reason = "maps memory, and calls `_exit`")]

mod holder;
mod measure;

use std::error::Error;
use std::process::ExitCode;

use deadstop::protection::Teardown;

use holder::Hold;
use measure::{Times, measure, usual_memory};

const RUNS: usize = 15;

/// A PiB.
const MOST_MIB: usize = 1 << 30;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(hold) = Hold::asked_for() {
        hold.and_exit();
    }
    let memory = match std::env::args().nth(1) {
        None => usual_memory(),
        Some(mib) => match mib.parse::<usize>() {
            Ok(mib @ 1..=MOST_MIB) => mib << 20,
            _ => {
                eprintln!("usage: calibrate [MIB]: {mib} is not a number from 1 to {MOST_MIB}");
                return Ok(ExitCode::from(2));
            }
        },
    };
    println!(
        "{:>24}  {:>10} {:>10} {:>10}",
        format!("{RUNS} processes each"),
        "least",
        "median",
        "most"
    );
    let measured = measure(RUNS, memory, |hold, times| {
        let Times {
            least,
            median,
            most,
        } = times;
        println!("{hold:>24}: {least:>10.1?} {median:>10.1?} {most:>10.1?}");
    })?;
    println!("\nTeardown::new()");
    for (name, takes) in measured {
        println!("    .{name}(Duration::from_nanos({}))", takes.as_nanos());
    }
    println!("\nunless set: {:?}", Teardown::new());
    Ok(ExitCode::SUCCESS)
}
