//! The calling thread's name, as the system shows it, and the system's id of others.

use std::ffi::CString;
use std::thread::JoinHandle;

/// Names the calling thread. Bytes of zero are left out.
pub(crate) fn set_name(name: &str) {
    let bytes: Vec<u8> = name.bytes().filter(|byte| *byte != 0).collect();
    let Ok(name) = CString::new(bytes) else {
        return;
    };
    // SAFETY: the text ends with zero.
    #[cfg(target_os = "macos")]
    unsafe {
        libc::pthread_setname_np(name.as_ptr())
    };
    // SAFETY: no precondition.
    #[cfg(target_os = "freebsd")]
    let own = unsafe { libc::pthread_self() };
    // SAFETY: the thread is the calling one, and the text ends with zero.
    #[cfg(target_os = "freebsd")]
    unsafe {
        libc::pthread_set_name_np(own, name.as_ptr())
    };
}

/// Does nothing: these systems do not name a thread by its id.
pub(crate) fn set_name_of(_tid: i32, _name: &str) {}

/// Returns `None`: these systems do not list threads here.
pub(crate) fn tid_of<T>(_handle: &JoinHandle<T>) -> Option<i32> {
    None
}
