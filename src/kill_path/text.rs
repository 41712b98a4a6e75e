//! A short text that one thread writes while another reads it.
//!
//! The reader may run at any point of the writing, and the writer may never
//! get to finish, so neither waits for the other: a reader that sees a text
//! being written says that it has none.
//!
//! # Orderings
//!
//! A sequence lock. The writer makes the count odd (`Acquire`, so that no byte
//! is written before it; the `Release` fence keeps the count ahead of the bytes
//! for whoever sees one of them) and even again (`Release`). The reader reads
//! the count (`Acquire`), the bytes, and behind an `Acquire` fence the count
//! again: if it saw a byte of a later text, it sees the later count too. The
//! bytes themselves are atomics, `Relaxed`, so that a torn read is a wrong text
//! and never undefined, and is thrown away.

use ::core::iter::Iterator;
use ::core::option::Option::{self, None, Some};

use super::atomic::{AtomicU8, AtomicU32, Ordering, fence};
use super::sizes::TRIES;

/// Up to `N` bytes of UTF-8.
pub(crate) struct Text<const N: usize> {
    count: AtomicU32,
    bytes: [AtomicU8; N],
    len: AtomicU32,
}

impl<const N: usize> Text<N> {
    pub(crate) const fn empty() -> Self {
        Self {
            count: AtomicU32::new(0),
            bytes: [const { AtomicU8::new(0) }; N],
            len: AtomicU32::new(0),
        }
    }

    /// Replaces the text, cut at the last character that fits. If another
    /// thread is writing at this moment, its text stands and this one is lost.
    ///
    /// Allocates nothing and waits for nobody.
    pub(crate) fn write(&self, text: &str) {
        let count = self.count.load(Ordering::Relaxed) & !1;
        let odd = count.wrapping_add(1);
        let mine = self
            .count
            .compare_exchange(count, odd, Ordering::Acquire, Ordering::Relaxed);
        if mine.is_err() {
            return;
        }
        fence(Ordering::Release);
        let text = head(text, N);
        for (to, from) in self.bytes.iter().zip(text.bytes()) {
            to.store(from, Ordering::Relaxed);
        }
        self.len.store(text.len() as u32, Ordering::Relaxed);
        self.count.store(odd.wrapping_add(1), Ordering::Release);
    }

    /// Makes it empty, whoever was writing it. Nobody else may be at it.
    pub(crate) fn forget(&self) {
        self.len.store(0, Ordering::Relaxed);
        self.count.store(0, Ordering::Release);
    }

    /// Copies the text into `buffer`. `None` if it kept being written.
    pub(crate) fn read<'a>(&self, buffer: &'a mut [u8; N]) -> Option<&'a str> {
        let mut tries = 0_u32;
        let len = loop {
            let before = self.count.load(Ordering::Acquire);
            for (to, from) in buffer.iter_mut().zip(&self.bytes) {
                *to = from.load(Ordering::Relaxed);
            }
            let len = self.len.load(Ordering::Relaxed);
            fence(Ordering::Acquire);
            if before & 1 == 0 && before == self.count.load(Ordering::Relaxed) {
                break len as usize;
            }
            tries = tries.wrapping_add(1);
            if tries == TRIES {
                return None;
            }
            ::core::hint::spin_loop();
        };
        ::core::str::from_utf8(buffer.get(..len)?).ok()
    }
}

/// The longest beginning of `text` that has at most `len` bytes and ends with a
/// whole character.
pub(super) fn head(text: &str, len: usize) -> &str {
    let mut end = len;
    loop {
        if let Some(head) = text.get(..end) {
            return head;
        }
        if text.len() <= end {
            return text;
        }
        end = end.saturating_sub(1);
    }
}
