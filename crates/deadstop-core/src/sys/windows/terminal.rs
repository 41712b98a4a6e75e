//! The mode of the console's input.

use core::ffi::c_int;
use core::ptr;

use windows_sys::Win32::Foundation::{GENERIC_READ, GENERIC_WRITE};
use windows_sys::Win32::Storage::FileSystem::{
    CreateFileW, FILE_SHARE_READ, FILE_SHARE_WRITE, OPEN_EXISTING,
};
use windows_sys::Win32::System::Console::{GetConsoleMode, SetConsoleMode};

use super::handle::Handle;

/// Words of attributes: a mode.
pub const TERMINAL_ATTRIBUTES_LEN: usize = 1;

/// The console of the process. Windows opens it by name each time, so there is nothing to
/// keep open; its descriptor is a number that stands for it.
#[derive(Debug)]
pub struct ControllingTerminal;

impl ControllingTerminal {
    /// Opens the console. `None` if the process has none.
    pub fn open() -> Option<Self> {
        input().map(|_| Self)
    }

    /// Uses a descriptor that [`open`](Self::open) returned.
    pub const fn from_descriptor(_descriptor: c_int) -> Self {
        Self
    }

    /// Returns a number that stands for the console; not that of a standard stream.
    pub const fn descriptor(&self) -> c_int {
        3
    }

    /// Does nothing.
    pub fn close(self) {}

    /// Reads the mode.
    pub fn attributes(&self) -> Option<[u32; TERMINAL_ATTRIBUTES_LEN]> {
        let input = input()?;
        let mut mode = 0;
        // SAFETY: the handle is open, and the pointer is valid for writes.
        let read = unsafe { GetConsoleMode(input.get(), &raw mut mode) };
        (read != 0).then_some([mode])
    }

    /// Writes the mode.
    pub fn set_attributes(&self, attributes: &[u32; TERMINAL_ATTRIBUTES_LEN]) {
        let [mode] = *attributes;
        if let Some(input) = input() {
            // SAFETY: the handle is open.
            unsafe { SetConsoleMode(input.get(), mode) };
        }
    }

    /// Returns `true`: Windows has no foreground group that could own the console.
    pub fn is_in_foreground(&self) -> bool {
        true
    }
}

fn input() -> Option<Handle> {
    const NAME: [u16; 7] = [67, 79, 78, 73, 78, 36, 0]; // CONIN$
    // SAFETY: the name ends with zero; there are no security attributes and no template.
    Handle::new(unsafe {
        CreateFileW(
            NAME.as_ptr(),
            GENERIC_READ | GENERIC_WRITE,
            FILE_SHARE_READ | FILE_SHARE_WRITE,
            ptr::null(),
            OPEN_EXISTING,
            0,
            ptr::null_mut(),
        )
    })
}
