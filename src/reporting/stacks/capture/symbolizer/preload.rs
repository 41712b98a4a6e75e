//! When names and lines are read ahead of a report.

use std::time::Duration;

use crate::process::WATCH;
use crate::reporting::schedule::due;
use deadstop_core::Nanos;

/// A shutdown that takes longer than this, or a quarter of the time up to the
/// report, may need names.
const PRELOAD_AFTER: Duration = Duration::from_secs(1);
const PRELOAD_PART: u32 = 4;

/// Reading debug information takes so much longer than reading the names before it.
/// Measured: 4.2 times in an unoptimized build with 119 MB of it.
const LINES_COST: u32 = 5;

/// Returns the time after which a shutdown is so long that names may be needed.
pub(super) fn preload_at() -> Option<Nanos> {
    let deadline = WATCH.deadline();
    let (begun, report) = deadline.begun().zip(due(deadline))?;
    let part = report.since(begun) / PRELOAD_PART;
    Some(begun.saturating_add(part.min(PRELOAD_AFTER)))
}

/// Returns `true` if the lines can be read in the time `left`, when reading the names took
/// `names`.
pub(super) fn have_lines_time(names: Duration, left: Duration) -> bool {
    names.saturating_mul(LINES_COST) <= left
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_ahead_only_if_they_are_there_before_the_report() {
        let ms = Duration::from_millis;
        // An idle machine, and one with twenty threads to a processor.
        assert!(have_lines_time(ms(90), ms(1300)));
        assert!(!have_lines_time(ms(900), ms(2600)));
        assert!(!have_lines_time(ms(1), Duration::ZERO));
        assert!(!have_lines_time(Duration::MAX, Duration::from_secs(60)));
    }
}
