//! The last call of the process.

use core::ffi::c_int;

use windows_sys::Win32::Foundation::STATUS_CONTROL_C_EXIT;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, TerminateProcess};

use super::signals::INTERRUPT;

/// Ends the process now, with `status`, from any thread.
///
/// `ExitProcess`, which `exit` and `_exit` call, ends the other threads first and then
/// runs the `DllMain` of every library, under the loader's lock: one that hangs there
/// hangs for good. `TerminateProcess` runs no code of the process.
pub fn terminate(status: c_int) -> ! {
    loop {
        // SAFETY: no precondition; it is a constant.
        let process = unsafe { GetCurrentProcess() };
        // SAFETY: the handle is of this process.
        unsafe { TerminateProcess(process, status as u32) };
    }
}

/// Ends the process as an event ends it that no program handles: Ctrl-C and Ctrl-Break
/// with `STATUS_CONTROL_C_EXIT`, others with 128 + `signal`.
pub fn end_by_signal(signal: c_int) -> ! {
    terminate(match signal {
        INTERRUPT | BREAK => STATUS_CONTROL_C_EXIT,
        _ => 128_i32.wrapping_add(signal),
    })
}

/// The C library's number for Ctrl-Break.
const BREAK: c_int = 21;
