//! How long this machine takes to take back what a process has: the constants
//! for `gone_by`.
//!
//! ```text
//! cargo run --release --example calibrate
//! ```
//!
//! It starts processes that take memory, threads or descriptors and then call
//! `_exit`, and looks when each is gone. It takes some 20 seconds, and up to
//! 2 GiB of memory. Let nothing else run meanwhile.

#![expect(clippy::print_stdout, reason = "it talks to whoever runs it")]
#![expect(unsafe_code, reason = "takes memory, and leaves without a word")]

mod holder;
mod measure;

use std::error::Error;
use std::process::ExitCode;

use deadstop::Teardown;

use holder::Hold;
use measure::measure;

const RUNS: usize = 15;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(hold) = Hold::asked_for() {
        hold.and_exit();
    }
    println!("the best of {RUNS} processes each\n");
    let measured = measure(RUNS, |hold, best| println!("{hold:>24}: {best:>10.1?}"))?;
    println!("\nTeardown::new()");
    for (name, takes) in measured {
        println!("    .{name}(Duration::from_nanos({}))", takes.as_nanos());
    }
    println!("\nunless set: {:?}", Teardown::new());
    Ok(ExitCode::SUCCESS)
}
