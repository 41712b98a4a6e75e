//! The attributes of the controlling terminal, by POSIX's functions, which are
//! async-signal-safe.

use core::ffi::c_int;
use core::mem::{MaybeUninit, size_of};

use super::signal_mask::SignalMask;
use crate::sys::SignalSet;

/// The words of a `struct termios`.
pub const TERMINAL_ATTRIBUTES_LEN: usize = size_of::<libc::termios>().div_ceil(4);

/// A descriptor of the terminal that controls the process.
#[derive(Debug)]
pub struct ControllingTerminal(c_int);

impl ControllingTerminal {
    /// Opens the terminal. `None` if the process has none, or has closed one of its first
    /// three descriptors, whose number the terminal would get.
    pub fn open() -> Option<Self> {
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC;
        // SAFETY: the path ends with zero. Nothing is created, so no mode is read.
        let terminal = match unsafe { libc::open(c"/dev/tty".as_ptr(), flags) } {
            -1 => return None,
            descriptor => Self(descriptor),
        };
        if terminal.0 <= libc::STDERR_FILENO {
            terminal.close();
            return None;
        }
        Some(terminal)
    }

    /// Uses a descriptor that [`open`](Self::open) returned.
    pub const fn from_descriptor(descriptor: c_int) -> Self {
        Self(descriptor)
    }

    /// Returns the descriptor's number.
    pub const fn descriptor(&self) -> c_int {
        self.0
    }

    /// Closes the descriptor.
    pub fn close(self) {
        // SAFETY: the descriptor is open, and this is its owner.
        unsafe { libc::close(self.0) };
    }

    /// Reads the attributes.
    pub fn attributes(&self) -> Option<[u32; TERMINAL_ATTRIBUTES_LEN]> {
        let mut attributes = Attributes {
            words: [0; TERMINAL_ATTRIBUTES_LEN],
        };
        // SAFETY: the pointer is valid for writes of a `termios`.
        let read = unsafe { libc::tcgetattr(self.0, (&raw mut attributes).cast()) };
        // SAFETY: all bytes were initialized, and are integers.
        (read == 0).then(|| unsafe { attributes.words })
    }

    /// Writes the attributes at once, without waiting for output to drain.
    pub fn set_attributes(&self, words: &[u32; TERMINAL_ATTRIBUTES_LEN]) {
        // Should the process have left the foreground since the caller looked, the kernel
        // would stop it for this call.
        let mask = SignalMask::block(SignalSet::EMPTY.with(libc::SIGTTOU));
        let attributes = Attributes { words: *words };
        // SAFETY: the pointer is valid for reads of a `termios`, which is integers.
        unsafe { libc::tcsetattr(self.0, libc::TCSANOW, (&raw const attributes).cast()) };
        mask.restore();
    }

    /// Returns `true` if the descriptor is of the process's controlling terminal, and the
    /// process is in its foreground group.
    pub fn is_in_foreground(&self) -> bool {
        // SAFETY: an integer.
        let foreground = unsafe { libc::tcgetpgrp(self.0) };
        // SAFETY: no precondition, and it cannot fail.
        foreground == unsafe { libc::getpgrp() }
    }
}

/// Attributes as the words that are kept.
union Attributes {
    words: [u32; TERMINAL_ATTRIBUTES_LEN],
    _termios: MaybeUninit<libc::termios>,
}
