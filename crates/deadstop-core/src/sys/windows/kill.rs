//! The end of a child process.

use core::ffi::c_int;

use windows_sys::Win32::System::Threading::{
    OpenProcess, PROCESS_TERMINATE, SwitchToThread, TerminateProcess,
};

use super::handle::Handle;
use crate::sys::KillTarget;

/// The exit status of a child that was killed, as a shell reports SIGKILL.
const KILLED: u32 = 137;

impl KillTarget {
    /// Ends the child. Its handle must still be open, in `std::process::Child`: until
    /// then Windows does not give its id to another process.
    pub fn kill(self) {
        // SAFETY: three integers.
        let child = unsafe { OpenProcess(PROCESS_TERMINATE, 0, self.pid as u32) };
        if let Some(child) = Handle::new(child) {
            // SAFETY: the handle is open.
            unsafe { TerminateProcess(child.get(), KILLED) };
        }
    }
}

/// Fails: Windows has no descriptors of processes.
///
/// # Errors
///
/// Always.
pub fn open_pidfd(_pid: c_int) -> Result<c_int, c_int> {
    Err(libc::ENOSYS)
}

/// Returns zero: there are no descriptors of processes here.
pub fn inode_of(_descriptor: c_int) -> u64 {
    0
}

/// Lets another thread run.
pub fn yield_now() {
    // SAFETY: no precondition.
    unsafe { SwitchToThread() };
}
