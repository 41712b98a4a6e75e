//! Single lines on standard error, from any place in the process.
//!
//! Windows looks the handle up each time, so a program that has replaced it gets the line
//! in the new place. Windows does not say whether a pipe takes bytes: a write may block
//! its thread, which is never the watchdog's.

use std::ptr;

use deadstop_core::sys::ErrnoGuard;
use windows_sys::Win32::Storage::FileSystem::WriteFile;
use windows_sys::Win32::System::Console::{GetStdHandle, STD_ERROR_HANDLE};

/// Does nothing.
pub(crate) fn remember() {}

/// Returns `false`: a handle of standard error is no other file's.
#[cfg(feature = "shutdown")]
pub(crate) fn is_foreign() -> bool {
    false
}

/// Writes `line` by one call. Returns whether standard error took it. Preserves the last
/// error.
pub(crate) fn write_line(line: &[u8]) -> bool {
    let _errno = ErrnoGuard::save();
    let mut written = 0;
    let Ok(len) = u32::try_from(line.len()) else {
        return false;
    };
    // SAFETY: a constant.
    let handle = unsafe { GetStdHandle(STD_ERROR_HANDLE) };
    // SAFETY: the first pointer is valid for reads of the length given, the second for
    // writes. A handle that is none is an error.
    let result = unsafe {
        WriteFile(
            handle,
            line.as_ptr(),
            len,
            &raw mut written,
            ptr::null_mut(),
        )
    };
    result != 0 && written == len
}
