//! Text in a fixed buffer, without an allocator or `core::fmt`.
//!
//! `core::fmt` would run the application's `Display` code, and contains panics.
//! A report needs little: words, numbers, times, and escaped names.

use core::ffi::c_int;
use core::ops::{Deref, DerefMut};
use core::time::Duration;

use crate::escape::EscapedChar;

/// Up to as many bytes of UTF-8 as `bytes` has, written from left to right: a
/// [`TextBuffer`], which has its bytes in place, or a [`TextSlice`], through which it is
/// written.
///
/// Text that does not fit is cut at a character boundary, and everything after
/// it is left out too: see [`is_full`](TextSlice::is_full).
#[derive(Clone, Debug)]
pub struct Buffer<B: ?Sized> {
    len: usize,
    is_full: bool,
    bytes: B,
}

/// A text of up to `N` bytes.
pub type TextBuffer<const N: usize> = Buffer<[u8; N]>;

/// A [`TextBuffer`] of any size. What writes to it is compiled once, and not for each size.
pub type TextSlice = Buffer<[u8]>;

impl<const N: usize> Default for TextBuffer<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const N: usize> TextBuffer<N> {
    /// Creates an empty buffer.
    pub const fn new() -> Self {
        Self {
            len: 0,
            is_full: false,
            bytes: [0; N],
        }
    }
}

impl<const N: usize> Deref for TextBuffer<N> {
    type Target = TextSlice;

    fn deref(&self) -> &TextSlice {
        self
    }
}

impl<const N: usize> DerefMut for TextBuffer<N> {
    fn deref_mut(&mut self) -> &mut TextSlice {
        self
    }
}

impl TextSlice {
    /// Returns the text as bytes.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or(&[])
    }

    /// Returns the text.
    #[inline(never)] // Not a check of UTF-8 in each function of a report.
    pub fn as_str(&self) -> &str {
        core::str::from_utf8(self.as_bytes()).unwrap_or("")
    }

    /// Returns the number of bytes that fit in all.
    pub const fn capacity(&self) -> usize {
        self.bytes.len()
    }

    /// Makes the buffer empty.
    pub fn clear(&mut self) {
        self.len = 0;
        self.is_full = false;
    }

    /// Returns `true` if something did not fit.
    pub fn is_full(&self) -> bool {
        self.is_full
    }

    /// Removes whole lines from the end until `last` fits after them, and adds
    /// `last`.
    pub fn end_with(&mut self, last: &str) {
        let capacity = self.bytes.len().saturating_sub(last.len());
        let kept = self.as_bytes();
        let kept = kept.get(..capacity).unwrap_or(kept);
        let end = kept.iter().rposition(|byte| *byte == b'\n');
        self.len = end.map_or(0, |end| end.saturating_add(1));
        self.is_full = false;
        self.text(last);
        self.is_full = true;
    }

    /// Makes one line of all, with one line end. For JSON, in which line ends
    /// between values are spaces.
    pub fn join_lines(&mut self) {
        for byte in self.bytes.iter_mut().take(self.len) {
            if *byte == b'\n' {
                *byte = b' ';
            }
        }
        if let Some(last) = self.bytes.get_mut(..self.len).and_then(<[u8]>::last_mut) {
            *last = b'\n';
        }
    }

    /// Adds `text` as it is.
    #[inline(never)] // A report is made of calls like this.
    pub fn text(&mut self, text: &str) -> &mut Self {
        if self.is_full {
            return self;
        }
        let whole = text;
        let text = truncate(whole, self.bytes.len().saturating_sub(self.len));
        self.is_full = text.len() < whole.len();
        let end = self.len.saturating_add(text.len());
        if let Some(free) = self.bytes.get_mut(self.len..end) {
            for (to, from) in free.iter_mut().zip(text.bytes()) {
                *to = from;
            }
            self.len = end;
        }
        self
    }

    /// Adds `name` in double quotes, [escaped](crate::escape), so that no name
    /// can end a line or move a terminal's cursor.
    #[inline(never)]
    pub fn quoted(&mut self, name: &str) -> &mut Self {
        self.text("\"").escaped(name).text("\"")
    }

    /// Adds `name` as [`quoted`](Self::quoted) does, without the quotes
    /// around it.
    #[inline(never)]
    pub fn escaped(&mut self, name: &str) -> &mut Self {
        for c in name.chars() {
            self.text(EscapedChar::rust(c).as_str());
        }
        self
    }

    /// Adds `word` as it is if it is plain: ASCII without spaces, quotes,
    /// backslashes, commas, semicolons and parentheses. Otherwise adds it as
    /// [`quoted`](Self::quoted) does.
    #[inline(never)]
    pub fn word(&mut self, word: &str) -> &mut Self {
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\,;()".contains(&byte);
        match !word.is_empty() && word.bytes().all(is_plain) {
            true => self.text(word),
            false => self.quoted(word),
        }
    }

    /// Adds `text` as a string of JSON, quotes included.
    #[inline(never)]
    pub fn json(&mut self, text: &str) -> &mut Self {
        self.text("\"");
        for c in text.chars() {
            self.text(EscapedChar::json(c).as_str());
        }
        self.text("\"")
    }

    /// Adds `n` in decimal.
    #[inline(never)]
    pub fn number(&mut self, n: u64) -> &mut Self {
        self.digits(n, 10)
    }

    /// Adds an `int` of the system that is never negative: an id, a descriptor, an error number.
    #[inline(never)]
    pub fn int(&mut self, n: c_int) -> &mut Self {
        self.number(u64::try_from(n).unwrap_or(0))
    }

    /// Adds a length of time in seconds, to the nearest tenth: `9.2 s`.
    #[inline(never)]
    pub fn seconds(&mut self, length: Duration) -> &mut Self {
        self.seconds_at_least(length.saturating_add(Duration::from_millis(50)))
    }

    /// Adds a length of time in seconds, rounded down to tenths: `9.2 s`.
    #[inline(never)]
    pub fn seconds_at_least(&mut self, length: Duration) -> &mut Self {
        self.number(length.as_secs())
            .text(".")
            .number(u64::from(length.subsec_millis().wrapping_div(100)))
            .text(" s")
    }

    /// Adds a length of time as a number of seconds, rounded down to
    /// milliseconds: `9.204`.
    #[inline(never)]
    pub fn decimal_seconds(&mut self, length: Duration) -> &mut Self {
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
    #[inline(never)]
    pub fn hex(&mut self, n: u64) -> &mut Self {
        self.digits(n, 16)
    }

    #[inline(never)]
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
        match core::str::from_utf8(digits.unwrap_or(&[])) {
            Ok(digits) => self.text(digits),
            Err(_) => self,
        }
    }
}

/// Returns the longest beginning of `text` that has at most `len` bytes and
/// ends at a character boundary.
#[inline]
pub(crate) fn truncate(text: &str, len: usize) -> &str {
    match text.len() <= len {
        true => text,
        false => cut(text, len),
    }
}

/// Does that for a longer text.
#[cold]
#[inline(never)] // Few texts are longer.
fn cut(text: &str, len: usize) -> &str {
    let mut heads = (0..=len).rev().map(|end| text.get(..end));
    heads.find_map(|head| head).unwrap_or("")
}
