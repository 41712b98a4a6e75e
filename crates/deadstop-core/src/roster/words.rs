//! The bytes of a short text, eight in a word.
//!
//! # Orderings
//!
//! The words are `Relaxed`: the owner of the text orders them. A reader that comes during a
//! write gets a torn text, which is never undefined, and which the owner lets it discard.

use crate::atomic::{AtomicU32, AtomicU64, Ordering};
use crate::buffer::truncate;

/// Bytes of a word.
const BYTES: usize = 8;

/// Returns how many words hold `bytes` bytes.
pub const fn words(bytes: usize) -> usize {
    bytes.div_ceil(BYTES)
}

/// Up to `WORDS` words of UTF-8. One thread at a time writes it.
#[derive(Debug)]
pub(super) struct Words<const WORDS: usize> {
    words: [AtomicU64; WORDS],
    len: AtomicU32,
}

impl<const WORDS: usize> Words<WORDS> {
    /// Creates an empty text.
    pub(super) const fn empty() -> Self {
        Self {
            words: [const { AtomicU64::new(0) }; WORDS],
            len: AtomicU32::new(0),
        }
    }

    /// Replaces the text, cut at the last character that fits.
    pub(super) fn write(&self, text: &str) {
        let text = truncate(text, WORDS.saturating_mul(BYTES));
        for (word, bytes) in self.words.iter().zip(text.as_bytes().chunks(BYTES)) {
            let bytes = match bytes.first_chunk() {
                Some(whole) => *whole,
                None => padded(bytes),
            };
            word.store(u64::from_ne_bytes(bytes), Ordering::Relaxed);
        }
        self.len.store(text.len() as u32, Ordering::Relaxed);
    }

    /// Makes the text empty.
    pub(super) fn clear(&self) {
        self.len.store(0, Ordering::Relaxed);
    }

    /// Copies the bytes into `buffer`, which should have room for all, and returns the
    /// length of the text.
    pub(super) fn copy(&self, buffer: &mut [u8]) -> usize {
        copy_words(buffer, &self.words);
        self.len.load(Ordering::Relaxed) as usize
    }

    /// Copies the text into `buffer`. `None` if it is torn so that it is no text.
    pub(super) fn read<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a str> {
        let len = self.copy(buffer);
        core::str::from_utf8(buffer.get(..len)?).ok()
    }
}

#[inline(never)] // Once for texts of all lengths.
fn copy_words(buffer: &mut [u8], words: &[AtomicU64]) {
    for (to, word) in buffer.chunks_mut(BYTES).zip(words) {
        let bytes = word.load(Ordering::Relaxed).to_ne_bytes();
        for (to, from) in to.iter_mut().zip(&bytes) {
            *to = *from;
        }
    }
}

/// Fewer bytes than a word has, and zeros.
#[inline]
fn padded(bytes: &[u8]) -> [u8; BYTES] {
    let mut word = [0; BYTES];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    word
}
