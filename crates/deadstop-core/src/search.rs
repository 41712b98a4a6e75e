//! Searches in short texts.
//!
//! The search of `core` for a text in a text is made for long ones, and is 2 KB of program in
//! each function that has one.

/// Splits `text` before and after the first `part` in it, which is not empty.
#[inline(never)]
pub fn split_once<'a>(text: &'a str, part: &str) -> Option<(&'a str, &'a str)> {
    let mut tails = (0..text.len()).filter_map(|at| text.split_at_checked(at));
    tails.find_map(|(before, tail)| Some((before, tail.strip_prefix(part)?)))
}

/// Returns `true` if `part`, which is not empty, is in `text`.
pub fn contains(text: &str, part: &str) -> bool {
    split_once(text, part).is_some()
}

/// Returns `true` if `name` is one of `names`, which have a space between two of them.
///
/// `names` is a text. An arm of a `match` is a comparison of its own for each name, and a list
/// has 40 bytes for each: the loader adds the program's address to each reference.
#[inline(never)]
pub fn is_one_of(name: &str, names: &str) -> bool {
    // Bytes, since `core` searches a text for a character by code that can panic.
    let mut names = names.as_bytes().split(|byte| *byte == b' ');
    names.any(|known| known == name.as_bytes())
}
