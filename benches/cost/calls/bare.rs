//! The system calls of `arm` alone: a `timer_settime`
//! and a wake-up of one thread that waits on a futex.

use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;

use super::GRACE;

/// A timer that kills, and a thread that waits.
pub(super) struct Bare {
    timer: libc::timer_t,
    word: &'static AtomicU32,
}

impl Bare {
    pub(super) fn install() -> Self {
        let word: &AtomicU32 = Box::leak(Box::new(AtomicU32::new(0)));
        let wait = || {
            loop {
                futex(word, libc::FUTEX_WAIT, word.load(Ordering::Acquire));
            }
        };
        // Left parked: the process ends with it.
        thread::Builder::new().spawn(wait).unwrap();
        Self {
            timer: timer(),
            word,
        }
    }

    /// Both calls. The timer is set far away.
    pub(super) fn arm(&self) {
        let mut at: libc::itimerspec = zeroed();
        at.it_value.tv_sec = GRACE.as_secs() as i64;
        // SAFETY: the timer is one that `timer_create` gave, and `at` can be
        // read; the old value is not asked for.
        let set = unsafe { libc::timer_settime(self.timer, 0, &at, ptr::null_mut()) };
        assert_eq!(set, 0);
        self.word.fetch_add(1, Ordering::Release);
        futex(self.word, libc::FUTEX_WAKE, u32::MAX >> 1);
    }
}

fn timer() -> libc::timer_t {
    let mut event: libc::sigevent = zeroed();
    event.sigev_notify = libc::SIGEV_SIGNAL;
    event.sigev_signo = libc::SIGKILL;
    let mut timer: libc::timer_t = ptr::null_mut();
    // SAFETY: both can be written, and the event is one that the call knows.
    let made = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, &mut event, &mut timer) };
    assert_eq!(made, 0);
    timer
}

fn futex(word: &'static AtomicU32, operation: i32, value: u32) {
    let operation = operation | libc::FUTEX_PRIVATE_FLAG;
    let no_time = ptr::null::<libc::timespec>();
    // SAFETY: the word lives for ever, and neither operation reads more than
    // the arguments that are given.
    unsafe { libc::syscall(libc::SYS_futex, word.as_ptr(), operation, value, no_time) };
}

/// Returns a zeroed value of the system's plain data.
fn zeroed<T>() -> T {
    let data = MaybeUninit::zeroed();
    // SAFETY: it is used for `itimerspec` and `sigevent`, of numbers and
    // pointers, for which all zeroes are a value.
    unsafe { data.assume_init() }
}
