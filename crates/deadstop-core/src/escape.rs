//! Escapes for text from outside the library, for every line on every sink.
//!
//! A task's name, an error's text or a file's path can hold characters that
//! forge a line of a log, move a terminal's cursor, or reorder what a reader
//! sees. [`is_unsafe`] is the one definition of these characters; the buffer's
//! quoting, the JSON report and [`Escaped`] all use it.

use core::fmt::{self, Display, Write};

/// Returns `true` if `c` must not be written as it is: a control character
/// (Unicode category Cc), an invisible format character such as a zero-width
/// space or a bidirectional override (Cf), or a line or paragraph separator
/// (Zl, Zp).
pub const fn is_unsafe(c: char) -> bool {
    matches!(c,
        '\0'..='\u{1f}' | '\u{7f}'..='\u{9f}'
        | '\u{ad}' | '\u{600}'..='\u{605}' | '\u{61c}' | '\u{6dd}' | '\u{70f}'
        | '\u{890}' | '\u{891}' | '\u{8e2}' | '\u{180e}'
        | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
        | '\u{feff}' | '\u{fff9}'..='\u{fffb}'
        | '\u{110bd}' | '\u{110cd}' | '\u{13430}'..='\u{1343f}'
        | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
        | '\u{e0001}' | '\u{e0020}'..='\u{e007f}')
}

/// A character, escaped if that is needed.
///
/// It needs no allocator, and may be used in a signal handler.
#[derive(Clone, Copy, Debug)]
pub struct EscapedChar {
    /// The longest are `\u{e007f}` and, in JSON, `\udb40\udc7f`.
    bytes: [u8; 12],
    len: u8,
}

impl EscapedChar {
    /// Escapes `c` as Rust's string literals do: `\n`, `\"`, `\u{202e}`.
    pub const fn rust(c: char) -> Self {
        match c {
            '"' => Self::short(b'"'),
            '\\' => Self::short(b'\\'),
            _ => Self::unquoted(c),
        }
    }

    /// Escapes `c` as [`rust`](Self::rust) does, except that quotes and
    /// backslashes stand for themselves.
    pub const fn unquoted(c: char) -> Self {
        match c {
            '\n' => Self::short(b'n'),
            '\r' => Self::short(b'r'),
            '\t' => Self::short(b't'),
            c if is_unsafe(c) => Self::empty().push(b"\\u{").hex(c as u32, 1).push(b"}"),
            c => Self::itself(c),
        }
    }

    /// Escapes `c` as a string of JSON must or may: `\"`, `\u202e`.
    pub const fn json(c: char) -> Self {
        let code = c as u32;
        match c {
            '"' => Self::short(b'"'),
            '\\' => Self::short(b'\\'),
            c if !is_unsafe(c) => Self::itself(c),
            '\0'..='\u{ffff}' => Self::empty().push(b"\\u").hex(code, 4),
            _ => {
                let beyond = code.wrapping_sub(0x1_0000);
                let high = 0xd800 | beyond.wrapping_shr(10);
                let low = 0xdc00 | beyond & 0x3ff;
                let high = Self::empty().push(b"\\u").hex(high, 4);
                high.push(b"\\u").hex(low, 4)
            }
        }
    }

    /// Returns the text to write.
    pub fn as_str(&self) -> &str {
        let bytes = self.bytes.get(..usize::from(self.len)).unwrap_or(&[]);
        core::str::from_utf8(bytes).unwrap_or("")
    }

    const fn empty() -> Self {
        Self {
            bytes: [0; 12],
            len: 0,
        }
    }

    /// A backslash and one letter.
    const fn short(letter: u8) -> Self {
        Self::empty().push(&[b'\\', letter])
    }

    const fn itself(c: char) -> Self {
        let mut bytes = [0; 4];
        let len = c.encode_utf8(&mut bytes).len();
        match bytes.split_at_checked(len) {
            Some((bytes, _)) => Self::empty().push(bytes),
            None => Self::empty(),
        }
    }

    #[inline(never)] // Not for each digit.
    const fn push(mut self, bytes: &[u8]) -> Self {
        let mut rest = bytes;
        while let Some((byte, others)) = rest.split_first() {
            if let Some((_, room)) = self.bytes.split_at_mut_checked(self.len as usize) {
                if let Some(slot) = room.first_mut() {
                    *slot = *byte;
                    self.len = self.len.wrapping_add(1);
                }
            }
            rest = others;
        }
        self
    }

    /// Adds `n` in hexadecimal, with at least `width` digits.
    const fn hex(mut self, n: u32, width: u32) -> Self {
        let mut place = 8_u32;
        let mut has_begun = false;
        while place > 0 {
            place = place.wrapping_sub(1);
            let digit = (n.wrapping_shr(place.wrapping_mul(4)) & 0xf) as u8;
            has_begun = has_begun || digit != 0 || place < width;
            if has_begun {
                self = self.push(&[match digit {
                    0..=9 => b'0'.wrapping_add(digit),
                    _ => b'a'.wrapping_add(digit.wrapping_sub(10)),
                }]);
            }
        }
        self
    }
}

/// Displays a text with its unsafe characters escaped, so that it stays within
/// its line: `{}` leaves quotes and backslashes as they are.
///
/// For formatting outside the kill path, which does not use `core::fmt`.
///
/// # Examples
///
/// ```
/// use deadstop_core::escape::Escaped;
///
/// assert_eq!(Escaped("one\ntwo").to_string(), r"one\ntwo");
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Escaped<'a>(pub &'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match is_unsafe(c) {
                true => f.write_str(EscapedChar::unquoted(c).as_str())?,
                false => f.write_char(c)?,
            }
        }
        Ok(())
    }
}
