//! Waits for a change of a word, by `os_sync_wait_on_address`.

use core::mem::size_of;
use core::sync::atomic::AtomicU32;

use super::clock::ticks;
use crate::sys::Nanos;

/// The size of the word.
const SIZE: usize = size_of::<u32>();

/// Wakes every thread that waits for the word.
pub(super) fn wake_all(word: &AtomicU32) {
    let address = word.as_ptr().cast();
    // SAFETY: the pointer is to a live word of the size given. That no thread waits is an
    // error, not a hazard.
    unsafe { libc::os_sync_wake_by_address_all(address, SIZE, libc::OS_SYNC_WAKE_BY_ADDRESS_NONE) };
}

/// Waits until the word is not `seen`, or the clock reads `until`. May return before
/// either.
pub(super) fn wait(word: &AtomicU32, seen: u32, until: Option<Nanos>) {
    let address = word.as_ptr().cast();
    let (value, flags) = (seen.into(), libc::OS_SYNC_WAIT_ON_ADDRESS_NONE);
    match until {
        // SAFETY: the pointer is to a live word of the size given.
        None => unsafe { libc::os_sync_wait_on_address(address, value, SIZE, flags) },
        // SAFETY: as above; the deadline is a reading of the clock that is named.
        Some(until) => unsafe {
            libc::os_sync_wait_on_address_with_deadline(
                address,
                value,
                SIZE,
                flags,
                libc::OS_CLOCK_MACH_ABSOLUTE_TIME,
                // Zero would be an error.
                ticks(until).max(1),
            )
        },
    };
}
