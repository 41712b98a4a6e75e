//! What the faults do. Each is a function of its own, so that a stack says
//! which one struck.

use std::fs::File;
use std::hint;
use std::io::{self, Read, Write};
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use crate::sys;

use super::kind::Fault;

impl Fault {
    /// Does it, on the calling thread. Returns only if it is
    /// [`Slow`](Self::Slow).
    ///
    /// # Panics
    ///
    /// [`Panic`](Self::Panic) does. The others do if the system refuses what
    /// they need to get stuck (a pipe, a thread, a child), and
    /// [`AllocatorLock`](Self::AllocatorLock) without a
    /// [`StuckAllocator`](super::StuckAllocator).
    ///
    /// # Async-signal-safety
    ///
    /// Not async-signal-safe: it allocates and takes locks, as far as it comes.
    #[inline(never)]
    pub fn strike(self) {
        match self {
            Self::AllocatorLock => wait_for_the_allocator(),
            Self::BlockedPipeWrite => write_to_a_full_pipe(),
            Self::BlockedRead => read_from_a_silent_pipe(),
            Self::ChildProcess => wait_for_an_endless_child(),
            Self::Panic => panic_as_planted(),
            Self::SelfDeadlock => deadlock_with_itself(),
            Self::Sleep => sleep_for_ever(),
            Self::Slow(time) => be_slow(time),
            Self::Spin => spin_for_ever(),
            Self::StderrLock => print_to_a_locked_stderr(),
            Self::StdoutLock => print_to_a_locked_stdout(),
        }
    }
}

#[inline(never)]
fn wait_for_the_allocator() -> ! {
    assert!(
        sys::allocator::is_in_use(),
        "fault allocator-lock: the program has no deadstop::fault::StuckAllocator \
         as its #[global_allocator]"
    );
    sys::allocator::hold_lock();
    drop(hint::black_box(Box::new(0_u8)));
    unstuck(Fault::AllocatorLock);
}

#[inline(never)]
fn write_to_a_full_pipe() -> ! {
    let (_unread, to) = sys::pipe::pipe().unwrap_or_else(|error| refused("pipe", &error));
    let mut to = File::from(to);
    while to.write_all(&[b'.'; 4096]).is_ok() {}
    unstuck(Fault::BlockedPipeWrite);
}

#[inline(never)]
fn read_from_a_silent_pipe() -> ! {
    let (from, _silent) = sys::pipe::pipe().unwrap_or_else(|error| refused("pipe", &error));
    let _ = File::from(from).read(&mut [0]);
    unstuck(Fault::BlockedRead);
}

#[inline(never)]
fn wait_for_an_endless_child() -> ! {
    let child = sys::child::start_endless().unwrap_or_else(|error| refused("child", &error));
    sys::child::wait(child);
    unstuck(Fault::ChildProcess);
}

#[inline(never)]
fn panic_as_planted() -> ! {
    panic!("fault panic: planted");
}

#[inline(never)]
fn deadlock_with_itself() -> ! {
    let lock = Mutex::new(());
    let _held = lock.lock();
    let _never = lock.lock();
    unstuck(Fault::SelfDeadlock);
}

#[inline(never)]
fn sleep_for_ever() -> ! {
    loop {
        thread::sleep(LONG);
    }
}

#[inline(never)]
fn be_slow(time: Duration) {
    thread::sleep(time);
}

#[inline(never)]
fn spin_for_ever() -> ! {
    loop {
        hint::spin_loop();
    }
}

#[inline(never)]
fn print_to_a_locked_stderr() -> ! {
    hold(|| io::stderr().lock());
    let _ = writeln!(io::stderr(), "nobody will read this");
    unstuck(Fault::StderrLock);
}

#[inline(never)]
fn print_to_a_locked_stdout() -> ! {
    hold(|| io::stdout().lock());
    let _ = writeln!(io::stdout(), "nobody will read this");
    unstuck(Fault::StdoutLock);
}

/// Takes a lock on a thread of its own that keeps it, and returns when it is
/// held.
fn hold<G>(lock: impl FnOnce() -> G + Send + 'static) {
    let (to, held) = mpsc::channel();
    let thread = thread::Builder::new()
        .name("fault-lock".into())
        .spawn(move || {
            let _held = lock();
            let _ = to.send(());
            sleep_for_ever();
        });
    if let Err(error) = thread {
        refused("thread", &error);
    }
    // It may not come to this: somebody else may have the lock.
    let _ = held.recv();
}

/// The system does not let the process get stuck.
fn refused(what: &str, error: &io::Error) -> ! {
    panic!("the fault did not strike: no {what} to be had: {error}");
}

/// A fault that lets go proves nothing, and says so.
fn unstuck(fault: Fault) -> ! {
    panic!("fault {fault} did not hold");
}

/// As good as for ever, and no length that a system might refuse.
const LONG: Duration = Duration::from_secs(86_400);
