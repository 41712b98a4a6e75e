//! The ids of the process and of the calling thread.

use core::ffi::c_int;

use windows_sys::Win32::System::Threading::{GetCurrentProcessId, GetCurrentThreadId};

/// Returns this process's id. Ids of Windows are multiples of four and far below 2^31.
pub fn pid() -> c_int {
    // SAFETY: no precondition.
    let id = unsafe { GetCurrentProcessId() };
    id as c_int
}

/// Returns the calling thread's id, as debuggers and Process Explorer show it.
pub fn tid() -> c_int {
    // SAFETY: no precondition.
    let id = unsafe { GetCurrentThreadId() };
    id as c_int
}

/// Returns `None`: the id of the main thread is not known here.
pub fn main_tid() -> Option<c_int> {
    None
}
