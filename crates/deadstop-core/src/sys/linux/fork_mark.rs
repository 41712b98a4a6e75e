//! A mark that the children of a process do not inherit.
//!
//! A child of `fork` in a new PID namespace may have the number of its parent: both are
//! pid 1. Until a handler of `pthread_atfork` has run, and in a child of a bare `clone`
//! for good, nothing else tells the two apart. The kernel fills one page with zeroes in
//! each child that has memory of its own (`MADV_WIPEONFORK`, Linux 4.14); a child of
//! `vfork` shares the page, and has another number.
//!
//! # Orderings
//!
//! `page` is written with `Release` after the page is mapped, and read with `Acquire`.
//! The mark itself passes nothing on.

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const SET: u32 = 1;

/// The length of the mapping, which the kernel rounds up to a page.
const LEN: usize = 4096;

/// The mark. It is kept in a page that is never removed.
#[derive(Debug)]
pub struct ForkMark {
    page: AtomicPtr<AtomicU32>,
}

impl ForkMark {
    /// Creates a value without a page.
    pub const fn absent() -> Self {
        Self {
            page: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Sets the mark in this process. Where the kernel gives no such page, nothing is
    /// marked. For one thread at a time.
    pub fn set(&self) {
        let mut page = self.page.load(Ordering::Acquire);
        if page.is_null() {
            page = map();
            self.page.store(page, Ordering::Release);
        }
        // SAFETY: null, or a page that is never removed.
        if let Some(mark) = unsafe { page.as_ref() } {
            mark.store(SET, Ordering::Relaxed);
        }
    }

    /// Returns `false` in a child of the process that set the mark, unless the two share
    /// memory. Async-signal-safe.
    pub fn may_be_set(&self) -> bool {
        // SAFETY: null, or a page that is never removed.
        let mark = unsafe { self.page.load(Ordering::Acquire).as_ref() };
        mark.is_none_or(|mark| mark.load(Ordering::Relaxed) == SET)
    }
}

/// Maps a page that children find empty; null if the kernel has none.
fn map() -> *mut AtomicU32 {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping anywhere.
    let page = unsafe { libc::mmap(ptr::null_mut(), LEN, protection, flags, -1, 0) };
    if page == libc::MAP_FAILED {
        return ptr::null_mut();
    }
    // SAFETY: the mapping above.
    if unsafe { libc::madvise(page, LEN, libc::MADV_WIPEONFORK) } != 0 {
        // SAFETY: the mapping above, to which no pointer is left.
        unsafe { libc::munmap(page, LEN) };
        return ptr::null_mut();
    }
    page.cast()
}
