//! Labels that the application gives to its threads, such as `GET /report`.
//!
//! # Orderings
//!
//! A slot's `tid` is claimed by an exchange and released by a store; the text is a
//! sequence lock of its own. A slot may go to another thread while it is read: a
//! reader that sees a word of that thread's text sees its `tid` too, after an
//! `Acquire` fence, since the writer has claimed the slot before a `Release` fence.

use core::ffi::c_int;

use super::text::Text;
use super::words::words;
use crate::atomic::{AtomicI32, AtomicU32, Ordering, fence};
use crate::sizes::{LABEL_LEN, MAX_LABELS};

/// The labels of threads.
#[derive(Debug)]
pub struct Labels {
    slots: [Slot; MAX_LABELS],
    /// Counts the labels, so that the latest of a thread is known.
    count: AtomicU32,
}

#[derive(Debug)]
struct Slot {
    /// The thread, or 0.
    tid: AtomicI32,
    number: AtomicU32,
    text: Text<{ words(LABEL_LEN) }>,
}

impl Labels {
    pub(super) const fn none() -> Self {
        Self {
            slots: [const {
                Slot {
                    tid: AtomicI32::new(0),
                    number: AtomicU32::new(0),
                    text: Text::empty(),
                }
            }; MAX_LABELS],
            count: AtomicU32::new(0),
        }
    }

    /// Adds a label of the calling thread `tid`, and returns its index; `None` if
    /// there is no room, and the label is lost.
    pub fn add(&self, tid: c_int, text: &str) -> Option<usize> {
        let start = usize::try_from(tid).unwrap_or(0).checked_rem(MAX_LABELS);
        let start = start.unwrap_or(0);
        // Each thread begins at another slot, so that two seldom claim the same one.
        let indices = (start..MAX_LABELS).chain(0..start);
        for index in indices {
            let slot = self.slots.get(index)?;
            let claimed = slot
                .tid
                .compare_exchange(0, tid, Ordering::AcqRel, Ordering::Relaxed);
            if claimed.is_ok() {
                fence(Ordering::Release);
                slot.text.write(text);
                let number = self.count.fetch_add(1, Ordering::Relaxed);
                slot.number.store(number, Ordering::Release);
                return Some(index);
            }
        }
        None
    }

    /// Removes the label at `index`.
    pub fn remove(&self, index: usize) {
        if let Some(slot) = self.slots.get(index) {
            slot.tid.store(0, Ordering::Release);
        }
    }

    /// Reads the latest label of a thread.
    pub(crate) fn of<'a>(&self, tid: c_int, buffer: &'a mut [u8; LABEL_LEN]) -> Option<&'a str> {
        let of_thread = |slot: &&Slot| tid > 0 && slot.tid.load(Ordering::Acquire) == tid;
        let slots = self.slots.iter().filter(of_thread);
        let slot = slots.max_by_key(|slot| slot.number.load(Ordering::Acquire))?;
        let text = slot.text.read(buffer)?;
        fence(Ordering::Acquire);
        (slot.tid.load(Ordering::Relaxed) == tid).then_some(text)
    }

    pub(super) fn reset_after_fork(&self) {
        for slot in &self.slots {
            slot.tid.store(0, Ordering::Relaxed);
            slot.text.reset_after_fork();
        }
    }
}
