//! Durations from text.

use crate::duration::parse;
use std::time::Duration;

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
        ("5000000000", 5_000_000_000_000),
        ("18446744073s", 18_446_744_073_000),
        ("18446744073", 18_446_744_073_000),
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
        "18446744074s",
        "18446744074",
        "99999999999999999999s",
        "31000 weeks",
        "1 month",
    ] {
        assert_eq!(parse(text), None, "{text:?}");
    }
}
