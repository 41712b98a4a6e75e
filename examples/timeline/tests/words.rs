//! Lengths of time, and text that fits.

use proptest::prelude::*;

use crate::text::{clip, seconds, visible, width};

#[test]
fn lengths_are_as_exact_as_they_are_worth() {
    let words = [
        (0.0, "0 ms"),
        (0.001, "1 ms"),
        (0.0994, "99 ms"),
        (0.0996, "0.10 s"),
        (2.504, "2.50 s"),
        (9.994, "9.99 s"),
        (9.996, "10.0 s"),
        (99.94, "99.9 s"),
        (99.96, "100 s"),
        (3600.0, "3600 s"),
    ];
    for (length, expected) in words {
        assert_eq!(seconds(length), expected);
    }
}

#[test]
fn invisible_characters_are_escaped() {
    assert_eq!(
        visible("a\u{0}b\u{202e}c\u{ffff}\n"),
        "a\\0b\\u{202e}c\\u{ffff}\\n"
    );
    assert_eq!(visible("“flush” — 日本 é"), "“flush” — 日本 é");
}

proptest! {
    #[test]
    fn what_is_clipped_fits_and_begins_as_before(text in "\\PC{0,60}", room in 20.0..300.0) {
        let clipped = clip(&text, room, 13.0);
        prop_assert!(width(&clipped, 13.0) <= room, "{clipped:?}");
        let begun = clipped.strip_suffix('…').unwrap_or(&clipped);
        prop_assert!(visible(&text).starts_with(begun), "{clipped:?}");
    }
}
