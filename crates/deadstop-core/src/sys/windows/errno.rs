//! The calling thread's last error.

use windows_sys::Win32::Foundation::{GetLastError, SetLastError};

/// Restores the calling thread's last error on drop: a console handler or a panic hook
/// that changes it would make other code misread its last call.
#[derive(Debug)]
pub struct ErrnoGuard(u32);

impl ErrnoGuard {
    /// Saves the last error.
    pub fn save() -> Self {
        // SAFETY: no precondition.
        Self(unsafe { GetLastError() })
    }
}

impl Drop for ErrnoGuard {
    fn drop(&mut self) {
        // SAFETY: no precondition.
        unsafe { SetLastError(self.0) };
    }
}
