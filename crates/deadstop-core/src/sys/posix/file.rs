//! Removing a file.

use core::ffi::CStr;

/// Removes the file at `path`. Returns `false` if that failed. May wait for a
/// file server.
pub fn unlink(path: &CStr) -> bool {
    // SAFETY: the pointer is to a text that ends with zero.
    unsafe { libc::unlink(path.as_ptr()) == 0 }
}
