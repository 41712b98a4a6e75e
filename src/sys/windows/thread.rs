//! Names of threads, as debuggers show them, and the system's ids of threads.

use std::os::windows::io::AsRawHandle;
use std::thread::JoinHandle;

use windows_sys::Win32::Foundation::CloseHandle;
use windows_sys::Win32::System::Threading::{
    GetThreadId, OpenThread, SetThreadDescription, THREAD_SET_LIMITED_INFORMATION,
};

/// Names the calling thread.
pub(crate) fn set_name(name: &str) {
    set_name_of(deadstop_core::tid(), name);
}

/// Names the thread `tid` of this process.
pub(crate) fn set_name_of(tid: i32, name: &str) {
    let units = name.encode_utf16().filter(|unit| *unit != 0);
    let wide: Vec<u16> = units.chain([0]).collect();
    // SAFETY: three integers.
    let thread = unsafe { OpenThread(THREAD_SET_LIMITED_INFORMATION, 0, tid as u32) };
    if thread.is_null() {
        return;
    }
    // SAFETY: the handle is open, and the text ends with zero.
    unsafe { SetThreadDescription(thread, wide.as_ptr()) };
    // SAFETY: the handle was opened above.
    unsafe { CloseHandle(thread) };
}

/// Returns the system's id of the thread of `handle`.
pub(crate) fn tid_of<T>(handle: &JoinHandle<T>) -> Option<i32> {
    // SAFETY: the handle is open.
    let tid = unsafe { GetThreadId(handle.as_raw_handle()) };
    (tid != 0).then_some(tid as i32)
}
