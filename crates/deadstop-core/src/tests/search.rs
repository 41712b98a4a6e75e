//! Tests of searches in texts, beside those of `core`.

use crate::search::{contains, is_one_of, split_once};

#[test]
fn text_is_split_as_by_core() {
    let texts = [
        "",
        ":",
        "::",
        "a::b",
        "::a::",
        "a:::b",
        "ä::ö::ü",
        "a:b",
        "ab::",
    ];
    for text in texts {
        assert_eq!(split_once(text, "::"), text.split_once("::"), "{text}");
        assert_eq!(contains(text, "::"), text.contains("::"), "{text}");
    }
    assert_eq!(split_once("grün", "ü"), Some(("gr", "n")));
}

#[test]
fn name_is_one_of_the_names_that_are_equal() {
    for (name, is_one) in [("s6", true), ("s", false), ("runit", true), ("", false)] {
        assert_eq!(is_one_of(name, "s6 runit"), is_one, "{name}");
    }
}
