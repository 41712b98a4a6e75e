//! Handles that are closed when dropped.

use core::ffi::c_int;

use windows_sys::Win32::Foundation::{CloseHandle, HANDLE, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Threading::OpenThread;

/// A handle of this process.
pub(super) struct Handle(HANDLE);

impl Handle {
    /// Takes a handle that the caller got from Windows; `None` if there is none.
    pub(super) fn new(handle: HANDLE) -> Option<Self> {
        (!handle.is_null() && handle != INVALID_HANDLE_VALUE).then_some(Self(handle))
    }

    /// Opens a thread by its id.
    pub(super) fn of_thread(tid: c_int, access: u32) -> Option<Self> {
        // SAFETY: three integers.
        Self::new(unsafe { OpenThread(access, 0, tid as u32) })
    }

    pub(super) fn get(&self) -> HANDLE {
        self.0
    }

    /// Leaves the handle open for the life of the process.
    pub(super) fn leak(self) {
        let _ = core::mem::ManuallyDrop::new(self);
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: `new` took a handle that no other code closes.
        unsafe { CloseHandle(self.0) };
    }
}
