//! Waits for a change of a word, by `_umtx_op`.

use core::ffi::c_void;
use core::mem::size_of;
use core::ptr;
use core::sync::atomic::AtomicU32;

use super::clock::timespec;
use crate::sys::Nanos;

/// Wakes every thread that waits for the word.
pub(super) fn wake_all(word: &AtomicU32) {
    // SAFETY: the pointer is to a live word; the last two arguments are not used.
    unsafe {
        libc::_umtx_op(
            word.as_ptr().cast(),
            libc::UMTX_OP_WAKE_PRIVATE,
            i32::MAX as _,
            ptr::null_mut(),
            ptr::null_mut(),
        )
    };
}

/// Waits until the word is not `seen`, or the clock reads `until`. May return before
/// either.
pub(super) fn wait(word: &AtomicU32, seen: u32, until: Option<Nanos>) {
    let mut timeout = until.map(|until| libc::_umtx_time {
        _timeout: timespec(until),
        _flags: libc::UMTX_ABSTIME,
        _clockid: libc::CLOCK_MONOTONIC as u32,
    });
    // The fourth argument is the size of the fifth, as a pointer.
    let size = match timeout {
        Some(_) => ptr::without_provenance_mut::<c_void>(size_of::<libc::_umtx_time>()),
        None => ptr::null_mut(),
    };
    let timeout = timeout.as_mut().map_or(ptr::null_mut(), ptr::from_mut);
    // SAFETY: the pointer is to a live word, and the timeout is null or valid for reads.
    unsafe {
        libc::_umtx_op(
            word.as_ptr().cast(),
            libc::UMTX_OP_WAIT_UINT_PRIVATE,
            seen as _,
            size,
            timeout.cast(),
        )
    };
}
