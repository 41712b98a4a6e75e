//! The cost of deadstop in a healthy process, compared with other libraries: calls,
//! start, memory, wake-ups, and bytes of a program.
//!
//! ```text
//! cargo bench --bench cost -- [--samples N] [--idle SECONDS] [--keep]
//! ```
//!
//! `--keep` writes docs/bench/cost.{md,csv}. The calls are measured in processes
//! that this program starts of itself; the rest on small programs that it makes
//! and builds, as a user's would be, in the folder of the build.

#![expect(
    clippy::exit,
    clippy::print_stderr,
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a program, not the library; it counts allocations, and makes bare system calls"
)]

mod allocations;
mod calls;
mod look;
mod page;
mod programs;
mod statistics;

use std::path::Path;
use std::time::Duration;
use std::{env, fs, process};

use page::Measured;

const SAMPLES: usize = 21;
const IDLE: u64 = 5;

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let has = |wanted: &str| arguments.iter().any(|argument| argument == wanted);
    let value = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name)?;
        arguments.get(at + 1)
    };
    if let Some(library) = value("--calls") {
        return calls::make(library);
    }
    if !has("--bench") {
        return;
    }
    let samples = value("--samples").map_or(SAMPLES, |samples| samples.parse().unwrap());
    let idle = value("--idle").map_or(IDLE, |seconds| seconds.parse().unwrap());

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
    if has("--keep") {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/bench");
        fs::write(folder.join("cost.md"), page).unwrap();
        fs::write(folder.join("cost.csv"), measured.csv()).unwrap();
    }
}

fn fail(why: &str) -> ! {
    eprintln!("{why}");
    process::exit(1);
}
