//! Measures the constants with processes that exit.

use std::error::Error;
use std::time::Duration;

use super::holder::Hold;

const THREADS: usize = 1000;
const DESCRIPTORS: usize = 10_000;

/// The constants, by name, as [`deadstop::protection::Teardown`] has them.
pub(crate) type Measured = [(&'static str, Duration); 5];

/// The exit times of processes that held the same resources.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    pub(crate) least: Duration,
    pub(crate) median: Duration,
    pub(crate) most: Duration,
}

/// Measures the constants: each as the median of `runs`, those of memory with that many
/// bytes. Calls `say` for each.
///
/// The median, and not the least: half of all processes take up to a third longer than
/// the least, on a machine that does nothing else.
pub(crate) fn measure(
    runs: usize,
    memory: usize,
    say: impl Fn(Hold, Times),
) -> Result<Measured, Box<dyn Error>> {
    let median = |hold: Hold| {
        let times = (0..runs).map(|_| hold.takes_to_go());
        let times = Times::of(times.collect::<Result<_, _>>()?);
        say(hold, times);
        Ok::<_, Box<dyn Error>>(times.median)
    };
    let nothing = median(Hold::Nothing)?;
    let beyond = |hold| Ok::<_, Box<dyn Error>>(median(hold)?.saturating_sub(nothing));
    let gibibytes = memory as f64 / (1_u64 << 30) as f64;
    Ok([
        ("process", nothing),
        ("gibibyte", beyond(Hold::Small(memory))?.div_f64(gibibytes)),
        (
            "huge_gibibyte",
            beyond(Hold::Huge(memory))?.div_f64(gibibytes),
        ),
        ("thread", beyond(Hold::Threads(THREADS))? / THREADS as u32),
        (
            "descriptor",
            beyond(Hold::Descriptors(DESCRIPTORS))? / DESCRIPTORS as u32,
        ),
    ])
}

impl Times {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self {
            least: times[0],
            median: times[times.len() / 2],
            most: times[times.len() - 1],
        }
    }
}

/// The default memory to measure with, in bytes: 4 GiB, since the last of many take longer than
/// the first, but at most a quarter of the available memory.
pub(crate) fn usual_memory() -> usize {
    let text = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB")?.parse().ok());
    let quarter = kib.unwrap_or(1_usize << 20) * 1024 / 4;
    // Whole huge pages.
    quarter.min(4 << 30) & !((2 << 20) - 1)
}
