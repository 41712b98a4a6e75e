//! Instants as manifests write them: RFC 3339.

use std::fmt;
use std::time::{Duration, SystemTime};

const DAY: u64 = 86_400;

/// Reads RFC 3339, with `Z` or an offset. `None` if it is malformed, or before
/// 1970: Go writes the year 1 for a time that was never set.
#[cold]
pub(super) fn parse(text: &str) -> Option<SystemTime> {
    let text = text.trim().as_bytes();
    // 2026-01-01T07:22:01
    let (local, rest) = text.split_at_checked(19)?;
    let separators = [local[4], local[7], local[10], local[13], local[16]];
    if !matches!(separators, [b'-', b'-', b'T' | b't' | b' ', b':', b':']) {
        return None;
    }
    let part = |at: usize| number(&local[at..at + 2]);
    let days = days(number(&local[..4])?, part(5)?, part(8)?)?;
    let (hour, minute, second) = (part(11)?, part(14)?, part(17)?);
    // A leap second counts as the one after it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let seconds = days * DAY + hour * 3600 + minute * 60 + second;
    let zone = match rest {
        [b'.', fraction @ ..] => {
            let digits = fraction.iter().take_while(|byte| byte.is_ascii_digit());
            match digits.count() {
                0 => return None,
                count => &fraction[count..],
            }
        }
        _ => rest,
    };
    let seconds = match zone {
        [b'Z' | b'z'] => seconds,
        [sign @ (b'+' | b'-'), hours @ .., b':', m, n] if hours.len() == 2 => {
            let offset = 3600 * number(hours)? + 60 * number(&[*m, *n])?;
            match sign {
                b'-' => seconds + offset,
                _ => seconds.checked_sub(offset)?,
            }
        }
        _ => return None,
    };
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(seconds))
}

/// Displays an instant as RFC 3339, to the second.
pub(super) struct Rfc3339(pub(super) SystemTime);

impl fmt::Display for Rfc3339 {
    #[cold]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let since = self.0.duration_since(SystemTime::UNIX_EPOCH);
        let seconds = since.unwrap_or_default().as_secs();
        let (mut year, mut month) = (1970, 1);
        let mut left = seconds / DAY;
        while left >= year_length(year) {
            left -= year_length(year);
            year += 1;
        }
        while left >= month_length(year, month) {
            left -= month_length(year, month);
            month += 1;
        }
        let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
        let day = left + 1;
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

/// Days from 1970 on.
fn days(year: u64, month: u64, day: u64) -> Option<u64> {
    let is_day = (1..=12).contains(&month) && (1..=month_length(year, month)).contains(&day);
    if year < 1970 || !is_day {
        return None;
    }
    let years: u64 = (1970..year).map(year_length).sum();
    let months: u64 = (1..month).map(|month| month_length(year, month)).sum();
    Some(years + months + day - 1)
}

fn year_length(year: u64) -> u64 {
    365 + u64::from(is_leap(year))
}

#[inline(never)] // Not in an unrolled loop.
fn month_length(year: u64, month: u64) -> u64 {
    match month {
        2 => 28 + u64::from(is_leap(year)),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_leap(year: u64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// Reads a number of digits alone.
fn number(digits: &[u8]) -> Option<u64> {
    digits.iter().try_fold(0, |number, byte| {
        let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
        Some(10 * number + digit)
    })
}

#[cfg(test)]
mod tests {
    use super::{Rfc3339, parse};
    use std::time::{Duration, SystemTime};

    #[test]
    fn instants_with_an_offset_are_the_same_instant() {
        let at = SystemTime::UNIX_EPOCH + Duration::from_secs(1_767_252_121);
        for text in [
            "2026-01-01T07:22:01Z",
            "2026-01-01T07:22:01.250Z",
            "2026-01-01T09:22:01+02:00",
            "2026-01-01T01:52:01-05:30",
        ] {
            assert_eq!(parse(text), Some(at), "{text}");
        }
    }

    #[test]
    fn instant_is_read_back_as_it_is_written() {
        // Around leap days, and the ends of months and years.
        for text in [
            "1970-01-01T00:00:00Z",
            "1999-12-31T23:59:59Z",
            "2000-02-29T12:00:00Z",
            "2024-02-29T00:00:00Z",
            "2024-03-01T00:00:00Z",
            "2026-07-31T04:05:06Z",
            "2100-02-28T23:59:59Z",
            "2100-03-01T00:00:00Z",
        ] {
            let at = parse(text).expect(text);
            assert_eq!(Rfc3339(at).to_string(), text);
            let theirs = humantime::parse_rfc3339(text).expect(text);
            assert_eq!(at, theirs, "{text}");
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
            "2026-02-29T00:00:00Z",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "2026-01-01T24:00:00Z",
            "2026-1-1T00:00:00Z",
            "+026-01-01T00:00:00Z",
            "2026-01-01T07:22:01.Z",
            "2026-01-01T07:22:01.5",
            "2026-01-01T07:22:01+2:00",
            "2026-01-01T07:22:01+0200",
            "2026-01-01T07:22:01ZZ",
        ] {
            assert_eq!(parse(text), None, "{text:?}");
        }
    }
}
