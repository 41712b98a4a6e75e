//! An error annotation of GitHub Actions.

use std::env;

use deadstop_core::buffer::TextBuffer;

/// Returns `true` if the process runs in GitHub Actions.
pub(super) fn is_wanted() -> bool {
    env::var_os("GITHUB_ACTIONS").is_some_and(|value| value == "true")
}

/// Returns `::error title=deadstop::MESSAGE`, with the message escaped as the runner
/// expects it. Allocates nothing.
pub(super) fn of(line: &str) -> TextBuffer<1024> {
    let message = line.strip_prefix("deadstop: ").unwrap_or(line);
    let mut annotation = TextBuffer::new();
    annotation.text("::error title=deadstop::");
    for c in message.chars() {
        match c {
            '%' => annotation.text("%25"),
            '\r' => annotation.text("%0D"),
            '\n' => annotation.text("%0A"),
            c => annotation.text(c.encode_utf8(&mut [0; 4])),
        };
    }
    annotation.text("\n");
    if annotation.is_full() {
        annotation.end_with("::error title=deadstop::a task hangs\n");
    }
    annotation
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn message_is_escaped_as_the_runner_expects() {
        let annotation = of("deadstop: deadline in 0.5 s: \"100 %\"");
        assert_eq!(
            annotation.as_str(),
            "::error title=deadstop::deadline in 0.5 s: \"100 %25\"\n"
        );
    }

    #[test]
    fn annotation_is_one_line_whatever_its_length() {
        let annotation = of(&"x%".repeat(2000));
        assert_eq!(annotation.as_str().matches('\n').count(), 1);
        assert!(annotation.as_str().ends_with('\n'));
    }
}
