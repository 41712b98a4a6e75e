//! Side effects of deadstop on other processes and other code: readers of its standard error,
//! programs that it starts, its terminal, the program's own `sigwait`, and several shutdowns in
//! one test process.
//!
//! The tests start this program again as their victims.

#![expect(unsafe_code, reason = "replaces descriptors, forks, and sends signals")]
#![expect(clippy::exit, reason = "how a program exits is part of a scenario")]

#[cfg(feature = "stacks")]
mod address_space;
#[cfg(feature = "stacks")]
mod container;
mod exec;
mod masks;
#[cfg(feature = "stacks")]
#[path = "../harness/memory_limit.rs"]
mod memory_limit;
mod one_process;
mod own_wait;
#[path = "../harness/self_victim.rs"]
mod self_victim;
mod set_user_id;
#[path = "../harness/skip.rs"]
mod skip;
mod standard_error;
mod terminal;

use std::fmt::Debug;
use std::process::Output;
use std::time::Duration;

use skip::skip;

const LONG: Duration = Duration::from_secs(20);

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn ok<T, E: Debug>(result: Result<T, E>) -> T {
    result.expect("install succeeds")
}

/// Blocks a signal in the calling thread. Async-signal-safe.
fn block(signal: i32) -> libc::sigset_t {
    let mut set = std::mem::MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: `sigemptyset` has initialized it.
    let mut set = unsafe { set.assume_init() };
    // SAFETY: an initialized set and a signal.
    unsafe { libc::sigaddset(&raw mut set, signal) };
    // SAFETY: an initialized set; the old one is not asked for.
    unsafe { libc::pthread_sigmask(libc::SIG_BLOCK, &raw const set, std::ptr::null_mut()) };
    set
}

/// The name of the function that hangs. Not of the closure that calls it: in a release build
/// all closures that call it alone are one function, with the name of any of them.
#[cfg(feature = "stacks")]
const PARK: &str = "surroundings::self_victim::park";
