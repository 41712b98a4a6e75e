//! Files that the process removes at its end, such as a pid file.
//!
//! Removing a file can block, so the kill path does not do it: the reporter
//! removes the files shortly before the deadline, or the coordinator when all
//! tasks are done. The table is fixed because neither may allocate by then.
//!
//! # States of a slot
//!
//! ```text
//! FREE ──add──▶ FILLING ──▶ LISTED ──remove_all──▶ FREE
//!  ▲                          │
//!  └──────────cancel──────────┘
//! ```
//!
//! # Orderings
//!
//! `state` publishes the path: `add` writes it with `Release`, `remove_all`
//! takes the entry with `Acquire`. A use count in its upper bits makes a cancel
//! of an earlier use fail.

use core::ffi::CStr;
use core::slice;

use crate::atomic::{AtomicU8, AtomicU32, Ordering};
use crate::sizes::{MAX_REMOVED_FILES, REMOVED_PATH_LEN};
use crate::sys::unlink;

const FREE: u32 = 0;
const FILLING: u32 = 1;
const LISTED: u32 = 2;
const STATE: u32 = 3;
const NEXT_USE: u32 = 4;

/// Paths of files to remove: a fixed table without locks.
#[derive(Debug)]
pub struct FileList {
    slots: [Slot; MAX_REMOVED_FILES],
}

/// An entry of a [`FileList`]. Dropping it leaves the entry on the list.
#[derive(Debug)]
#[must_use = "the entry can be canceled only through this"]
pub struct FileSlot {
    slot: &'static Slot,
    listed: u32,
}

#[derive(Debug)]
struct Slot {
    state: AtomicU32,
    path: [AtomicU8; REMOVED_PATH_LEN],
}

impl Default for FileList {
    fn default() -> Self {
        Self::empty()
    }
}

impl FileList {
    /// Creates an empty list.
    pub const fn empty() -> Self {
        Self {
            slots: [const { Slot::free() }; MAX_REMOVED_FILES],
        }
    }

    #[inline(never)] // A loop of a known length is unrolled.
    fn slots(&self) -> slice::Iter<'_, Slot> {
        self.slots.iter()
    }

    /// Lists a file. The path should be absolute, since the program may change
    /// its working directory.
    ///
    /// Returns `None` if the list is full (32 entries), or if the path has more
    /// than 255 bytes.
    pub fn add(&'static self, path: &CStr) -> Option<FileSlot> {
        let bytes = path.to_bytes_with_nul();
        if bytes.len() > REMOVED_PATH_LEN {
            return None;
        }
        let slot = self.slots().find(|slot| slot.claim())?;
        for (to, from) in slot.path.iter().zip(bytes) {
            to.store(*from, Ordering::Relaxed);
        }
        let listed = slot.state.load(Ordering::Relaxed) & !STATE | LISTED;
        slot.state.store(listed, Ordering::Release);
        Some(FileSlot { slot, listed })
    }

    /// Removes every listed file, and takes it off the list. Returns how many
    /// files were removed; a file that does not exist any more is not counted.
    ///
    /// May block on a file server, so it is not for the kill path. Allocates
    /// nothing.
    pub fn remove_all(&self) -> usize {
        self.take_all(unlink)
    }

    /// Takes every file off the list, and calls `end` with its path. Returns how often
    /// `end` returned `true`. Allocates nothing.
    pub fn take_all(&self, end: impl Fn(&CStr) -> bool) -> usize {
        let ended = self.slots().filter(|slot| slot.take(&end));
        ended.count()
    }

    /// Makes the list empty in a child of `fork`: the files are its parent's.
    /// No other thread may use the list.
    pub fn reset_after_fork(&self) {
        for slot in self.slots() {
            let state = slot.state.load(Ordering::Relaxed) & !STATE;
            slot.state
                .store(state.wrapping_add(NEXT_USE), Ordering::Release);
        }
    }
}

impl FileSlot {
    /// Takes the file off the list without removing it. Returns `false` if it
    /// has been removed already, or is being removed.
    pub fn cancel(self) -> bool {
        let free = (self.listed & !STATE).wrapping_add(NEXT_USE);
        self.slot
            .state
            .compare_exchange(self.listed, free, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

impl Slot {
    const fn free() -> Self {
        Self {
            state: AtomicU32::new(FREE),
            path: [const { AtomicU8::new(0) }; REMOVED_PATH_LEN],
        }
    }

    fn claim(&self) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        state & STATE == FREE
            && self
                .state
                .compare_exchange(state, state | FILLING, Ordering::Acquire, Ordering::Relaxed)
                .is_ok()
    }

    fn take(&self, end: impl Fn(&CStr) -> bool) -> bool {
        let state = self.state.load(Ordering::Relaxed);
        let filling = state & !STATE | FILLING;
        let taken = state & STATE == LISTED
            && self
                .state
                .compare_exchange(state, filling, Ordering::Acquire, Ordering::Relaxed)
                .is_ok();
        if !taken {
            return false;
        }
        let mut path = [0; REMOVED_PATH_LEN];
        for (to, from) in path.iter_mut().zip(&self.path) {
            *to = from.load(Ordering::Relaxed);
        }
        let is_ended = CStr::from_bytes_until_nul(&path).is_ok_and(end);
        let free = (state & !STATE).wrapping_add(NEXT_USE);
        self.state.store(free, Ordering::Release);
        is_ended
    }
}
