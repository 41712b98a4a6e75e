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

use std::error::Error;
use std::process::ExitCode;
use std::time::Duration;

use deadstop::Teardown;

use holder::Hold;

/// Load can only make an end later: the best of these says most about the
/// kernel.
const RUNS: usize = 15;

const GIB: f64 = (1_u64 << 30) as f64;
const MEMORY: usize = 1 << 30;
const THREADS: usize = 1000;
const DESCRIPTORS: usize = 10_000;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    if let Some(hold) = Hold::asked_for() {
        hold.and_exit();
    }
    println!("the best of {RUNS} processes each\n");
    let nothing = best(Hold::Nothing)?;
    let small = beyond(nothing, best(Hold::Small(MEMORY))?);
    let huge = beyond(nothing, best(Hold::Huge(MEMORY))?);
    let threads = beyond(nothing, best(Hold::Threads(THREADS))?);
    let descriptors = beyond(nothing, best(Hold::Descriptors(DESCRIPTORS))?);

    let gibibytes = MEMORY as f64 / GIB;
    let measured = [
        ("process", nothing),
        ("gibibyte", small.div_f64(gibibytes)),
        ("huge_gibibyte", huge.div_f64(gibibytes)),
        ("thread", threads / THREADS as u32),
        ("descriptor", descriptors / DESCRIPTORS as u32),
    ];
    println!("Teardown::new()");
    for (name, takes) in measured {
        println!("    .{name}(Duration::from_nanos({}))", takes.as_nanos());
    }
    println!("\nunless set: {:?}", Teardown::new());
    Ok(ExitCode::SUCCESS)
}

fn best(hold: Hold) -> Result<Duration, Box<dyn Error>> {
    let mut best = Duration::MAX;
    for _ in 0..RUNS {
        best = best.min(hold.takes_to_go()?);
    }
    println!("{hold:>24}: {best:>10.1?}");
    Ok(best)
}

fn beyond(nothing: Duration, something: Duration) -> Duration {
    something.saturating_sub(nothing)
}
