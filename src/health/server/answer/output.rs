//! An answer in a fixed buffer: text that does not fit is cut, and nothing allocates.

use std::fmt::{self, Write};
use std::time::Duration;

/// Bytes kept free before the body, for the head: its length depends on the body's.
const HEAD: usize = 512;

/// Bytes of a buffer that answers to probes use: those pages are touched at start.
const OFTEN_USED: usize = 8 * 1024;

/// An answer: the body is written first, and the head then before it.
pub(crate) struct Output {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
    is_full: bool,
}

impl Output {
    /// Makes a buffer for a body of up to `len` bytes.
    pub(crate) fn with_capacity(len: usize) -> Self {
        // Zeroed pages that are not used cost no memory.
        let mut bytes = vec![0; HEAD + len].into_boxed_slice();
        for byte in bytes.iter_mut().take(OFTEN_USED).step_by(1024) {
            // A zero would be optimized away.
            *byte = std::hint::black_box(0);
        }
        Self {
            bytes,
            start: HEAD,
            end: HEAD,
            is_full: false,
        }
    }

    /// Makes the buffer empty.
    pub(crate) fn clear(&mut self) {
        self.start = HEAD;
        self.end = HEAD;
        self.is_full = false;
    }

    /// Adds bytes as they are; as many as fit.
    pub(crate) fn push(&mut self, bytes: &[u8]) {
        let free = self.bytes.len() - self.end;
        let taken = bytes.len().min(free);
        self.is_full |= taken < bytes.len();
        self.bytes[self.end..self.end + taken].copy_from_slice(&bytes[..taken]);
        self.end += taken;
    }

    /// Adds text. After a text that did not fit, nothing is added.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        if !self.is_full {
            self.push(text.as_bytes());
        }
        self
    }

    /// Adds formatted text. Only numbers and texts may be formatted: they neither allocate
    /// nor panic.
    pub(crate) fn add(&mut self, text: fmt::Arguments<'_>) -> &mut Self {
        // Writing into a full buffer is no error.
        let _ = self.write_fmt(text);
        self
    }

    /// Adds a length of time in seconds, with milliseconds: `9.204`.
    pub(crate) fn seconds(&mut self, length: Duration) -> &mut Self {
        self.add(format_args!(
            "{}.{:03}",
            length.as_secs(),
            length.subsec_millis()
        ))
    }

    /// Adds a name on a line of text: what could end the line is replaced.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        for c in name.chars() {
            let _ = self.write_char(if c.is_control() { '\u{fffd}' } else { c });
        }
        self
    }

    /// Cuts the body back to `len` bytes.
    pub(crate) fn truncate(&mut self, len: usize) {
        self.end = self.end.min(HEAD + len);
        self.is_full = false;
    }

    pub(crate) fn body_len(&self) -> usize {
        self.end - HEAD
    }

    /// Returns the number of bytes that still fit.
    pub(crate) fn free(&self) -> usize {
        match self.is_full {
            true => 0,
            false => self.bytes.len() - self.end,
        }
    }

    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// Puts the head before the body, and drops the body if there must be none.
    pub(crate) fn finish(&mut self, head: &[u8], has_body: bool) {
        let head = &head[..head.len().min(HEAD)];
        self.start = HEAD - head.len();
        self.bytes[self.start..HEAD].copy_from_slice(head);
        if !has_body {
            self.end = HEAD;
        }
    }

    /// Returns the whole answer.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    #[cfg(test)]
    pub(crate) fn body(&self) -> &str {
        std::str::from_utf8(&self.bytes[HEAD..self.end]).expect("it is text")
    }
}

impl Write for Output {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.text(text);
        Ok(())
    }
}

/// A head in a buffer of its own.
pub(crate) struct Head {
    bytes: [u8; HEAD],
    len: usize,
}

impl Head {
    pub(crate) const fn new() -> Self {
        Self {
            bytes: [0; HEAD],
            len: 0,
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

impl Write for Head {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let free = &mut self.bytes[self.len..];
        let taken = text.len().min(free.len());
        free[..taken].copy_from_slice(&text.as_bytes()[..taken]);
        self.len += taken;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn head_stands_before_the_body() {
        let mut out = Output::with_capacity(100);
        out.text("body");
        out.finish(b"head ", true);
        assert_eq!(out.bytes(), b"head body");
        out.finish(b"head ", false);
        assert_eq!(out.bytes(), b"head ");
    }

    #[test]
    fn text_that_does_not_fit_is_cut_and_nothing_follows_it() {
        let mut out = Output::with_capacity(4);
        out.text("abcdef").text("g");
        assert_eq!(out.body(), "abcd");
        assert!(out.is_full());
        out.clear();
        assert_eq!((out.body(), out.is_full()), ("", false));
    }

    #[test]
    fn name_stays_on_its_line() {
        let mut out = Output::with_capacity(100);
        out.name("a\nb\u{1b}[2J");
        assert_eq!(out.body(), "a\u{fffd}b\u{fffd}[2J");
    }
}
