//! A text of one byte: that longer ones are read whole is a model of its own.

use super::words::Words;

#[derive(Debug)]
pub(crate) struct Text<const WORDS: usize>(Words<WORDS>);

impl<const WORDS: usize> Text<WORDS> {
    pub(crate) const fn empty() -> Self {
        Self(Words::empty())
    }

    pub(crate) fn write(&self, text: &str) {
        self.0.write(text);
    }

    pub(crate) fn clear(&self) {
        self.0.clear();
    }

    pub(crate) fn reset_after_fork(&self) {
        self.0.clear();
    }

    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a str> {
        self.0.read(buffer)
    }
}
