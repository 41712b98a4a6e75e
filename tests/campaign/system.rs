//! System calls that `std` does not offer.

#![expect(unsafe_code, reason = "there is no other way to them")]

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd};
use std::ptr;
use std::time::Duration;

/// Makes the kernel wake this thread as promptly as a thread without real-time priority can be.
///
/// Not `SCHED_FIFO`: a parent that reaps a process removes its folder from `/proc`, and spins
/// while another thread reads that folder. Real-time threads that spin on every processor keep
/// the reader from running: a machine of two processors stood still for minutes.
///
/// With a short slice the thread runs soon after it wakes. Every process may request both.
/// Without them the thread waits longer, and that time is counted.
pub(crate) fn be_prompt() {
    // SAFETY: `PR_SET_TIMERSLACK` takes an integer.
    unsafe { libc::prctl(libc::PR_SET_TIMERSLACK, 1 as libc::c_ulong) };
    let slice = Attributes {
        size: size_of::<Attributes>() as u32,
        runtime: 100_000,
        ..Attributes::default()
    };
    // SAFETY: the pointer is to a structure that says its size.
    unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const slice, 0) };
}

/// The first form of what `sched_setattr` takes.
#[derive(Default)]
#[repr(C)]
struct Attributes {
    size: u32,
    policy: u32,
    flags: u64,
    nice: i32,
    priority: u32,
    /// The slice of an ordinary thread, in nanoseconds.
    runtime: u64,
    deadline: u64,
    period: u64,
}

/// Makes this process end with the thread that started it, and after `seconds`.
pub(crate) fn end_with_parent(seconds: u32) {
    // SAFETY: `PR_SET_PDEATHSIG` takes an integer.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL as libc::c_ulong) };
    // SAFETY: alarm(2) takes an integer.
    unsafe { libc::alarm(seconds) };
}

/// Returns a descriptor that becomes readable when process `id` has ended.
pub(crate) fn watch(id: u32) -> io::Result<OwnedFd> {
    // SAFETY: pidfd_open(2) takes two integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, id, 0) };
    match fd {
        -1 => Err(io::Error::last_os_error()),
        // SAFETY: it is new, and not used elsewhere.
        fd => Ok(unsafe { OwnedFd::from_raw_fd(fd as i32) }),
    }
}

/// Waits until one of the descriptors is readable, and returns for each whether it is. `None`
/// stands for no descriptor, and is never readable.
pub(crate) fn wait(of: &[Option<BorrowedFd<'_>>], time: Option<Duration>) -> Vec<bool> {
    let of = of.iter().map(|of| libc::pollfd {
        // poll(2) ignores a negative descriptor.
        fd: of.map_or(-1, |of| of.as_raw_fd()),
        events: libc::POLLIN,
        revents: 0,
    });
    let mut polled: Vec<_> = of.collect();
    let time = time.map(|time| libc::timespec {
        tv_sec: time.as_secs() as libc::time_t,
        tv_nsec: time.subsec_nanos().into(),
    });
    let time = time.as_ref().map_or(ptr::null(), ptr::from_ref);
    let many = polled.len() as libc::nfds_t;
    // SAFETY: both pointers are to valid structures, of the number that is passed,
    // or for ever to none; no mask is asked for.
    let ready = unsafe { libc::ppoll(polled.as_mut_ptr(), many, time, ptr::null()) };
    assert!(ready >= 0, "ppoll: {}", io::Error::last_os_error());
    polled.iter().map(|polled| polled.revents != 0).collect()
}

/// Kills a process group.
pub(crate) fn kill_group(leader: u32) {
    // SAFETY: kill(2) takes two integers. The caller has not reaped the leader,
    // so the number is still the group's.
    unsafe { libc::kill(-(leader as i32), libc::SIGKILL) };
}
