//! The bytes of a text of one byte.

use crate::atomic::{AtomicU8, Ordering};

pub(crate) const fn words(bytes: usize) -> usize {
    bytes
}

#[derive(Debug)]
pub(crate) struct Words<const WORDS: usize>(AtomicU8);

impl<const WORDS: usize> Words<WORDS> {
    pub(crate) const fn empty() -> Self {
        Self(AtomicU8::new(b' '))
    }

    pub(crate) fn write(&self, text: &str) {
        let byte = text.bytes().next();
        self.0.store(byte.unwrap_or(b' '), Ordering::Relaxed);
    }

    pub(crate) fn clear(&self) {
        self.write("");
    }

    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a str> {
        buffer[0] = self.0.load(Ordering::Relaxed);
        std::str::from_utf8(buffer).ok()
    }
}
