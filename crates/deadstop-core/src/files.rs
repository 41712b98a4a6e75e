//! Files that the process removes at its end, such as a pid file.
//!
//! Removing a file can block, so the kill path does not do it: the reporter
//! removes the files shortly before the deadline, or the coordinator when all
//! tasks are done. The table is fixed because neither may allocate by then.

use core::ffi::CStr;
use core::slice;

use crate::atomic::{AtomicU8, Ordering};
use crate::sizes::{MAX_REMOVED_FILES, REMOVED_PATH_LEN};
use crate::slot_state::{Removal, SlotState, SlotUse};
use crate::sys::unlink;

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
    entry: SlotUse,
}

#[derive(Debug)]
struct Slot {
    state: SlotState,
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
        let slot = self.slots().find(|slot| slot.state.claim())?;
        for (to, from) in slot.path.iter().zip(bytes) {
            to.store(*from, Ordering::Relaxed);
        }
        let entry = slot.state.list();
        Some(FileSlot { slot, entry })
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
            slot.state.release();
        }
    }
}

impl FileSlot {
    /// Takes the file off the list without removing it. Returns `false` if it
    /// has been removed already, or is being removed.
    pub fn cancel(self) -> bool {
        self.slot.state.remove(self.entry) == Removal::Removed
    }
}

impl Slot {
    const fn free() -> Self {
        Self {
            state: SlotState::free(),
            path: [const { AtomicU8::new(0) }; REMOVED_PATH_LEN],
        }
    }

    fn take(&self, end: impl Fn(&CStr) -> bool) -> bool {
        if !self.state.take() {
            return false;
        }
        let mut path = [0; REMOVED_PATH_LEN];
        for (to, from) in path.iter_mut().zip(&self.path) {
            *to = from.load(Ordering::Relaxed);
        }
        let is_ended = CStr::from_bytes_until_nul(&path).is_ok_and(end);
        self.state.release();
        is_ended
    }
}
