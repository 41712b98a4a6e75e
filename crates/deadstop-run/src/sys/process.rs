//! Signals to other processes, and attributes of this one.

use std::io;

/// Sends `signal` to a process, or with a negative number to a group.
pub(crate) fn send(pid: i32, signal: i32) {
    // SAFETY: two integers.
    unsafe { libc::kill(pid, signal) };
}

/// Makes this process the parent of orphans among its descendants.
pub(crate) fn adopt_orphans() -> io::Result<()> {
    set(libc::PR_SET_CHILD_SUBREAPER, 1)
}

/// Lets the kernel send `signal` to this process when its parent ends.
pub(crate) fn hear_parent_death(signal: i32) -> io::Result<()> {
    set(
        libc::PR_SET_PDEATHSIG,
        libc::c_ulong::try_from(signal).unwrap_or(0),
    )
}

fn set(option: i32, value: libc::c_ulong) -> io::Result<()> {
    // SAFETY: integers.
    match unsafe { libc::prctl(option, value, 0, 0, 0) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Returns `true` if a write to `descriptor` does not block, or fails at once.
pub(crate) fn is_writable(descriptor: i32) -> bool {
    let mut entry = libc::pollfd {
        fd: descriptor,
        events: libc::POLLOUT,
        revents: 0,
    };
    // SAFETY: one entry.
    unsafe { libc::poll(&raw mut entry, 1, 0) == 1 }
}

/// Stops this process until it gets `SIGCONT`.
pub(crate) fn stop() {
    // SAFETY: an integer. SIGSTOP cannot be blocked.
    unsafe { libc::raise(libc::SIGSTOP) };
}
