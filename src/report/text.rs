//! Lengths of time as the summaries show them.

use std::fmt;
use std::time::Duration;

/// A length of time in seconds, to hundredths.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A grace of `Duration::MAX` amounts to centuries.
        match self.0.as_secs() {
            0..1_000_000 => {
                // Without floating point: see `Tenths`.
                let rounded = self.0 + Duration::from_millis(5);
                let (seconds, millis) = (rounded.as_secs(), rounded.subsec_millis());
                f.pad(&format!("{seconds}.{:02} s", millis / 10))
            }
            _ => f.pad("no limit"),
        }
    }
}

/// A length of time in seconds, to tenths. Messages use it in place of `as_secs_f64`: a single
/// text with a floating-point number adds 24 KB to the program.
pub(crate) struct Tenths(pub(crate) Duration);

impl fmt::Display for Tenths {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rounded = self.0.saturating_add(Duration::from_millis(50));
        write!(
            f,
            "{}.{} s",
            rounded.as_secs(),
            rounded.subsec_millis() / 100
        )
    }
}
