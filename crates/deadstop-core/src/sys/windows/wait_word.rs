//! Waits for a change of a word, by `WaitOnAddress`.

use core::ptr;
use core::sync::atomic::{AtomicU32, Ordering};
use core::time::Duration;

use windows_sys::Win32::System::Threading::{INFINITE, WaitOnAddress, WakeByAddressAll};

use super::clock::{milliseconds, now};
use super::sched;
use crate::sys::Nanos;

/// The end of a wait that the watchdog leaves to its own timer: `WaitOnAddress` is late by
/// up to a clock tick, which has 15.6 ms.
const LAST: Duration = Duration::from_millis(20);

/// Wakes every thread that waits for the word.
pub(super) fn wake_all(word: &AtomicU32) {
    // SAFETY: the pointer is to a live `AtomicU32`; only its address is used.
    unsafe { WakeByAddressAll(word.as_ptr().cast()) };
}

/// Waits until the word is not `seen`, or the clock reads `until`. May return before
/// either.
///
/// The watchdog's thread does not hear a wake-up in the last 20 ms before `until`, and
/// learns of it then.
pub(super) fn wait(word: &AtomicU32, seen: u32, until: Option<Nanos>) {
    let Some(until) = until else {
        return wait_for(word, seen, INFINITE);
    };
    let left = until.since(now());
    match left.checked_sub(LAST) {
        Some(early) if sched::has_timer() => wait_for(word, seen, milliseconds(early)),
        None if sched::has_timer() => {
            if word.load(Ordering::Acquire) == seen {
                sched::wait_on_timer(left);
            }
        }
        _ => wait_for(word, seen, milliseconds(left)),
    }
}

fn wait_for(word: &AtomicU32, seen: u32, milliseconds: u32) {
    // SAFETY: both pointers are valid for reads of four bytes, the first for as long
    // as the thread waits.
    unsafe {
        WaitOnAddress(
            word.as_ptr().cast(),
            ptr::from_ref(&seen).cast(),
            size_of::<u32>(),
            milliseconds,
        )
    };
}
