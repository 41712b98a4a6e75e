//! The attributes of the controlling terminal.

use core::ffi::{c_int, c_ulong};

use super::descriptor::{above_stdio, close};
use super::signal_mask::SignalMask;
use crate::sys::SignalSet;

/// More words than the kernel's `struct termios` has on any machine. Its
/// fields are not looked at.
pub const TERMINAL_ATTRIBUTES_LEN: usize = 16;

/// A descriptor of the terminal that controls the process.
#[derive(Debug)]
pub struct ControllingTerminal(c_int);

impl ControllingTerminal {
    /// Opens the terminal. `None` if the process has none.
    pub fn open() -> Option<Self> {
        let flags = libc::O_RDWR | libc::O_NOCTTY | libc::O_NONBLOCK | libc::O_CLOEXEC;
        // SAFETY: the path ends with zero. Nothing is created, so no mode is
        // read.
        match unsafe { libc::open(c"/dev/tty".as_ptr(), flags) } {
            -1 => None,
            descriptor => above_stdio(descriptor).map(Self),
        }
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
        close(self.0);
    }

    /// Reads the attributes.
    pub fn attributes(&self) -> Option<[u32; TERMINAL_ATTRIBUTES_LEN]> {
        let mut attributes = [0; TERMINAL_ATTRIBUTES_LEN];
        let request = libc::TCGETS as c_ulong;
        // SAFETY: the pointer is valid for writes of more than the kernel's
        // `struct termios`.
        let read =
            unsafe { libc::syscall(libc::SYS_ioctl, self.0, request, attributes.as_mut_ptr()) };
        (read == 0).then_some(attributes)
    }

    /// Writes the attributes at once, without waiting for output to drain.
    /// Async-signal-safe.
    pub fn set_attributes(&self, attributes: &[u32; TERMINAL_ATTRIBUTES_LEN]) {
        // Should the process have left the foreground since the caller looked,
        // the kernel would stop it for this call.
        let mask = SignalMask::block(SignalSet::EMPTY.with(libc::SIGTTOU));
        let request = libc::TCSETS as c_ulong;
        // SAFETY: the pointer is valid for reads of more than the kernel's
        // `struct termios`.
        unsafe { libc::syscall(libc::SYS_ioctl, self.0, request, attributes.as_ptr()) };
        mask.restore();
    }

    /// Returns `true` if the descriptor is of the process's controlling
    /// terminal, and the process is in its foreground group.
    /// Async-signal-safe.
    pub fn is_in_foreground(&self) -> bool {
        let mut foreground: libc::pid_t = 0;
        let request = libc::TIOCGPGRP as c_ulong;
        // SAFETY: the pointer is valid for writes of a process group's id.
        let read = unsafe { libc::syscall(libc::SYS_ioctl, self.0, request, &raw mut foreground) };
        // SAFETY: no precondition, and it cannot fail.
        read == 0 && foreground == unsafe { libc::getpgrp() }
    }
}
