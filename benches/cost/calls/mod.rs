//! The cost of a call in nanoseconds and allocations. Each library has a process of its own, and
//! a call that works only once is made once per process. The libraries take turns, so other load
//! on the machine falls on all of them alike.

mod bare;
mod deadstop;
mod signal_hook;
mod signal_mod;
mod tokio_graceful_shutdown;

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use crate::statistics::median;
use crate::{allocations, fail};

/// The libraries, and who makes their calls.
const LIBRARIES: [(&str, fn()); 8] = [
    ("deadstop, watchdog", deadstop::watchdog),
    ("deadstop, shutdown", deadstop::shutdown),
    ("deadstop, request", deadstop::request),
    ("signal-mod", signal_mod::calls),
    ("signal-mod, request", signal_mod::request),
    ("tokio-graceful-shutdown", tokio_graceful_shutdown::calls),
    (
        "tokio-graceful-shutdown, request",
        tokio_graceful_shutdown::request,
    ),
    ("signal-hook", signal_hook::calls),
];

/// The number of rounds of which a process prints the median.
const ROUNDS: usize = 15;

/// Longer than any shutdown of this bench. It ends one that hangs.
const GRACE: Duration = Duration::from_secs(60);

/// The time after which threads are parked, as in a program that has run for a while.
const SETTLE: Duration = Duration::from_millis(10);

/// One call of one library, in one process.
pub(crate) struct Sample {
    pub(crate) library: &'static str,
    pub(crate) call: String,
    pub(crate) nanoseconds: f64,
    pub(crate) allocations: f64,
}

pub(crate) fn sample(samples: usize) -> Vec<Sample> {
    let mut all = Vec::new();
    for _ in 0..samples {
        for (library, _) in LIBRARIES {
            all.extend(process(library));
        }
    }
    all
}

fn process(library: &'static str) -> Vec<Sample> {
    let output = Command::new(env::current_exe().unwrap())
        .args(["--calls", library])
        .stdin(Stdio::null())
        .output()
        .unwrap();
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        fail(&format!("{library}: {}\n{said}", output.status));
    }
    let said = String::from_utf8(output.stdout).unwrap();
    let sample = |line: &str| {
        let mut fields = line.split('\t');
        Sample {
            library,
            call: fields.next().unwrap().to_owned(),
            nanoseconds: fields.next().unwrap().parse().unwrap(),
            allocations: fields.next().unwrap().parse().unwrap(),
        }
    };
    said.lines().map(sample).collect()
}

/// Makes the calls in the process that the bench has started, and prints their cost.
pub(crate) fn make(library: &str) {
    match LIBRARIES.iter().find(|(name, _)| *name == library) {
        Some((_, calls)) => calls(),
        None => fail(&format!("no library is called {library}")),
    }
}

/// Prints the cost of `call`, which each round makes `times` times.
fn measure(name: &str, times: u32, mut call: impl FnMut()) {
    let rounds: Vec<_> = (0..ROUNDS).map(|_| round(times, &mut call)).collect();
    say(name, &rounds);
}

/// Prints the cost of a call that a process can make only once.
fn measure_once(name: &str, call: impl FnOnce()) {
    let mut call = Some(call);
    say(name, &[round(1, || call.take().unwrap()())]);
}

/// Prints the cost of two calls that alternate.
fn measure_both(names: [&str; 2], times: u32, mut first: impl FnMut(), mut second: impl FnMut()) {
    let both = |_| (round(times, &mut first), round(times, &mut second));
    let (first, second): (Vec<_>, Vec<_>) = (0..ROUNDS).map(both).unzip();
    say(names[0], &first);
    say(names[1], &second);
}

/// The cost of a call: nanoseconds and allocations.
type Cost = (f64, f64);

fn round(times: u32, mut call: impl FnMut()) -> Cost {
    let (allocated, begun) = (allocations::so_far(), Instant::now());
    for _ in 0..times {
        call();
    }
    let nanoseconds = begun.elapsed().as_secs_f64() * 1e9;
    let allocated = (allocations::so_far() - allocated) as f64;
    let times = f64::from(times);
    (nanoseconds / times, allocated / times)
}

fn say(name: &str, rounds: &[Cost]) {
    let nanoseconds = median(rounds.iter().map(|cost| cost.0)).unwrap();
    // The number of allocations does not vary by chance.
    let allocations: f64 = rounds.iter().map(|cost| cost.1).sum();
    println!(
        "{name}\t{nanoseconds}\t{}",
        allocations / rounds.len() as f64
    );
}

fn settle() {
    thread::sleep(SETTLE);
}
