//! A length of time that may be without end.

use core::time::Duration;

use crate::buffer::TextSlice;

/// Writes the length in seconds, or `no end`.
pub(super) fn span(line: &mut TextSlice, length: Duration) -> &mut TextSlice {
    match length >= NO_END {
        true => line.text("no end"),
        false => line.seconds(length),
    }
}

/// Centuries are what a grace without end amounts to.
pub(crate) const NO_END: Duration = Duration::from_secs(1_000_000_000);
