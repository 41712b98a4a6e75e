//! A program with deadstop's watchdog and nothing else, as small as `bare.c`.
//!
//!     program GRACE_NS PAGE_FD
//!
//! The page that it shares with the bench is that of `../page.rs`.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use std::{env, fs, ptr, thread};

use deadstop::Watchdog;

#[repr(C)]
struct Page {
    ender: AtomicU64,
    policy: AtomicU64,
    ready: AtomicU64,
    loaded: AtomicU64,
    deadline: AtomicU64,
}

const UNPRIVILEGED: u32 = 65534;

fn main() {
    let mut arguments = env::args().skip(1).map(|number| number.parse::<u64>().unwrap());
    let grace = Duration::from_nanos(arguments.next().unwrap());
    let page = map(arguments.next().unwrap() as i32);
    drop_privileges();
    let watchdog = Watchdog::builder().grace(grace).install().unwrap();
    let tid = other_thread();
    // SAFETY: takes an integer, and reads.
    let policy = unsafe { libc::sched_getscheduler(tid) };
    page.policy.store(policy as u64 + 1, Ordering::Release);
    page.ender.store(tid as u64, Ordering::Release);
    page.ready.store(1, Ordering::Release);
    while page.loaded.load(Ordering::Acquire) == 0 {
        thread::sleep(Duration::from_millis(1));
    }
    thread::sleep(Duration::from_millis(20));
    page.deadline.store(now() + grace.as_nanos() as u64, Ordering::Release);
    watchdog.arm();
    // The deadline itself, in place of the estimate from just before it was set.
    page.deadline.store(nanos(watchdog.deadline().unwrap()), Ordering::Release);
    loop {
        thread::park();
    }
}

fn map(descriptor: i32) -> &'static Page {
    let access = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping at an address of the kernel's choice.
    let page = unsafe {
        libc::mmap(ptr::null_mut(), size_of::<Page>(), access, libc::MAP_SHARED, descriptor, 0)
    };
    assert_ne!(page, libc::MAP_FAILED);
    // SAFETY: mapped just now for reading and writing, as long as a `Page`, and never unmapped.
    unsafe { &*page.cast::<Page>() }
}

/// Becomes a process of an unprivileged user, which ends with its parent.
fn drop_privileges() {
    // SAFETY: these calls take integers; no group is read from the null pointer.
    unsafe {
        if libc::getuid() == 0 {
            assert_eq!(libc::setgroups(0, ptr::null()), 0);
            assert_eq!(libc::setgid(UNPRIVILEGED), 0);
            assert_eq!(libc::setuid(UNPRIVILEGED), 0);
            libc::prctl(libc::PR_SET_DUMPABLE, 1);
        }
        libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL);
    }
}

/// The thread that is not the main thread: the watchdog.
fn other_thread() -> i32 {
    let threads = fs::read_dir("/proc/self/task").unwrap().flatten();
    let tids = threads.map(|thread| thread.file_name().to_str().unwrap().parse().unwrap());
    tids.max().unwrap()
}

/// A point in time as nanoseconds of `CLOCK_MONOTONIC`, at most ten microseconds too early.
fn nanos(at: Instant) -> u64 {
    loop {
        let before = now();
        let ahead = at - Instant::now();
        // Otherwise another thread ran between the two readings.
        if now() - before < 10_000 {
            return before + ahead.as_nanos() as u64;
        }
    }
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
