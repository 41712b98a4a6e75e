//! Text in a fixed buffer, without an allocator or `core::fmt`.
//!
//! `core::fmt` would run `Display` code that is not ours, and carries a panic
//! with it. What a report needs is little: words, numbers, times, and names
//! made harmless.

use ::core::convert::From;
use ::core::iter::Iterator;
use ::core::option::Option::Some;
use ::core::time::Duration;

use super::text::head;

/// Up to `N` bytes of UTF-8, written from left to right. What does not fit is
/// left out, whole characters at a time, and with it all that follows.
#[derive(::core::clone::Clone)]
pub(crate) struct Line<const N: usize> {
    bytes: [u8; N],
    len: usize,
    is_full: bool,
}

impl<const N: usize> Line<N> {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; N],
            len: 0,
            is_full: false,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// What it says.
    pub(crate) fn as_str(&self) -> &str {
        ::core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
        self.is_full = false;
    }

    /// Whether something did not fit.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Takes off whole lines from the end until `last` fits behind them, and
    /// adds that.
    pub(crate) fn end_with(&mut self, last: &str) {
        let room = N.saturating_sub(last.len());
        let kept = self.as_bytes();
        let kept = kept.get(..room).unwrap_or(kept);
        let end = kept.iter().rposition(|byte| *byte == b'\n');
        self.len = end.map_or(0, |end| end.saturating_add(1));
        self.is_full = false;
        self.text(last);
        self.is_full = true;
    }

    /// Adds `text` as it is.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        if self.is_full {
            return self;
        }
        let whole = text;
        let text = head(whole, N.saturating_sub(self.len));
        self.is_full = text.len() < whole.len();
        let end = self.len.saturating_add(text.len());
        if let Some(room) = self.bytes.get_mut(self.len..end) {
            room.copy_from_slice(text.as_bytes());
            self.len = end;
        }
        self
    }

    /// Adds `name` in double quotes. Quotes, backslashes and control characters
    /// are written as Rust writes them in a string, so that no name can end a
    /// line or move a terminal's cursor.
    pub(crate) fn quoted(&mut self, name: &str) -> &mut Self {
        self.text("\"").escaped(name).text("\"")
    }

    /// Adds `name` as [`quoted`](Self::quoted) does, without the quotes
    /// around it.
    pub(crate) fn escaped(&mut self, name: &str) -> &mut Self {
        for c in name.chars() {
            match c {
                '"' => self.text("\\\""),
                '\\' => self.text("\\\\"),
                '\n' => self.text("\\n"),
                '\r' => self.text("\\r"),
                '\t' => self.text("\\t"),
                c if c.is_control() => self.text("\\u{").hex(u64::from(c as u32)).text("}"),
                c => self.text(c.encode_utf8(&mut [0; 4])),
            };
        }
        self
    }

    /// Adds `word` as it is, if it is plain: without spaces, commas and what
    /// else a reader might take for the end of it. Otherwise as
    /// [`quoted`](Self::quoted).
    pub(crate) fn word(&mut self, word: &str) -> &mut Self {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,;()".contains(&byte);
        match !word.is_empty() && word.bytes().all(is_plain) {
            true => self.text(word),
            false => self.quoted(word),
        }
    }

    /// Adds `text` as a string of JSON, quotes included.
    pub(crate) fn json(&mut self, text: &str) -> &mut Self {
        self.text("\"");
        for c in text.chars() {
            match c {
                '"' => self.text("\\\""),
                '\\' => self.text("\\\\"),
                // All control characters are below U+10000.
                c if c.is_control() => self.text("\\u").padded_hex(c as u32),
                c => self.text(c.encode_utf8(&mut [0; 4])),
            };
        }
        self.text("\"")
    }

    /// Adds `n` in decimal.
    pub(crate) fn number(&mut self, n: u64) -> &mut Self {
        self.digits(n, 10)
    }

    /// Adds a length of time in seconds, to the nearest tenth: `9.2 s`.
    pub(crate) fn seconds(&mut self, length: Duration) -> &mut Self {
        self.seconds_at_least(length.saturating_add(Duration::from_millis(50)))
    }

    /// Adds a length of time in seconds, in whole tenths that it has: `9.2 s`.
    pub(crate) fn seconds_at_least(&mut self, length: Duration) -> &mut Self {
        self.number(length.as_secs())
            .text(".")
            .number(u64::from(length.subsec_millis().wrapping_div(100)))
            .text(" s")
    }

    /// Adds a length of time as a number of seconds, down to milliseconds:
    /// `9.204`.
    pub(crate) fn decimal_seconds(&mut self, length: Duration) -> &mut Self {
        let millis = u64::from(length.subsec_millis());
        self.number(length.as_secs()).text(".");
        for place in [100, 10] {
            if millis < place {
                self.text("0");
            }
        }
        self.number(millis)
    }

    /// Adds `n` in hexadecimal, without a prefix.
    pub(crate) fn hex(&mut self, n: u64) -> &mut Self {
        self.digits(n, 16)
    }

    /// Adds `n`, which is below 2^16, in four hexadecimal digits.
    fn padded_hex(&mut self, n: u32) -> &mut Self {
        for place in [0x1000, 0x100, 0x10] {
            if n < place {
                self.text("0");
            }
        }
        self.hex(u64::from(n))
    }

    fn digits(&mut self, n: u64, base: u64) -> &mut Self {
        let mut buffer = [0_u8; 20];
        let mut rest = n;
        let mut used = 0_usize;
        for place in buffer.iter_mut().rev() {
            let digit = rest.checked_rem(base).unwrap_or(0) as u8;
            *place = match digit {
                0..=9 => b'0'.wrapping_add(digit),
                _ => b'a'.wrapping_add(digit.wrapping_sub(10)),
            };
            used = used.wrapping_add(1);
            rest = rest.checked_div(base).unwrap_or(0);
            if rest == 0 {
                break;
            }
        }
        let digits = buffer.get(buffer.len().saturating_sub(used)..);
        match ::core::str::from_utf8(digits.unwrap_or(&[])) {
            ::core::result::Result::Ok(digits) => self.text(digits),
            ::core::result::Result::Err(_) => self,
        }
    }
}
