//! The variables of systemd's protocol for passed descriptors, as a pure function.

use std::num::ParseIntError;

/// The variables, as they are set.
#[derive(Clone, Debug, Default)]
pub(super) struct Variables {
    /// `LISTEN_PID`.
    pub(super) pid: Option<String>,
    /// `LISTEN_FDS`.
    pub(super) count: Option<String>,
    /// `LISTEN_FDNAMES`.
    pub(super) names: Option<String>,
}

/// More descriptors than this are a mistake.
const MOST: usize = 1_024;

/// Returns a name for each descriptor that was passed to process `pid`, in order: none if
/// the variables are for another process. A name is empty if there is none.
///
/// # Errors
///
/// Fails if `LISTEN_FDS` is for this process and not a number.
pub(super) fn names(variables: &Variables, pid: u32) -> Result<Vec<String>, ParseIntError> {
    let is_ours = |text: &String| text.parse() == Ok(pid);
    if !variables.pid.as_ref().is_some_and(is_ours) {
        return Ok(Vec::new());
    }
    let count: usize = match &variables.count {
        Some(count) => count.parse()?,
        None => 0,
    };
    let given = variables.names.as_deref().unwrap_or("");
    let names = given.split(':').map(str::to_owned);
    let names = names.chain(std::iter::repeat(String::new()));
    Ok(names.take(count.min(MOST)).collect())
}

/// Returns `true` if `name` may stand in `LISTEN_FDNAMES`: 1 to 255 printable ASCII
/// characters without a colon.
pub(super) fn is_name(name: &str) -> bool {
    let is_allowed = |byte: u8| (b' '..=b'~').contains(&byte) && byte != b':';
    (1..=255).contains(&name.len()) && name.bytes().all(is_allowed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(pid: &str, count: &str, given: &str) -> Result<Vec<String>, ParseIntError> {
        let set = |text: &str| (text != "-").then(|| text.to_owned());
        let variables = Variables {
            pid: set(pid),
            count: set(count),
            names: set(given),
        };
        names(&variables, 42)
    }

    #[test]
    fn descriptors_of_this_process_have_their_names() {
        assert_eq!(
            of("42", "2", "http:admin"),
            Ok(vec!["http".into(), "admin".into()])
        );
        assert_eq!(
            of("42", "2", "http"),
            Ok(vec!["http".into(), String::new()])
        );
        assert_eq!(of("42", "1", "http:admin"), Ok(vec!["http".into()]));
        assert_eq!(of("42", "2", "-"), Ok(vec![String::new(); 2]));
    }

    #[test]
    fn descriptors_of_another_process_are_not_taken() {
        for pid in ["-", "", "41", "420", "x"] {
            assert_eq!(of(pid, "2", "http:admin"), Ok(Vec::new()), "{pid:?}");
        }
        assert_eq!(of("42", "-", "http"), Ok(Vec::new()));
        assert_eq!(of("42", "0", "http"), Ok(Vec::new()));
    }

    #[test]
    fn count_that_is_no_number_is_an_error_and_a_huge_one_is_cut() {
        for count in ["", "-1", "two", "99999999999999999999"] {
            assert!(of("42", count, "http").is_err(), "{count:?}");
        }
        assert_eq!(
            of("42", "18446744073709551615", "-").map(|it| it.len()),
            Ok(MOST)
        );
    }

    #[test]
    fn names_with_colons_controls_or_no_text_are_refused() {
        assert!(is_name("http listener"));
        let long = "x".repeat(256);
        for name in ["", "a:b", "a\nb", "ä", long.as_str()] {
            assert!(!is_name(name), "{name:?}");
        }
    }
}
