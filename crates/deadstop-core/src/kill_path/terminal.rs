//! The terminal's attributes, saved at install and restored at the end.
//!
//! A program that dies in raw mode leaves its user a shell without echo.
//!
//! # Orderings
//!
//! The attributes are written before `descriptor` (`Release`), and read after
//! it (`Acquire`).

use core::ffi::c_int;

use crate::atomic::{AtomicI32, AtomicU32, Ordering};
use crate::sys::{ControllingTerminal, TERMINAL_ATTRIBUTES_LEN};

/// No descriptor: the terminal's is above those of the standard streams. Zero, like all
/// that a new watchdog holds (see `deadline`).
const NOT_SAVED: c_int = 0;

/// The attributes of the controlling terminal, as they were saved.
#[derive(Debug)]
pub struct SavedTerminal {
    descriptor: AtomicI32,
    attributes: [AtomicU32; TERMINAL_ATTRIBUTES_LEN],
}

impl SavedTerminal {
    pub(crate) const fn none() -> Self {
        Self {
            descriptor: AtomicI32::new(NOT_SAVED),
            attributes: [const { AtomicU32::new(0) }; TERMINAL_ATTRIBUTES_LEN],
        }
    }

    /// Saves the attributes of the controlling terminal, and keeps a descriptor
    /// of it. Returns `false` if the process has no terminal.
    ///
    /// A second call does nothing. One thread may call this at a time.
    pub fn save(&self) -> bool {
        if self.descriptor.load(Ordering::Acquire) != NOT_SAVED {
            return true;
        }
        let Some(terminal) = ControllingTerminal::open() else {
            return false;
        };
        let Some(attributes) = terminal.attributes() else {
            terminal.close();
            return false;
        };
        for (to, from) in self.attributes.iter().zip(attributes) {
            to.store(from, Ordering::Relaxed);
        }
        self.descriptor
            .store(terminal.descriptor(), Ordering::Release);
        true
    }

    /// Restores the attributes, if they were saved and this process is in the
    /// terminal's foreground group: another program may own the terminal now.
    /// Async-signal-safe.
    pub fn restore(&self) {
        let descriptor = self.descriptor.load(Ordering::Acquire);
        if descriptor == NOT_SAVED {
            return;
        }
        let terminal = ControllingTerminal::from_descriptor(descriptor);
        // This also fails where the program has closed the descriptor, and the
        // number stands for another file.
        if !terminal.is_in_foreground() {
            return;
        }
        let mut attributes = [0; TERMINAL_ATTRIBUTES_LEN];
        for (to, from) in attributes.iter_mut().zip(&self.attributes) {
            *to = from.load(Ordering::Relaxed);
        }
        terminal.set_attributes(&attributes);
    }

    /// Forgets the terminal in a child of `fork`, which shares it with its
    /// parent. Async-signal-safe.
    pub(crate) fn reset_after_fork(&self) {
        self.descriptor.store(NOT_SAVED, Ordering::Relaxed);
    }
}
