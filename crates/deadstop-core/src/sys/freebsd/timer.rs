//! A POSIX timer whose expiry ends the process without a thread of its own.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

use super::clock::timespec;
use super::errno;
use crate::sys::{Nanos, Target};

impl Target {
    /// Returns `None`: a jail's first process can kill itself, so no signal is needed.
    pub fn free_signal(_handler: extern "C" fn(c_int)) -> Option<c_int> {
        None
    }
}

/// A timer on `CLOCK_MONOTONIC`, created once and set as often as needed.
///
/// # Orderings
///
/// `id` is written with `Release` after the timer is created, and read with
/// `Acquire` before it is set.
#[derive(Debug)]
pub struct Timer {
    id: AtomicPtr<c_void>,
}

/// No timer: the C library returns addresses of its own.
const ABSENT: *mut c_void = ptr::null_mut();

impl Timer {
    /// Creates a value without a timer.
    pub const fn absent() -> Self {
        Self {
            id: AtomicPtr::new(ABSENT),
        }
    }

    /// Returns `true` if the timer exists.
    pub fn is_present(&self) -> bool {
        self.id.load(Ordering::Acquire) != ABSENT
    }

    /// Creates the timer, disarmed. The kernel asks of a signal only that it exists
    /// (`kern_ktimer_create`), so `SIGKILL` is allowed.
    ///
    /// # Errors
    ///
    /// Fails with the kernel's `errno`, and with `ENOSYS` for a thread.
    pub fn create(&self, target: Target) -> Result<(), c_int> {
        let Target::Process = target else {
            return Err(libc::ENOSYS);
        };
        // SAFETY: all zeroes are a value of `sigevent`, which is integers and pointers.
        let mut event = unsafe { MaybeUninit::<libc::sigevent>::zeroed().assume_init() };
        event.sigev_notify = libc::SIGEV_SIGNAL;
        event.sigev_signo = libc::SIGKILL;
        let mut id: *mut c_void = ABSENT;
        // SAFETY: the first pointer is valid for reads, the second for writes.
        let made = unsafe {
            libc::timer_create(libc::CLOCK_MONOTONIC, &raw mut event, (&raw mut id).cast())
        };
        if made != 0 {
            return Err(errno::last());
        }
        self.id.store(id, Ordering::Release);
        Ok(())
    }

    /// Forgets the timer. A child of `fork` does not inherit it.
    pub fn reset_after_fork(&self) {
        self.id.store(ABSENT, Ordering::Release);
    }

    /// Sets the timer to expire at `at`, in place of any earlier setting. It
    /// expires at once if that is in the past.
    ///
    /// Async-signal-safe: POSIX lists `timer_settime`.
    pub fn set(&self, at: Nanos) {
        let id = self.id.load(Ordering::Acquire);
        if id == ABSENT {
            return;
        }
        let when = libc::itimerspec {
            it_interval: timespec(Nanos(0)),
            // All zeroes would disarm the timer.
            it_value: timespec(Nanos(at.0.max(1))),
        };
        // SAFETY: the id is of a timer that `create` made and that is never
        // deleted; the pointer is valid for reads; the last one may be null.
        unsafe {
            libc::timer_settime(
                id.cast(),
                libc::TIMER_ABSTIME,
                &raw const when,
                ptr::null_mut(),
            )
        };
    }
}
