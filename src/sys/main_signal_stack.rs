//! The signal stack of the main thread.
//!
//! `std::process::exit` unmaps this stack before it calls the exit handlers, on any thread. The
//! main thread still has the address: the next signal with a handler on it ends the process by
//! SIGSEGV, or uses the stack of another thread, which was mapped there meanwhile. While an exit
//! is held, the memory must be there.
//!
//! # Orderings
//!
//! `LEN` is stored with a release after `START`, and loaded with an acquire before it.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicPtr, AtomicUsize, Ordering};

static START: AtomicPtr<libc::c_void> = AtomicPtr::new(ptr::null_mut());
static LEN: AtomicUsize = AtomicUsize::new(0);

/// Remembers the signal stack, if the calling thread is the main thread and has one.
pub(crate) fn remember() {
    if deadstop_core::tid() != deadstop_core::pid() {
        return;
    }
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: a null stack only asks; the second pointer is valid for writes.
    if unsafe { libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) } != 0 {
        return;
    }
    // SAFETY: zeroed, and now written.
    let stack = unsafe { stack.assume_init() };
    if stack.ss_flags & libc::SS_DISABLE == 0 {
        START.store(stack.ss_sp, Ordering::Relaxed);
        LEN.store(stack.ss_size, Ordering::Release);
    }
}

/// Maps memory for the signal stack again, if another thread than the main thread has unmapped
/// it. Does nothing if memory is there.
pub(crate) fn restore() {
    let len = LEN.load(Ordering::Acquire);
    if len == 0 || deadstop_core::tid() == deadstop_core::pid() {
        return;
    }
    let access = libc::PROT_READ | libc::PROT_WRITE;
    let kind = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS | libc::MAP_FIXED_NOREPLACE;
    let start = START.load(Ordering::Relaxed);
    // SAFETY: the kernel replaces no mapping (before Linux 4.17 it takes the address as a hint).
    unsafe { libc::mmap(start, len, access, kind, -1, 0) };
}
