//! The system calls that scenarios need, as safe functions.

use std::io;
use std::mem::{MaybeUninit, size_of};

/// Makes the kernel end this process when its parent thread ends.
pub(crate) fn die_with_parent() {
    // SAFETY: `PR_SET_PDEATHSIG` takes an integer.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
}

/// Has the main thread handle SIGUSR1 on its signal stack.
pub(crate) fn signal_main_thread() {
    extern "C" fn handle(_signal: i32) {}
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: zeros are an action without flags and with an empty mask.
    let action = unsafe { action.assume_init_mut() };
    action.sa_sigaction = handle as *const () as usize;
    action.sa_flags = libc::SA_ONSTACK;
    // SAFETY: the handler does nothing; a null pointer does not ask for the old action.
    let result = unsafe { libc::sigaction(libc::SIGUSR1, action, std::ptr::null_mut()) };
    assert_eq!(result, 0, "sigaction");
    // SAFETY: no precondition.
    let pid = unsafe { libc::getpid() };
    // SAFETY: tgkill(2) takes three integers.
    let result = unsafe { libc::syscall(libc::SYS_tgkill, pid, pid, libc::SIGUSR1) };
    assert_eq!(result, 0, "tgkill");
}

/// Ends the process without exit handlers, although a thread may wait in one.
pub(crate) fn exit_at_once(status: i32) -> ! {
    // SAFETY: `_exit` takes an integer.
    unsafe { libc::_exit(status) }
}

pub(crate) fn at_exit(handler: extern "C" fn()) {
    // SAFETY: the handler is a function of this program, which is not unloaded.
    let refused = unsafe { libc::atexit(handler) };
    assert_eq!(refused, 0, "atexit");
}

/// Reads `CLOCK_MONOTONIC`, in nanoseconds.
pub(crate) fn now() -> u64 {
    let mut time = MaybeUninit::<libc::timespec>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, time.as_mut_ptr()) };
    // SAFETY: zeroed, and now written; both fields are integers.
    let time = unsafe { time.assume_init() };
    time.tv_sec.unsigned_abs() * 1_000_000_000 + time.tv_nsec.unsigned_abs()
}

/// Sends this process a signal.
pub(crate) fn send(signal: i32) {
    // SAFETY: getpid(2) takes nothing.
    let pid = unsafe { libc::getpid() };
    // SAFETY: kill(2) takes two integers.
    check(unsafe { libc::kill(pid, signal) }, "kill");
}

/// Restricts the process to the processor on which it runs.
pub(crate) fn use_one_processor() {
    // SAFETY: sched_getcpu(3) takes nothing.
    let here = check(unsafe { libc::sched_getcpu() }, "sched_getcpu");
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: zeroed is a set without members.
    let set = unsafe { set.assume_init_mut() };
    // SAFETY: the kernel numbers processors below the size of the set here.
    unsafe { libc::CPU_SET(here.unsigned_abs() as usize, set) };
    // SAFETY: the set is valid for reads, and of the size that is said.
    let result = unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), set) };
    check(result, "sched_setaffinity");
}

/// Lets every other thread that can run go first.
pub(crate) fn lower_priority() {
    let priority = libc::sched_param { sched_priority: 0 };
    // SAFETY: the pointer is valid for reads.
    let result = unsafe { libc::sched_setscheduler(0, libc::SCHED_IDLE, &raw const priority) };
    check(result, "sched_setscheduler");
}

/// Panics with the system's reason if `result` says that a call failed.
fn check(result: i32, what: &str) -> i32 {
    assert!(result != -1, "{what}: {}", io::Error::last_os_error());
    result
}
