//! The same as `bare.c`, in this program: a process of this size, with as many threads as
//! deadstop's. The difference from deadstop is deadstop's cost. The difference from the C program
//! is the size of the process, which the kernel frees before the bench sees the end.

use std::mem::MaybeUninit;
use std::sync::mpsc;
use std::thread;
use std::{io, ptr};

use super::{Setup, TIMED_OUT};
use crate::conditions;

pub(crate) fn end_by_thread(setup: &Setup) -> ! {
    let (tell, told) = mpsc::channel::<u64>();
    let (started, starts) = mpsc::channel();
    let page = setup.page;
    let watch = move || {
        started.send(()).unwrap();
        // SAFETY: takes one more integer, and changes this thread only.
        unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1) };
        let deadline = timespec(told.recv().unwrap());
        let by = libc::TIMER_ABSTIME;
        // SAFETY: the first pointer is valid for reads; the second may be null.
        while unsafe {
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, by, &deadline, ptr::null_mut())
        } != 0
        {}
        page.ended.stamp();
        // SAFETY: takes an integer.
        unsafe { libc::_exit(TIMED_OUT) }
    };
    thread::Builder::new()
        .name("bare-watch".into())
        .spawn(watch)
        .unwrap();
    // It has its name then.
    starts.recv().unwrap();
    let bystander = setup.bystander();
    // deadstop has two threads.
    conditions::crowd(1, conditions::park);
    // The kernel's record of the exit is part of the teardown, here as for deadstop.
    setup.ender("bare-watch");
    setup.load();
    setup.begin();
    tell.send(page.deadline.get().unwrap()).unwrap();
    setup.blocking_cleanup(bystander)
}

/// Stops the process. It has a thread that waits, as a watchdog's would.
pub(crate) fn end_by_timer(setup: &Setup) -> ! {
    let mut timer = MaybeUninit::<libc::timer_t>::uninit();
    let mut event = MaybeUninit::<libc::sigevent>::zeroed();
    // SAFETY: all fields are integers and pointers, and zeroes are values of
    // them.
    let kill = unsafe { event.assume_init_mut() };
    kill.sigev_notify = libc::SIGEV_SIGNAL;
    kill.sigev_signo = libc::SIGKILL;
    // SAFETY: both pointers are valid, one for reads and one for writes.
    let made = unsafe { libc::timer_create(libc::CLOCK_MONOTONIC, kill, timer.as_mut_ptr()) };
    assert_eq!(made, 0, "{}", io::Error::last_os_error());
    // SAFETY: the call has written it.
    let timer = unsafe { timer.assume_init() };
    conditions::crowd(1, conditions::park);
    setup.load();
    setup.begin();
    let at = libc::itimerspec {
        it_interval: timespec(0),
        it_value: timespec(setup.page.deadline.get().unwrap()),
    };
    // SAFETY: the timer is the one made above, and the first pointer is valid
    // for reads; the second may be null.
    let set = unsafe { libc::timer_settime(timer, libc::TIMER_ABSTIME, &at, ptr::null_mut()) };
    assert_eq!(set, 0, "{}", io::Error::last_os_error());
    setup.stop()
}

fn timespec(nanos: u64) -> libc::timespec {
    libc::timespec {
        tv_sec: (nanos / 1_000_000_000) as _,
        tv_nsec: (nanos % 1_000_000_000) as _,
    }
}
