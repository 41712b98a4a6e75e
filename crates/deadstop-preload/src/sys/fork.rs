//! Detects a child of `fork` that has not been prepared yet.
//!
//! A signal may arrive in the child before any handler of `pthread_atfork` has run, and a
//! bare `clone` runs none. The kernel fills one page with zeroes in each child that has
//! memory of its own (`MADV_WIPEONFORK`, Linux 4.14); a child of `vfork` shares the page
//! with its parent, and sees it as it was.
//!
//! # Orderings
//!
//! The thread that takes the mark writes the state of the new process, and then sets it
//! (`Release`); another thread reads the mark first (`Acquire`).

use core::ptr;
use core::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

const WIPED: u32 = 0;
const PREPARING: u32 = 1;
const PREPARED: u32 = 2;

const PAGE: usize = 4096;

/// The page; null where there is none, and until the constructor has run.
static MARK: AtomicPtr<AtomicU32> = AtomicPtr::new(ptr::null_mut());

/// Makes the page. Without one, calls `in_child` in every child that `fork` makes,
/// before `fork` returns there. For the constructor.
pub(crate) fn watch(in_child: extern "C" fn()) {
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: a new mapping anywhere.
    let page = unsafe { libc::mmap(ptr::null_mut(), PAGE, protection, flags, -1, 0) };
    // SAFETY: the mapping above, if there is one; else an error.
    if page != libc::MAP_FAILED && unsafe { libc::madvise(page, PAGE, libc::MADV_WIPEONFORK) } == 0
    {
        let mark = page.cast::<AtomicU32>();
        // SAFETY: aligned, and within a page that is never removed.
        unsafe { &*mark }.store(PREPARED, Ordering::Release);
        MARK.store(mark, Ordering::Release);
        return;
    }
    // SAFETY: each argument may be null, or a function without arguments that stays
    // valid for the life of the process, since this library is never unloaded.
    unsafe { libc::pthread_atfork(None, None, Some(as_unsafe(in_child))) };
}

/// Calls `prepare` if this process is a child of `fork` in which it has not been called.
/// Returns `false` while another thread is doing that. Async-signal-safe.
pub(crate) fn prepare_child(prepare: impl FnOnce()) -> bool {
    let mark = MARK.load(Ordering::Acquire);
    // SAFETY: null, or the page that is never removed.
    let Some(mark) = (unsafe { mark.as_ref() }) else {
        return true;
    };
    match mark.compare_exchange(WIPED, PREPARING, Ordering::AcqRel, Ordering::Acquire) {
        Ok(_) => {
            prepare();
            mark.store(PREPARED, Ordering::Release);
            true
        }
        Err(mark) => mark == PREPARED,
    }
}

fn as_unsafe(f: extern "C" fn()) -> unsafe extern "C" fn() {
    f
}
