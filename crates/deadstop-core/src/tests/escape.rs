//! Escaping of characters.

use proptest::prelude::*;

use crate::buffer::TextBuffer;
use crate::escape::{Escaped, EscapedChar, is_unsafe};

/// Characters that forge lines, reorder text or are invisible, of each kind.
const UNSAFE: [char; 12] = [
    '\0',
    '\n',
    '\u{1b}',
    '\u{7f}',
    '\u{85}',
    '\u{ad}',
    '\u{200b}',
    '\u{2028}',
    '\u{2029}',
    '\u{202e}',
    '\u{feff}',
    '\u{e0041}',
];

#[test]
fn control_format_and_separator_characters_are_unsafe() {
    for c in UNSAFE {
        assert!(is_unsafe(c), "{c:?}");
    }
    for c in [
        'a', ' ', '"', '\\', 'é', '\u{a0}', '\u{2010}', '\u{fffd}', '🛑',
    ] {
        assert!(!is_unsafe(c), "{c:?}");
    }
    // Every control character that the standard library knows.
    assert!(('\0'..=char::MAX).filter(|c| c.is_control()).all(is_unsafe));
}

#[test]
fn text_buffer_and_display_escape_the_same_characters() {
    for c in UNSAFE {
        let mut buffer = TextBuffer::<32>::new();
        buffer.escaped(c.encode_utf8(&mut [0; 4]));
        assert!(buffer.as_str().starts_with('\\'), "{c:?}");
        assert_eq!(buffer.as_str(), Escaped(&c.to_string()).to_string());
    }
}

#[test]
fn quotes_and_backslashes_are_escaped_only_in_quotes() {
    assert_eq!(Escaped("a \"b\" \\c").to_string(), "a \"b\" \\c");
    assert_eq!(EscapedChar::rust('"').as_str(), "\\\"");
    assert_eq!(EscapedChar::rust('\\').as_str(), "\\\\");
}

#[test]
fn json_escape_beyond_16_bits_is_a_surrogate_pair() {
    assert_eq!(EscapedChar::json('\u{e0041}').as_str(), "\\udb40\\udc41");
    assert_eq!(EscapedChar::json('\u{202e}').as_str(), "\\u202e");
    assert_eq!(EscapedChar::json('🛑').as_str(), "🛑");
}

proptest! {
    #[test]
    fn escaped_text_has_no_unsafe_character(text: String) {
        let escaped = Escaped(&text).to_string();
        prop_assert!(!escaped.contains(is_unsafe));
        let mut buffer = TextBuffer::<4096>::new();
        buffer.quoted(&text).json(&text);
        prop_assert!(!buffer.as_str().contains(is_unsafe));
    }

    #[test]
    fn json_string_reads_back_as_the_text(text: String) {
        let mut buffer = TextBuffer::<8192>::new();
        buffer.json(&text);
        // `\u` escapes only: Rust's own unescaping of UTF-16 does.
        let inner = buffer.as_str().strip_prefix('"').unwrap().strip_suffix('"').unwrap();
        let mut units: Vec<u16> = Vec::new();
        let mut chars = inner.chars();
        while let Some(c) = chars.next() {
            match c {
                '\\' => match chars.next().unwrap() {
                    'u' => {
                        let hex: String = chars.by_ref().take(4).collect();
                        units.push(u16::from_str_radix(&hex, 16).unwrap());
                    }
                    c => units.push(c as u16),
                },
                c => units.extend(c.encode_utf16(&mut [0; 2]).iter()),
            }
        }
        prop_assert_eq!(String::from_utf16(&units).unwrap(), text);
    }
}
