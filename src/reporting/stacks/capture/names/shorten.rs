//! Names and places, in words that fit.

use deadstop_core::buffer::TextSlice;

/// The mark of the part that is left out.
const CUT: &str = "…";

/// Puts `text` into `line`; if it is too long, without its middle. A function's
/// name tells most by its end, and then by its beginning.
pub(crate) fn without_middle(line: &mut TextSlice, text: &str) {
    shorten(line, text, |bytes| bytes / 3);
}

/// Puts `text` into `line`; if it is too long, without its beginning.
pub(crate) fn without_head(line: &mut TextSlice, text: &str) {
    shorten(line, text, |_| 0);
}

/// Puts `text` into `line`. If it is too long, `head` says how many of the bytes beside the
/// mark its beginning gets; its end gets the others.
fn shorten(line: &mut TextSlice, text: &str, head: impl Fn(usize) -> usize) {
    line.clear();
    let capacity = line.capacity();
    if text.len() <= capacity {
        line.text(text);
        return;
    }
    let room = capacity.saturating_sub(CUT.len());
    let head = floor(text, head(room));
    let tail = ceil(text, text.len() - (room - head.len()));
    line.text(head).text(CUT).text(tail);
}

/// Returns the part before the last character that begins at or before `at`.
fn floor(text: &str, at: usize) -> &str {
    (0..=at).rev().find_map(|at| text.get(..at)).unwrap_or("")
}

/// Returns the part from the first character on that begins at or after `at`.
fn ceil(text: &str, at: usize) -> &str {
    let mut tails = (at..=text.len()).map(|at| text.get(at..));
    tails.find_map(|tail| tail).unwrap_or("")
}

#[cfg(test)]
mod tests {
    use deadstop_core::buffer::TextBuffer;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn text_that_fits_is_kept() {
        let mut line = TextBuffer::<8>::new();
        without_middle(&mut line, "12345678");
        assert_eq!(line.as_str(), "12345678");
        without_head(&mut line, "abcdefgh");
        assert_eq!(line.as_str(), "abcdefgh");
    }

    #[test]
    fn end_of_a_name_stays_when_it_is_shortened() {
        let mut line = TextBuffer::<16>::new();
        without_middle(&mut line, "first::second::third::fourth");
        assert_eq!(line.as_str(), "firs…d::fourth");
        without_head(&mut line, "/home/me/project/src/main.rs:12");
        assert_eq!(line.as_str(), "…rc/main.rs:12");
    }

    proptest! {
        #[test]
        fn no_text_is_too_long_or_cut_inside_a_character(text in "\\PC{0,40}") {
            let mut line = TextBuffer::<16>::new();
            without_middle(&mut line, &text);
            prop_assert!(text.len() > 16 || line.as_str() == text);
            prop_assert_eq!(line.as_str().is_empty(), text.is_empty());
            without_head(&mut line, &text);
            let end = line.as_str().trim_start_matches(CUT);
            prop_assert!(text.ends_with(end) && end.is_empty() == text.is_empty());
        }
    }
}
