//! Copies of this process's own memory that cannot fault.
//!
//! The kernel does the copying (`process_vm_readv` on oneself): a page that is
//! missing, or that another thread unmaps at this moment, shortens the copy.
//! The call takes no lock and allocates nothing, and the kernel permits
//! it for the caller's own process whatever Yama says.

use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::sync::atomic::AtomicU64;

/// The unit of copying. A real page may be larger, and a multiple of this.
const PAGE: usize = 4096;

/// Pages of one copy.
const PAGES: usize = 17;

/// The longest copy, from any address on.
pub(crate) const LONGEST: usize = (PAGES - 1) * PAGE;

/// Copies the calling thread's stack from `sp`, and `below` bytes under that, to
/// `to`. Returns the address that the copy begins at, and how many words it has:
/// fewer than there is room for where a page cannot be read.
///
/// Where a system-call filter refuses `process_vm_readv`, the copy ends with the
/// page of `sp`. Async-signal-safe.
pub(crate) fn copy_stack(sp: u64, below: u64, to: &[AtomicU64]) -> (u64, usize) {
    let room = size_of_val(to);
    let to = to.as_ptr().cast_mut().cast::<u8>();
    let sp = sp & !7;
    let from = sp.saturating_sub(below);
    // The page below may be the end of the stack.
    for from in [from, sp] {
        // SAFETY: the pointer and the length are those of one slice of atomics,
        // which may be written to.
        let copied = unsafe { copy(from, to, room) };
        if copied > 0 {
            return (from, copied / 8);
        }
    }
    if room < PAGE {
        return (sp, 0);
    }
    // SAFETY: the slice has room for a page, and the caller's own stack stays.
    (sp, unsafe { copy_own_page(sp, to) } / 8)
}

/// Copies up to `len` bytes, and no more than [`LONGEST`], from `from` to `to`.
/// Returns how many it copied: fewer where a page cannot be read, and none where
/// the call is refused.
///
/// # Safety
///
/// `to` must be valid for writes of `len` bytes, which no other thread accesses
/// during the call.
unsafe fn copy(from: u64, to: *mut u8, len: usize) -> usize {
    let Ok(from) = usize::try_from(from) else {
        return 0;
    };
    let len = len.min(LONGEST).min(usize::MAX - from);
    let local = libc::iovec {
        iov_base: to.cast(),
        iov_len: len,
    };
    // Each page is a piece of its own: the call copies a piece whole or not at all.
    let mut pages = [const {
        libc::iovec {
            iov_base: ptr::null_mut(),
            iov_len: 0,
        }
    }; PAGES];
    let mut used = 0_usize;
    let mut at = from;
    let end = from + len;
    for page in &mut pages {
        if at == end {
            break;
        }
        let next = end.min((at / PAGE + 1).saturating_mul(PAGE));
        page.iov_base = ptr::without_provenance_mut::<c_void>(at);
        page.iov_len = next - at;
        at = next;
        used += 1;
    }
    // SAFETY: the first list is one piece, valid for writes by the contract;
    // the second has `used` pieces, which may be any addresses.
    let copied = unsafe {
        libc::syscall(
            libc::SYS_process_vm_readv,
            deadstop_core::pid(),
            &raw const local,
            1_usize,
            pages.as_ptr(),
            used,
            0_usize,
        )
    };
    usize::try_from(copied).unwrap_or(0)
}

/// Copies from `from` up to the end of its page, without `process_vm_readv`.
/// Returns the number of bytes copied: 0 if the page cannot be read.
///
/// # Safety
///
/// `to` must be valid for writes of 4096 bytes, which no other thread accesses
/// during the call. No other thread may unmap the page of `from`: it must be
/// of the calling thread's own stack.
unsafe fn copy_own_page(from: u64, to: *mut u8) -> usize {
    let Ok(from) = usize::try_from(from) else {
        return 0;
    };
    if !is_readable(from) {
        return 0;
    }
    let len = PAGE - from % PAGE;
    let source = ptr::with_exposed_provenance::<u8>(from);
    // SAFETY: the page was readable just now, and the contract says that it
    // stays so, and that `to` has room. A stack of the caller's does not
    // overlap with the copy.
    unsafe { ptr::copy_nonoverlapping(source, to, len) };
    len
}

/// Returns `true` if the kernel can read 8 bytes at `address`: it reads a set of signals there
/// before it finds that there is no such request.
fn is_readable(address: usize) -> bool {
    const NO_REQUEST: c_int = -1;
    // SAFETY: the kernel checks the address, and changes no mask for a request
    // that does not exist.
    let refused = unsafe {
        libc::syscall(
            libc::SYS_rt_sigprocmask,
            NO_REQUEST,
            address & !7,
            0_usize,
            8_usize,
        )
    };
    refused == -1 && io::Error::last_os_error().raw_os_error() == Some(libc::EINVAL)
}

/// Reads the 8 bytes at `address`, if they can be read.
pub(crate) fn word(address: u64) -> Option<u64> {
    let mut bytes = [0; 8];
    read(address, &mut bytes).then(|| u64::from_ne_bytes(bytes))
}

/// Fills `buffer` from `address` on. Returns whether it could.
pub(crate) fn read(address: u64, buffer: &mut [u8]) -> bool {
    let mut at = address;
    for chunk in buffer.chunks_mut(LONGEST) {
        // SAFETY: the pointer and the length are those of one live slice.
        let copied = unsafe { copy(at, chunk.as_mut_ptr(), chunk.len()) };
        if copied < chunk.len() {
            return false;
        }
        at = at.saturating_add(chunk.len() as u64);
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Three pages, the second of which cannot be read.
    fn three_pages() -> usize {
        // SAFETY: an anonymous mapping at an address of the kernel's choice.
        let map = unsafe {
            libc::mmap(
                ptr::null_mut(),
                3 * PAGE,
                libc::PROT_READ | libc::PROT_WRITE,
                libc::MAP_PRIVATE | libc::MAP_ANONYMOUS,
                -1,
                0,
            )
        };
        assert_ne!(map, libc::MAP_FAILED);
        // SAFETY: inside the mapping made above.
        let second = unsafe { map.byte_add(PAGE) };
        // SAFETY: a page of that mapping, which nothing refers to.
        assert_eq!(unsafe { libc::mprotect(second, PAGE, libc::PROT_NONE) }, 0);
        map.expose_provenance()
    }

    #[test]
    fn copy_ends_before_a_page_that_cannot_be_read() {
        let map = three_pages();
        let mut to = vec![0_u8; 3 * PAGE];
        // SAFETY: the pointer and the length are those of one live vector.
        let copied = unsafe { copy((map + 100) as u64, to.as_mut_ptr(), to.len()) };
        assert_eq!(copied, PAGE - 100);
        // SAFETY: as above.
        assert_eq!(unsafe { copy((map + PAGE) as u64, to.as_mut_ptr(), 8) }, 0);
        // SAFETY: as above.
        assert_eq!(unsafe { copy(u64::MAX - 3, to.as_mut_ptr(), 8) }, 0);
    }

    #[test]
    fn copy_has_what_was_there() {
        let from: Vec<u8> = (0..LONGEST + 1).map(|n| n as u8).collect();
        let mut to = vec![0; LONGEST + 1];
        let at = from.as_ptr().expose_provenance() as u64;
        // SAFETY: the pointer and the length are those of one live vector.
        let copied = unsafe { copy(at, to.as_mut_ptr(), to.len()) };
        assert_eq!(copied, LONGEST);
        assert_eq!(from[..LONGEST], to[..LONGEST]);
        assert!(read(at, &mut to));
        assert_eq!(from, to);
        assert_eq!(word(at), Some(u64::from_ne_bytes([0, 1, 2, 3, 4, 5, 6, 7])));
    }

    #[test]
    fn own_page_is_copied_up_to_its_end() {
        let map = three_pages();
        let mut to = vec![0_u8; PAGE];
        // SAFETY: the vector has a page of room; the page read is this test's.
        let copied = unsafe { copy_own_page((map + 96) as u64, to.as_mut_ptr()) };
        assert_eq!(copied, PAGE - 96);
        // SAFETY: as above.
        let copied = unsafe { copy_own_page((map + PAGE) as u64, to.as_mut_ptr()) };
        assert_eq!(copied, 0);
    }
}
