//! A short text that one thread writes while another reads it.
//!
//! The reader may run at any point of a write, and the writer may never finish.
//! Neither waits for the other: a reader that sees an unfinished text returns
//! none.
//!
//! # Orderings
//!
//! A sequence lock. The writer makes the count odd (`Acquire`, so that no word
//! is written before it; the `Release` fence makes a reader that sees one of the
//! words see the count too) and even again (`Release`). The reader reads the
//! count (`Acquire`), the words, and after an `Acquire` fence the count again: if
//! it saw a word of a later text, it sees the later count too. The words are
//! `Relaxed` atomics, so a torn read is a wrong text, is never undefined, and is
//! discarded.

use super::words::Words;
use crate::atomic::{AtomicU32, Ordering, fence};
use crate::sizes::READ_ATTEMPTS;

/// Up to `WORDS` words of UTF-8, eight bytes each; see [`words`](fn@super::words).
#[derive(Debug)]
pub struct Text<const WORDS: usize> {
    count: AtomicU32,
    words: Words<WORDS>,
}

impl<const WORDS: usize> Text<WORDS> {
    /// Creates an empty text.
    pub const fn empty() -> Self {
        Self {
            count: AtomicU32::new(0),
            words: Words::empty(),
        }
    }

    /// Replaces the text, cut at the last character that fits. If another
    /// thread is writing at this moment, that thread's text stands and this one
    /// is lost.
    ///
    /// Allocates nothing and waits for no other thread.
    pub fn write(&self, text: &str) {
        let count = self.count.load(Ordering::Relaxed) & !1;
        let odd = count.wrapping_add(1);
        let claimed = self
            .count
            .compare_exchange(count, odd, Ordering::Acquire, Ordering::Relaxed);
        if claimed.is_err() {
            return;
        }
        fence(Ordering::Release);
        self.words.write(text);
        self.count.store(odd.wrapping_add(1), Ordering::Release);
    }

    /// Makes the text empty. No thread may be writing; one may be reading.
    pub(super) fn clear(&self) {
        self.words.clear();
    }

    /// Makes the text empty in a child of `fork`, where a write may never finish.
    /// No other thread may use it.
    pub fn reset_after_fork(&self) {
        self.words.clear();
        self.count.store(0, Ordering::Release);
    }

    /// Copies the text into `buffer`, which has room for all of it. `None` if other threads
    /// were writing during every attempt.
    pub fn read<'a>(&self, buffer: &'a mut [u8]) -> Option<&'a str> {
        let mut tries = 0_u32;
        let len = loop {
            let before = self.count.load(Ordering::Acquire);
            let len = self.words.copy(buffer);
            fence(Ordering::Acquire);
            if before & 1 == 0 && before == self.count.load(Ordering::Relaxed) {
                break len;
            }
            tries = tries.wrapping_add(1);
            if tries == READ_ATTEMPTS {
                return None;
            }
            core::hint::spin_loop();
        };
        core::str::from_utf8(buffer.get(..len)?).ok()
    }
}
