//! Files that are mapped to be read, for the life of the process.

use std::fs::File;
use std::os::fd::AsRawFd;
use std::{ptr, slice};

/// Maps the whole of `file`, read-only, and never unmaps it.
///
/// The caller must map each file once. An executable file that runs cannot be
/// written to (`ETXTBSY`). A library can be cut short in place; a process that
/// has it loaded does not survive that anyway.
pub(crate) fn map(file: &File) -> Option<&'static [u8]> {
    let len = usize::try_from(file.metadata().ok()?.len()).ok()?;
    if len == 0 {
        return None;
    }
    // SAFETY: a new mapping at an address of the kernel's choice.
    let map = unsafe {
        libc::mmap(
            ptr::null_mut(),
            len,
            libc::PROT_READ,
            libc::MAP_PRIVATE,
            file.as_raw_fd(),
            0,
        )
    };
    if map == libc::MAP_FAILED {
        return None;
    }
    // SAFETY: the mapping has `len` bytes, is never unmapped, and nothing writes
    // to it through this address.
    Some(unsafe { slice::from_raw_parts(map.cast(), len) })
}

/// Asks the kernel to read `bytes`, a part of a mapped file, ahead of their use.
pub(crate) fn read_ahead(bytes: &'static [u8]) {
    const PAGE: usize = 4096;
    let start = bytes.as_ptr().map_addr(|at| at & !(PAGE - 1));
    let len = bytes.len() + bytes.as_ptr().addr() % PAGE;
    // SAFETY: advice to read ahead changes no memory; the range is of a mapping
    // that stays.
    unsafe { libc::madvise(start.cast_mut().cast(), len, libc::MADV_WILLNEED) };
}
