//! The process's own memory, read where a bad address is an error, not a fault.

use core::ptr;

use windows_sys::Win32::System::Diagnostics::Debug::ReadProcessMemory;
use windows_sys::Win32::System::Threading::GetCurrentProcess;

/// Copies from `address` into `buffer`, and returns how many bytes could be read.
///
/// The kernel copies, so that memory which is not mapped ends the copy and harms nothing.
pub fn read_memory(address: usize, buffer: &mut [u8]) -> usize {
    let mut copied = 0;
    // SAFETY: no precondition; it is a constant.
    let process = unsafe { GetCurrentProcess() };
    // SAFETY: the kernel checks the address; the two pointers are valid for writes, the
    // first of the length given.
    unsafe {
        ReadProcessMemory(
            process,
            ptr::without_provenance(address),
            buffer.as_mut_ptr().cast(),
            buffer.len(),
            &raw mut copied,
        )
    };
    copied.min(buffer.len())
}
