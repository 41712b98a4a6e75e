//! Scheduling of a thread that waits for a deadline.

use crate::sys::Nanos;

use super::clock::ticks;

/// Makes the calling thread one of the time-constraint class, whose wake-ups the kernel
/// does not put off to save power. Unprivileged.
pub fn request_prompt_wakeups() {
    let length = |nanos| u32::try_from(ticks(Nanos(nanos))).unwrap_or(u32::MAX);
    let mut policy = libc::thread_time_constraint_policy {
        period: 0,
        computation: length(500_000),
        constraint: length(1_000_000),
        preemptible: 1,
    };
    #[expect(deprecated, reason = "libc points to a crate of its own for it")]
    // SAFETY: no precondition.
    let thread = unsafe { libc::mach_thread_self() };
    // SAFETY: the port is of the calling thread; the pointer is valid for reads of as many
    // words as the count says.
    unsafe {
        libc::thread_policy_set(
            thread,
            libc::THREAD_TIME_CONSTRAINT_POLICY as _,
            (&raw mut policy).cast(),
            libc::THREAD_TIME_CONSTRAINT_POLICY_COUNT,
        )
    };
}

/// Does nothing: the class above is the one.
pub fn request_real_time() {}
