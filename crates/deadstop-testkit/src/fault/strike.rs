//! The faults themselves. Each has a function of its own, so that a stack trace names it.

use std::fs::File;
use std::hint;
use std::io::{self, Read, Write};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::sys;

use super::kind::Fault;

impl Fault {
    /// Injects the fault on the calling thread. Only [`Slow`](Self::Slow)
    /// returns.
    ///
    /// # Panics
    ///
    /// [`Panic`](Self::Panic) panics. The others panic if the system refuses
    /// what they need to hang (a pipe, a thread, a child), and
    /// [`AllocatorLock`](Self::AllocatorLock) without a
    /// [`StuckAllocator`](crate::StuckAllocator).
    #[inline(never)]
    pub fn strike(self) {
        match self {
            Self::AllocatorLock => allocate_under_held_lock(),
            Self::BlockedPipeWrite => write_to_full_pipe(),
            Self::BlockedRead => read_from_empty_pipe(),
            Self::ChildProcess => wait_for_endless_child(),
            Self::Panic => panic_as_planned(),
            Self::SelfDeadlock => lock_twice(),
            Self::Sleep => sleep_forever(),
            Self::Slow(time) => sleep_for(time),
            Self::Spin => spin_forever(),
            Self::StderrLock => print_to_locked_stderr(),
            Self::StdoutLock => print_to_locked_stdout(),
        }
    }
}

#[inline(never)]
fn allocate_under_held_lock() -> ! {
    assert!(
        sys::allocator::is_in_use(),
        "fault allocator-lock: the program's #[global_allocator] is no \
         deadstop_testkit::StuckAllocator"
    );
    sys::allocator::hold_lock();
    drop(hint::black_box(Box::new(0_u8)));
    unstuck(Fault::AllocatorLock);
}

#[inline(never)]
fn write_to_full_pipe() -> ! {
    let (_unread, to) = sys::pipe::pipe().unwrap_or_else(|error| refused("pipe", &error));
    let mut to = File::from(to);
    while to.write_all(&[b'.'; 4096]).is_ok() {}
    unstuck(Fault::BlockedPipeWrite);
}

#[inline(never)]
fn read_from_empty_pipe() -> ! {
    let (from, _silent) = sys::pipe::pipe().unwrap_or_else(|error| refused("pipe", &error));
    let _ = File::from(from).read(&mut [0]);
    unstuck(Fault::BlockedRead);
}

#[inline(never)]
fn wait_for_endless_child() -> ! {
    let child = sys::child::start_endless().unwrap_or_else(|error| refused("child", &error));
    sys::child::wait(child);
    unstuck(Fault::ChildProcess);
}

#[inline(never)]
fn panic_as_planned() -> ! {
    panic!("fault panic: planted");
}

#[inline(never)]
fn lock_twice() -> ! {
    let lock = Mutex::new(());
    let _held = lock.lock();
    let _never = lock.lock();
    unstuck(Fault::SelfDeadlock);
}

#[inline(never)]
fn sleep_forever() -> ! {
    loop {
        thread::sleep(LONG);
    }
}

#[inline(never)]
fn sleep_for(time: Duration) {
    thread::sleep(time);
}

#[inline(never)]
fn spin_forever() -> ! {
    loop {
        hint::spin_loop();
    }
}

#[inline(never)]
fn print_to_locked_stderr() -> ! {
    hold(|| io::stderr().lock());
    let _ = writeln!(io::stderr(), "this line is never written");
    unstuck(Fault::StderrLock);
}

#[inline(never)]
fn print_to_locked_stdout() -> ! {
    hold(|| io::stdout().lock());
    let _ = writeln!(io::stdout(), "this line is never written");
    unstuck(Fault::StdoutLock);
}

/// Takes a lock on a new thread that never releases it. Returns once the lock is
/// held.
fn hold<G>(lock: impl FnOnce() -> G + Send + 'static) {
    let (to, held) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("fault-lock".into())
        .spawn(move || {
            let _held = lock();
            let _ = to.send(());
            sleep_forever();
        });
    if let Err(error) = thread {
        refused("thread", &error);
    }
    // May never return: another thread may hold the lock already.
    let _ = held.recv();
}

/// Panics: the system refused what the fault needs.
fn refused(what: &str, error: &io::Error) -> ! {
    panic!("could not inject the fault: cannot create a {what}: {error}");
}

/// Panics: a hang that ended proves nothing.
fn unstuck(fault: Fault) -> ! {
    panic!("fault {fault} did not hold");
}

/// A day: longer than any test, and a length that no system refuses.
const LONG: Duration = Duration::from_secs(86_400);
