//! Durations and instants as people write them in manifests.

use std::time::{Duration, SystemTime};

/// What is accepted, for error messages.
pub(crate) const ALLOWED: &str =
    "a duration with its unit, such as \"25s\", \"1m 30s\" or \"1500ms\", longer than zero";

/// Reads a duration with its unit; a number alone counts as seconds, as in
/// Kubernetes' fields. `None` if it is malformed, or zero.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let text = text.trim();
    let duration = match text.parse::<u32>() {
        Ok(seconds) => Duration::from_secs(seconds.into()),
        Err(_) => humantime::parse_duration(text).ok()?,
    };
    (!duration.is_zero()).then_some(duration)
}

/// Reads RFC 3339, with `Z` or an offset. `None` if it is malformed, or before
/// 1970: Go writes the year 1 for a time that was never set.
pub(super) fn parse_instant(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    let (local, offset) = match text.char_indices().rev().nth(5) {
        Some((at, sign @ ('+' | '-'))) => {
            let (hours, minutes) = text.get(at + 1..)?.split_once(':')?;
            let seconds = 3600 * hours.parse::<u64>().ok()? + 60 * minutes.parse::<u64>().ok()?;
            (text.get(..at)?, (sign, Duration::from_secs(seconds)))
        }
        _ => (text.strip_suffix(['Z', 'z'])?, ('+', Duration::ZERO)),
    };
    let local = humantime::parse_rfc3339(&format!("{local}Z")).ok()?;
    match offset {
        ('-', behind) => local.checked_add(behind),
        (_, ahead) => local.checked_sub(ahead),
    }
    .filter(|instant| *instant >= SystemTime::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::{parse, parse_instant};
    use std::time::{Duration, SystemTime};

    #[test]
    fn durations_with_units_and_bare_seconds_are_read() {
        assert_eq!(parse("25s"), Some(Duration::from_secs(25)));
        assert_eq!(parse(" 1m30s\n"), Some(Duration::from_secs(90)));
        assert_eq!(parse("1500ms"), Some(Duration::from_millis(1500)));
        assert_eq!(parse("30"), Some(Duration::from_secs(30)));
    }

    #[test]
    fn malformed_and_empty_durations_are_refused() {
        for text in [
            "",
            " ",
            "soon",
            "0",
            "0s",
            "-5s",
            "25 parsecs",
            "1.5",
            "99999999999999999999s",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }

    #[test]
    fn instants_with_an_offset_are_the_same_instant() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_252_121);
        for text in [
            "2026-01-01T07:22:01Z",
            "2026-01-01T09:22:01+02:00",
            "2026-01-01T01:52:01-05:30",
        ] {
            assert_eq!(parse_instant(text), Some(at), "{text}");
        }
    }

    #[test]
    fn malformed_instants_and_gos_zero_time_are_refused() {
        for text in [
            "",
            "0001-01-01T00:00:00Z",
            "soon",
            "2026-01-01",
            "é+02:00",
            "2026-01-01T07:22:01",
        ] {
            assert_eq!(parse_instant(text), None, "{text:?}");
        }
    }
}
