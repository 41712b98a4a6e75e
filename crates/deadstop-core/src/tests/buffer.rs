//! Tests of text in a fixed buffer.

use std::time::Duration;

use crate::buffer::TextBuffer;

#[test]
fn cleared_buffer_is_empty_and_accepts_text() {
    let mut line = TextBuffer::<4>::new();
    line.text("12345");
    assert!(line.is_full());
    line.clear();
    assert_eq!((line.as_str(), line.is_full()), ("", false));
    line.text("6");
    assert_eq!(line.as_str(), "6");
}

#[test]
fn decimal_seconds_have_three_digits_after_the_point() {
    for (millis, says) in [
        (0, "0.000"),
        (1, "0.001"),
        (9, "0.009"),
        (10, "0.010"),
        (99, "0.099"),
        (100, "0.100"),
        (999, "0.999"),
        (12_034, "12.034"),
    ] {
        let mut line = TextBuffer::<16>::new();
        line.decimal_seconds(Duration::from_millis(millis));
        assert_eq!(line.as_str(), says);
    }
}

#[test]
fn json_escapes_control_characters_with_four_digits() {
    for c in ('\0'..='\u{9f}').filter(|c| c.is_control()) {
        let mut line = TextBuffer::<16>::new();
        line.json(&c.to_string());
        assert_eq!(line.as_str(), format!("\"\\u{:04x}\"", c as u32));
    }
}

#[test]
fn json_keeps_printable_characters() {
    let mut line = TextBuffer::<16>::new();
    line.json("a é \u{1f6d1}");
    assert_eq!(line.as_str(), "\"a é \u{1f6d1}\"");
}

#[test]
fn word_with_special_characters_is_quoted() {
    for plain in ["flush", "a-b_c.d/e:f", "%&'*"] {
        let mut line = TextBuffer::<32>::new();
        line.word(plain);
        assert_eq!(line.as_str(), plain);
    }
    for other in ["", "a b", "a,b", "a;b", "(a", "a)", "é"] {
        let mut line = TextBuffer::<32>::new();
        line.word(other);
        assert_eq!(line.as_str(), format!("\"{other}\""));
    }
    let mut line = TextBuffer::<32>::new();
    line.word("a\"b\\c");
    assert_eq!(line.as_str(), r#""a\"b\\c""#);
}
