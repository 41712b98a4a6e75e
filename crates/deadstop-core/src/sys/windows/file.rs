//! Removing a file.

use core::ffi::CStr;
use core::ptr;

use windows_sys::Win32::Globalization::{CP_UTF8, MultiByteToWideChar};
use windows_sys::Win32::Storage::FileSystem::DeleteFileW;

/// The longest path, in 16-bit units: every path that fits in the list of files has fewer.
const PATH_LEN: usize = 512;

/// Removes the file at `path`, which is UTF-8. Returns `false` if that failed. May wait
/// for a file server.
pub fn unlink(path: &CStr) -> bool {
    let mut wide = [0_u16; PATH_LEN];
    // SAFETY: the first pointer is to a text that ends with zero, which -1 stands for; the
    // second is valid for writes of the length given.
    let len = unsafe {
        MultiByteToWideChar(
            CP_UTF8,
            0,
            path.as_ptr().cast(),
            -1,
            wide.as_mut_ptr(),
            PATH_LEN as i32,
        )
    };
    // SAFETY: the text was converted with its zero.
    len > 0 && unsafe { DeleteFileW(ptr::from_ref(&wide).cast()) } != 0
}
