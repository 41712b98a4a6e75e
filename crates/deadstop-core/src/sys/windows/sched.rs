//! The priority and the timer of the thread that waits for the deadline.
//!
//! # Orderings
//!
//! `TIMER` is written before `OWNER`, and only the thread that `OWNER` names reads it,
//! which is the one that wrote it.

use core::ffi::c_void;
use core::ptr;
use core::sync::atomic::{AtomicI32, AtomicPtr, Ordering};
use core::time::Duration;

use windows_sys::Win32::System::Threading::{
    CREATE_WAITABLE_TIMER_HIGH_RESOLUTION, CreateWaitableTimerExW, GetCurrentThread, INFINITE,
    SetThreadPriority, SetWaitableTimer, THREAD_PRIORITY_TIME_CRITICAL, TIMER_ALL_ACCESS,
    WaitForSingleObject,
};

use super::process::tid;

/// A thread that may use the timer; 0 for none.
static OWNER: AtomicI32 = AtomicI32::new(0);

/// The timer. It is never closed.
static TIMER: AtomicPtr<c_void> = AtomicPtr::new(ptr::null_mut());

/// A thread is claiming the timer.
const CLAIMED: i32 = -1;

/// Makes a timer of high resolution for the calling thread, if it is the first that asks:
/// the watchdog. It is made at install because it can fail, and because a thread of the
/// program may hold a lock later that its creation needs.
pub fn request_prompt_wakeups() {
    let claim = OWNER.compare_exchange(0, CLAIMED, Ordering::Relaxed, Ordering::Relaxed);
    if claim.is_err() {
        return;
    }
    // SAFETY: no security attributes and no name; the flags are two constants.
    let timer = unsafe {
        CreateWaitableTimerExW(
            ptr::null(),
            ptr::null(),
            CREATE_WAITABLE_TIMER_HIGH_RESOLUTION,
            TIMER_ALL_ACCESS,
        )
    };
    // Before Windows 10 version 1803 there is none. The wait is then late by a clock tick.
    if timer.is_null() {
        return;
    }
    TIMER.store(timer, Ordering::Relaxed);
    OWNER.store(tid(), Ordering::Relaxed);
}

/// Asks to run before other threads of the process. Unprivileged.
pub fn request_real_time() {
    // SAFETY: no precondition; it is a constant.
    let thread = unsafe { GetCurrentThread() };
    // SAFETY: the handle is of the calling thread.
    unsafe { SetThreadPriority(thread, THREAD_PRIORITY_TIME_CRITICAL) };
}

/// Returns `true` if the calling thread has a timer of high resolution.
pub(super) fn has_timer() -> bool {
    OWNER.load(Ordering::Relaxed) == tid()
}

/// Waits for `length` on the calling thread's timer.
pub(super) fn wait_on_timer(length: Duration) {
    let timer = TIMER.load(Ordering::Relaxed);
    // Negative for a length, in units of 100 ns.
    let units = i64::try_from(length.as_nanos().div_ceil(100)).unwrap_or(i64::MAX);
    let due = units.wrapping_neg();
    // SAFETY: the timer is open, the pointer is valid for reads, and there is no function
    // to call.
    let set = unsafe { SetWaitableTimer(timer, &raw const due, 0, None, ptr::null(), 0) };
    if set != 0 {
        // SAFETY: the timer is open.
        unsafe { WaitForSingleObject(timer, INFINITE) };
    }
}
