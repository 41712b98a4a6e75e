//! A text of one byte: that longer ones are read whole is a model of its own.

use crate::atomic::{AtomicU8, Ordering};

#[derive(Debug)]
pub(crate) struct Text<const N: usize>(AtomicU8);

impl<const N: usize> Text<N> {
    pub(crate) const fn empty() -> Self {
        Self(AtomicU8::new(b' '))
    }

    pub(crate) fn write(&self, text: &str) {
        let byte = text.bytes().next();
        self.0.store(byte.unwrap_or(b' '), Ordering::Relaxed);
    }

    pub(crate) fn reset_after_fork(&self) {
        self.write("");
    }

    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8; N]) -> Option<&'a str> {
        buffer[0] = self.0.load(Ordering::Relaxed);
        std::str::from_utf8(buffer).ok()
    }
}
