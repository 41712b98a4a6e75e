//! Text and lengths of time as the summaries show them.

use std::fmt::{self, Write as _};
use std::time::Duration;

/// A text whose control characters are written as in a string of Rust.
pub(crate) struct Escaped<'a>(pub(crate) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.chars().try_for_each(|c| match c.is_control() {
            true => write!(f, "{}", c.escape_debug()),
            false => f.write_char(c),
        })
    }
}

/// A length of time in seconds, to hundredths.
pub(super) struct Seconds(pub(super) Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A grace of `Duration::MAX` amounts to centuries.
        match self.0.as_secs() {
            0..1_000_000 => write!(f, "{:.2} s", self.0.as_secs_f64()),
            _ => f.write_str("no limit"),
        }
    }
}
