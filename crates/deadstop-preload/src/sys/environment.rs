//! The environment of a process that has just been loaded.

use core::ffi::CStr;

/// Returns the value of a variable. For the constructor: the program may change its
/// environment later.
pub(crate) fn variable(name: &'static CStr) -> Option<&'static [u8]> {
    // SAFETY: the name ends with zero; the program has not begun, so no other thread
    // changes the environment.
    let value = unsafe { libc::getenv(name.as_ptr()) };
    if value.is_null() {
        return None;
    }
    // SAFETY: getenv(3) returns a text that ends with zero.
    Some(unsafe { CStr::from_ptr(value) }.to_bytes())
}

/// Returns `true` if the program has more rights than the user who started it:
/// set-user-id, set-group-id, or capabilities of its file.
pub(crate) fn is_secure() -> bool {
    // SAFETY: no precondition.
    unsafe { libc::getauxval(libc::AT_SECURE) != 0 }
}
