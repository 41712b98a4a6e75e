//! Scheduling attributes of a thread that waits for a deadline.
//!
//! Under a seccomp filter, no thread makes a call at which the filter may kill the process:
//! systemd's `~@resources` names the calls that change slices and scheduling classes.

use core::mem::{MaybeUninit, size_of};

/// Asks the scheduler to wake the calling thread promptly. The kernel may
/// refuse each request; the thread then goes on without it.
///
/// Does not change the nice value: under load, combined with naps, that made the exit later,
/// not sooner.
pub fn request_prompt_wakeups() {
    // Unless asked otherwise, the kernel rounds wake-ups by 50 µs. Unprivileged.
    // SAFETY: `PR_SET_TIMERSLACK` takes one more integer, the slack in
    // nanoseconds, and changes the calling thread only.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as core::ffi::c_ulong) };

    if !has_system_call_filter() {
        request_short_slices();
    }
}

/// Asks to run before any thread that is not a real-time one. The kernel allows
/// that with `CAP_SYS_NICE` or `RLIMIT_RTPRIO` only, so a refusal is the usual
/// case.
///
/// For a thread that runs no code of the application: a signal handler that
/// loops would keep its processor to itself.
pub fn request_real_time() {
    if has_system_call_filter() {
        return;
    }
    // SAFETY: all zeroes are a value of `sched_param`, which is integers; musl's has
    // more of them than glibc's.
    let mut priority = unsafe { MaybeUninit::<libc::sched_param>::zeroed().assume_init() };
    priority.sched_priority = 1;
    // SAFETY: the pointer is valid for reads; 0 is the calling thread. The raw
    // call, since musl's wrapper refuses without asking.
    unsafe {
        libc::syscall(
            libc::SYS_sched_setscheduler,
            0,
            libc::SCHED_FIFO,
            &raw const priority,
        )
    };
}

/// Returns `true` if a seccomp filter checks the calls of this thread, or refuses the question.
fn has_system_call_filter() -> bool {
    // SAFETY: `PR_GET_SECCOMP` takes no more arguments.
    unsafe { libc::prctl(libc::PR_GET_SECCOMP) != 0 }
}

/// Asks for slices of 100 µs, the shortest there are: a thread that asks for
/// less at a time runs sooner (EEVDF, Linux 6.12 and later). Unprivileged, and
/// ignored by older kernels.
fn request_short_slices() {
    let mut current = MaybeUninit::<SchedAttr>::zeroed();
    // SAFETY: the pointer is valid for writes of the size given.
    let read = unsafe {
        libc::syscall(
            libc::SYS_sched_getattr,
            0,
            current.as_mut_ptr(),
            size_of::<SchedAttr>(),
            0,
        )
    };
    if read != 0 {
        return;
    }
    // SAFETY: all fields are integers, and zeroed memory is a value of each.
    let current = unsafe { current.assume_init() };
    let wanted = SchedAttr {
        size: size_of::<SchedAttr>() as u32,
        // Leaves `SCHED_IDLE` or `SCHED_BATCH`, if the process runs under one:
        // an idle-class thread can wait for seconds.
        sched_policy: libc::SCHED_OTHER as u32,
        sched_flags: 0,
        // Kept: the kernel would refuse to raise it, and the slice with it.
        sched_nice: current.sched_nice,
        sched_priority: 0,
        sched_runtime: 100_000,
        sched_deadline: 0,
        sched_period: 0,
    };
    // SAFETY: the pointer is valid for reads of the size in its first field.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) };
}

/// `struct sched_attr`, first version: `sched_setattr(2)`.
#[repr(C)]
struct SchedAttr {
    size: u32,
    sched_policy: u32,
    sched_flags: u64,
    sched_nice: i32,
    sched_priority: u32,
    sched_runtime: u64,
    sched_deadline: u64,
    sched_period: u64,
}
