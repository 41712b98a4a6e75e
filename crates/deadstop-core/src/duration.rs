//! Durations as people write them in variables, manifests and options.

use core::time::Duration;

use crate::number;
use crate::search::is_one_of;

/// The units, each with its nanoseconds.
const UNITS: [(&str, u64); 8] = [
    ("ns nsec", 1),
    ("us usec", 1_000),
    ("ms msec", 1_000_000),
    ("s sec secs second seconds", SECOND),
    ("m min mins minute minutes", 60 * SECOND),
    ("h hr hrs hour hours", 3_600 * SECOND),
    ("d day days", 86_400 * SECOND),
    ("w week weeks", 7 * 86_400 * SECOND),
];
const SECOND: u64 = 1_000_000_000;

/// Reads a duration: numbers with a unit, one after another, with or without spaces; a
/// number alone counts as seconds. `None` if it is malformed, zero, or longer than 584
/// years.
pub fn parse(text: &str) -> Option<Duration> {
    let text = text.trim_ascii();
    let mut rest = text;
    let mut sum = Duration::ZERO;
    if let Some(seconds) = number::parse(text, 10) {
        sum = Duration::from_nanos(SECOND.checked_mul(seconds)?);
        rest = "";
    }
    while !rest.is_empty() {
        let (number, after) = take(rest, |c| c.is_ascii_digit())?;
        let (unit, after) = take(after.trim_ascii_start(), |c| c.is_ascii_alphabetic())?;
        let number = number::parse(number, 10)?;
        let (_, length) = UNITS.iter().find(|(names, _)| is_one_of(unit, names))?;
        let part = Duration::from_nanos(length.checked_mul(number)?);
        sum = sum.checked_add(part)?;
        rest = after.trim_ascii_start();
    }
    (!sum.is_zero()).then_some(sum)
}

/// Splits off the characters for which `is_part` holds; there must be one.
fn take(text: &str, is_part: impl Fn(char) -> bool) -> Option<(&str, &str)> {
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text.split_at_checked(end)
        .filter(|(part, _)| !part.is_empty())
}
