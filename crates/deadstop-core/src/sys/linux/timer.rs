//! A POSIX timer whose expiry ends the process without a thread of its own.

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::ptr;
use core::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::bypass::is_bypassed;
use super::clock::timespec;
use super::errno;
use super::signal_actions::handle_if_free;
use crate::sys::{Nanos, Target};

impl Target {
    /// Finds a real-time signal that the program does not handle, and sets `handler`
    /// for it, which must be async-signal-safe and end the process.
    pub fn free_signal(handler: extern "C" fn(c_int)) -> Option<c_int> {
        // The signals that libc leaves to programs, highest first.
        let end = libc::SIGRTMAX().saturating_add(1);
        let mut signals = (libc::SIGRTMIN()..end).rev();
        signals.find(|signal| handle_if_free(*signal, handler))
    }
}

/// A timer on `CLOCK_MONOTONIC`, created once and set as often as needed.
///
/// # Orderings
///
/// `id` is written after the timer is created and before `is_present` (`Release`), and
/// read after it (`Acquire`).
#[derive(Debug)]
pub struct Timer {
    /// A `timer_t`. Null is a possible id in glibc.
    id: AtomicPtr<c_void>,
    is_present: AtomicBool,
}

impl Timer {
    /// Creates a value without a timer.
    pub const fn absent() -> Self {
        Self {
            id: AtomicPtr::new(ptr::null_mut()),
            is_present: AtomicBool::new(false),
        }
    }

    /// Returns `true` if the timer exists.
    #[inline]
    pub fn is_present(&self) -> bool {
        self.is_present.load(Ordering::Acquire)
    }

    /// Creates the timer, disarmed.
    ///
    /// # Errors
    ///
    /// Fails with the kernel's `errno`: `EAGAIN` means that the user's limit on
    /// pending signals is reached.
    pub fn create(&self, target: Target) -> Result<(), c_int> {
        // SAFETY: all zeroes are a value of `sigevent`, which is integers and a
        // union of integers and pointers.
        let mut event = unsafe { MaybeUninit::<libc::sigevent>::zeroed().assume_init() };
        match target {
            Target::Process => {
                event.sigev_notify = libc::SIGEV_SIGNAL;
                event.sigev_signo = libc::SIGKILL;
            }
            Target::Thread { signal, tid } => {
                event.sigev_notify = libc::SIGEV_THREAD_ID;
                event.sigev_signo = signal;
                event.sigev_notify_thread_id = tid;
            }
        }
        let mut id = ptr::null_mut();
        // SAFETY: the first pointer is valid for reads, the second for writes.
        let made = unsafe { create(&raw mut event, &raw mut id) };
        if made != 0 {
            return Err(errno::last());
        }
        self.id.store(id, Ordering::Relaxed);
        self.is_present.store(true, Ordering::Release);
        Ok(())
    }

    /// Forgets the timer. A child of `fork` does not inherit it.
    #[inline]
    pub fn reset_after_fork(&self) {
        self.is_present.store(false, Ordering::Release);
    }

    /// Sets the timer to expire at `at`, in place of any earlier setting. It
    /// expires at once if that is in the past.
    ///
    /// Async-signal-safe: POSIX lists `timer_settime`.
    #[inline(never)] // As `BackupTimer::distance`.
    pub fn set(&self, at: Nanos) {
        if !self.is_present() {
            return;
        }
        let id = self.id.load(Ordering::Relaxed);
        let mut when = libc::itimerspec {
            it_interval: timespec(Nanos(0)),
            it_value: timespec(at),
        };
        if at.0 == 0 {
            // All zeroes would disarm the timer.
            when.it_value.tv_nsec = 1;
        }
        // SAFETY: the id is of a timer that `create` made and that is never
        // deleted; the pointer is valid for reads; the last one may be null.
        unsafe { set(id, &raw const when) };
    }
}

/// Creates a timer. With [`bypass_libc`](super::bypass_libc) its handle is the kernel's number.
///
/// # Safety
///
/// The first pointer must be valid for reads, the second for a write.
unsafe fn create(event: *mut libc::sigevent, id: *mut *mut c_void) -> c_int {
    if !is_bypassed() {
        // SAFETY: the caller's contract.
        return unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, event, id.cast()) };
    }
    let mut number: c_int = 0;
    // SAFETY: the caller's contract; the last pointer is valid for a write.
    let made = unsafe {
        libc::syscall(
            libc::SYS_timer_create,
            libc::CLOCK_MONOTONIC,
            event,
            &raw mut number,
        )
    };
    if made == 0 {
        let handle = ptr::without_provenance_mut(number.unsigned_abs() as usize);
        // SAFETY: the caller's contract.
        unsafe { id.write(handle) };
    }
    made as c_int
}

/// Sets a timer.
///
/// # Safety
///
/// `id` must be of a timer that [`create`] made, and `when` valid for reads.
unsafe fn set(id: *mut c_void, when: *const libc::itimerspec) {
    let flags = libc::TIMER_ABSTIME;
    if is_bypassed() {
        let before = ptr::null_mut::<libc::itimerspec>();
        // SAFETY: the caller's contract.
        unsafe { libc::syscall(libc::SYS_timer_settime, id.addr(), flags, when, before) };
    } else {
        // SAFETY: the caller's contract.
        unsafe { libc::timer_settime(id.cast(), flags, when, ptr::null_mut()) };
    }
}
