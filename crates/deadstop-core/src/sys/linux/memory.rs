//! The process's own memory, read where a bad address is an error, not a fault.

use core::ffi::c_void;

use super::process::pid;

/// Copies from `address` into `buffer`, and returns how many bytes could be read.
///
/// Async-signal-safe. The kernel copies, so that memory which is not mapped ends
/// the copy and harms nothing.
#[inline(never)] // As `read_u32`, for locks, threads and stacks.
pub fn read_memory(address: usize, buffer: &mut [u8]) -> usize {
    let local = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    let remote = libc::iovec {
        iov_base: core::ptr::without_provenance_mut::<c_void>(address),
        iov_len: buffer.len(),
    };
    // SAFETY: the first pointer is to one description of memory that may be
    // written, the second to one of memory that the kernel checks.
    let copied = unsafe {
        libc::syscall(
            libc::SYS_process_vm_readv,
            pid(),
            &raw const local,
            1_usize,
            &raw const remote,
            1_usize,
            0_usize,
        )
    };
    usize::try_from(copied).unwrap_or(0)
}
