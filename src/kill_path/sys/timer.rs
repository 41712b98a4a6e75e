//! A POSIX timer whose expiry ends the process without code of ours.

use ::core::ffi::c_int;
use ::core::mem::MaybeUninit;
use ::core::option::Option::{None, Some};
use ::core::ptr;
use ::core::result::Result::{self, Err, Ok};
use ::core::sync::atomic::{AtomicPtr, Ordering};

use super::clock::{Nanos, timespec};
use super::mask::{handle_if_free, real_time_signals};
use super::terminate::terminate;

/// What the timer's expiry does.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(in crate::kill_path) enum Target {
    /// `SIGKILL` to the process. Nothing of the process needs to run.
    Process,
    /// `signal` to one thread, for a process that the kernel shields from its
    /// own `SIGKILL`.
    Thread { signal: c_int, tid: c_int },
}

impl Target {
    /// Finds a real-time signal that nobody handles, and gives it a handler
    /// that calls [`terminate`] with 128 + 9, the status of a process that
    /// `SIGKILL` ended as shells and container runtimes report it.
    pub(in crate::kill_path) fn free_signal() -> ::core::option::Option<c_int> {
        for signal in real_time_signals() {
            if let Some(()) = handle_if_free(signal, end_as_killed) {
                return Some(signal);
            }
        }
        None
    }
}

/// One timer on `CLOCK_MONOTONIC`, made once and set as often as needed.
pub(in crate::kill_path) struct Timer {
    // A `timer_t`. Null is a possible id in glibc, so absence is another word.
    id: AtomicPtr<::core::ffi::c_void>,
}

/// No timer: an address that libc never gives out as an id.
const ABSENT: *mut ::core::ffi::c_void = ptr::without_provenance_mut(usize::MAX);

impl Timer {
    pub(in crate::kill_path) const fn absent() -> Self {
        Self {
            id: AtomicPtr::new(ABSENT),
        }
    }

    pub(in crate::kill_path) fn is_present(&self) -> bool {
        self.id.load(Ordering::Acquire) != ABSENT
    }

    /// Makes the timer, unset. The error is the system's number for it;
    /// `EAGAIN` means that the user's limit on pending signals is reached.
    pub(in crate::kill_path) fn create(&self, target: Target) -> Result<(), c_int> {
        // SAFETY: all zeroes are a value of `sigevent`, which is integers and a
        // union of integers and pointers.
        let mut event = unsafe { MaybeUninit::<::libc::sigevent>::zeroed().assume_init() };
        match target {
            Target::Process => {
                event.sigev_notify = ::libc::SIGEV_SIGNAL;
                event.sigev_signo = ::libc::SIGKILL;
            }
            Target::Thread { signal, tid } => {
                event.sigev_notify = ::libc::SIGEV_THREAD_ID;
                event.sigev_signo = signal;
                event.sigev_notify_thread_id = tid;
            }
        }
        let mut id = ABSENT;
        // SAFETY: the first pointer is valid for reads, the second for writes.
        let made = unsafe {
            ::libc::timer_create(
                ::libc::CLOCK_MONOTONIC,
                &raw mut event,
                (&raw mut id).cast(),
            )
        };
        if made != 0 {
            // SAFETY: the address of the calling thread's own `errno`.
            let place = unsafe { ::libc::__errno_location() };
            // SAFETY: valid for as long as the thread lives.
            return Err(unsafe { place.read() });
        }
        self.id.store(id, Ordering::Release);
        Ok(())
    }

    /// Forgets the timer. A child of `fork` does not inherit it.
    pub(in crate::kill_path) fn forget(&self) {
        self.id.store(ABSENT, Ordering::Release);
    }

    /// Sets the timer to go off at `at`, instead of whenever it was set to. A
    /// point in the past makes it go off at once.
    ///
    /// Async-signal-safe: POSIX has `timer_settime` on its list.
    pub(in crate::kill_path) fn set(&self, at: Nanos) {
        let id = self.id.load(Ordering::Acquire);
        if id == ABSENT {
            return;
        }
        let mut when = ::libc::itimerspec {
            it_interval: timespec(Nanos(0)),
            it_value: timespec(at),
        };
        if at.0 == 0 {
            // All zeroes would unset the timer.
            when.it_value.tv_nsec = 1;
        }
        // SAFETY: the id is of a timer that `create` made and that nobody
        // deletes; the pointer is valid for reads; the last one may be null.
        unsafe {
            ::libc::timer_settime(
                id.cast(),
                ::libc::TIMER_ABSTIME,
                &raw const when,
                ptr::null_mut(),
            )
        };
    }
}

/// Async-signal-safe.
extern "C" fn end_as_killed(_signal: c_int) {
    terminate(128_i32.wrapping_add(::libc::SIGKILL))
}
