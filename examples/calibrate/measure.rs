//! The constants, by processes that leave.

use std::error::Error;
use std::time::Duration;

use super::holder::Hold;

const MEMORY: usize = 1 << 30;
const THREADS: usize = 1000;
const DESCRIPTORS: usize = 10_000;

/// The constants, by name, as [`deadstop::Teardown`] has them.
pub(crate) type Measured = [(&'static str, Duration); 5];

/// Measures them; each as the best of `runs`, since load can only make an end
/// later: the best says most about the kernel. `say` hears of each.
pub(crate) fn measure(
    runs: usize,
    say: impl Fn(Hold, Duration),
) -> Result<Measured, Box<dyn Error>> {
    let best = |hold: Hold| {
        let mut best = Duration::MAX;
        for _ in 0..runs {
            best = best.min(hold.takes_to_go()?);
        }
        say(hold, best);
        Ok::<_, Box<dyn Error>>(best)
    };
    let nothing = best(Hold::Nothing)?;
    let beyond = |hold| Ok::<_, Box<dyn Error>>(best(hold)?.saturating_sub(nothing));
    let gibibytes = MEMORY as f64 / (1_u64 << 30) as f64;
    Ok([
        ("process", nothing),
        ("gibibyte", beyond(Hold::Small(MEMORY))?.div_f64(gibibytes)),
        (
            "huge_gibibyte",
            beyond(Hold::Huge(MEMORY))?.div_f64(gibibytes),
        ),
        ("thread", beyond(Hold::Threads(THREADS))? / THREADS as u32),
        (
            "descriptor",
            beyond(Hold::Descriptors(DESCRIPTORS))? / DESCRIPTORS as u32,
        ),
    ])
}
