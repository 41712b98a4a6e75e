//! Durations as people write them in the environment.

use core::time::Duration;

/// What is accepted, for messages.
pub(crate) const ALLOWED: &str = "a duration longer than zero, such as 25s, 1500ms, 1m30s or 2 days; a number alone is in seconds; or none";

/// The units, each with its nanoseconds: those that `deadstop run` reads, up to weeks.
const UNITS: [(&[&str], u64); 8] = [
    (&["ns", "nsec"], 1),
    (&["us", "usec"], 1_000),
    (&["ms", "msec"], 1_000_000),
    (&["s", "sec", "second", "seconds"], SECOND),
    (&["m", "min", "minute", "minutes"], 60 * SECOND),
    (&["h", "hr", "hour", "hours"], 3_600 * SECOND),
    (&["d", "day", "days"], 86_400 * SECOND),
    (&["w", "week", "weeks"], 7 * 86_400 * SECOND),
];
const SECOND: u64 = 1_000_000_000;

/// Reads a duration: numbers with a unit, one after another, with or without spaces; a
/// number alone counts as seconds. `None` if it is malformed, zero, or longer than 584
/// years.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim_ascii();
    let mut rest = text;
    let mut sum = Duration::ZERO;
    if let Ok(seconds) = text.parse::<u32>() {
        sum = Duration::from_secs(seconds.into());
        rest = "";
    }
    while !rest.is_empty() {
        let (number, after) = take(rest, |c| c.is_ascii_digit())?;
        let (unit, after) = take(after.trim_ascii_start(), |c| c.is_ascii_alphabetic())?;
        let number = number.parse::<u64>().ok()?;
        let (_, length) = UNITS.iter().find(|(names, _)| names.contains(&unit))?;
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

#[cfg(test)]
mod tests {
    use super::parse;
    use core::time::Duration;

    #[test]
    fn durations_with_units_and_bare_seconds_are_read() {
        for (text, millis) in [
            ("25s", 25_000),
            ("1500ms", 1_500),
            ("2m", 120_000),
            ("1m30s", 90_000),
            (" 1m 30s ", 90_000),
            ("1h", 3_600_000),
            ("100 days", 8_640_000_000),
            ("1week 1d 1hr 1minute 1sec 1msec", 694_861_001),
            ("1000us", 1),
            ("30", 30_000),
        ] {
            assert_eq!(parse(text), Some(Duration::from_millis(millis)), "{text:?}");
        }
    }

    #[test]
    fn malformed_and_empty_durations_are_refused() {
        for text in [
            "",
            " ",
            "0",
            "0s",
            "-5s",
            "s",
            "5 parsecs",
            "1.5s",
            "25s!",
            "99999999999s",
            "99999999999999999999s",
            "31000 weeks",
            "1 month",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
