//! The processor time of a thread.

use core::ffi::c_int;
use core::time::Duration;

use super::clock;

/// Returns the processor time that thread `tid` of this process has used.
/// `None` if there is no such thread.
///
/// Needs no `/proc` and no descriptor, and waits for no other thread.
pub fn cpu_time(tid: c_int) -> Option<Duration> {
    let mut time = libc::timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    // SAFETY: the pointer is valid for writes. A clock that does not exist is
    // an error, not a hazard.
    let read = unsafe { clock::read(clock(tid), &raw mut time) };
    match read {
        0 => Some(Duration::new(
            u64::try_from(time.tv_sec).unwrap_or(0),
            u32::try_from(time.tv_nsec).unwrap_or(0),
        )),
        _ => None,
    }
}

/// Returns the clock of a thread's processor time: the inverted id and, in the
/// lowest three bits, that it is of one thread (4) and counts the scheduler's
/// time (2). It is the kernel's encoding, which `pthread_getcpuclockid` uses
/// too.
fn clock(tid: c_int) -> libc::clockid_t {
    (!tid).wrapping_shl(3) | 4 | 2
}
