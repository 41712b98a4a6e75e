//! Child processes: how their end is seen before they are reaped.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::Duration;

/// The end of a child.
pub(crate) enum Exit {
    Running,
    /// The child has ended, and is not reaped by this call.
    Ended(ExitStatus),
    /// The process is not our child: other code of the process has reaped it.
    Reaped,
}

/// Fails if a filter refuses recvfrom(2). `std` learns by it that a child runs its program, and
/// waits for the child's end if the call fails.
#[cfg(target_os = "linux")]
pub(crate) fn check_start_is_reported() -> io::Result<()> {
    let (socket, _other_end) = std::os::unix::net::UnixStream::pair()?;
    let mut byte = 0_u8;
    let fd = socket.as_raw_fd();
    // SAFETY: the pointer is valid for writes of one byte.
    let received = unsafe { libc::recv(fd, (&raw mut byte).cast(), 1, libc::MSG_DONTWAIT) };
    let error = io::Error::last_os_error();
    match received {
        -1 if error.kind() != io::ErrorKind::WouldBlock => {
            let why = format!("recvfrom(2) fails, which tells of the start: {error}");
            Err(io::Error::new(error.kind(), why))
        }
        _ => Ok(()),
    }
}

/// Looks whether the child `pid` has ended, without reaping it.
pub(crate) fn exit_of(pid: i32) -> Exit {
    // SAFETY: all bits zero is a value of this C structure.
    let mut info: libc::siginfo_t = unsafe { std::mem::zeroed() };
    let options = libc::WEXITED | libc::WNOHANG | libc::WNOWAIT;
    // SAFETY: the pointer is valid for writes.
    let result = unsafe { libc::waitid(libc::P_PID, pid as libc::id_t, &raw mut info, options) };
    if result != 0 {
        return Exit::Reaped;
    }
    // SAFETY: waitid has filled the fields of SIGCHLD, or left them zero.
    let ended = unsafe { info.si_pid() };
    if ended == 0 {
        return Exit::Running;
    }
    // SAFETY: as above.
    let status = unsafe { info.si_status() };
    let raw = match info.si_code {
        libc::CLD_EXITED => status << 8,
        libc::CLD_DUMPED => status | 0x80,
        _ => status,
    };
    Exit::Ended(ExitStatus::from_raw(raw))
}

/// Sends `signal` to the process group `group`, whose leader must not have been reaped.
pub(crate) fn signal_group(group: i32, signal: i32) -> io::Result<()> {
    // Zero and one would be this process's own group and every process.
    if group <= 1 {
        return Err(io::Error::from_raw_os_error(libc::EINVAL));
    }
    // SAFETY: kill(2) takes two integers.
    match unsafe { libc::kill(-group, signal) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Blocks the thread until one of `readable` can be read, `timeout` is over, or a signal is
/// handled. Returns `true` if one can be read.
pub(crate) fn wait_readable(readable: &[BorrowedFd<'_>], timeout: Option<Duration>) -> bool {
    let mut entries: Vec<libc::pollfd> = readable
        .iter()
        .map(|fd| libc::pollfd {
            fd: fd.as_raw_fd(),
            events: libc::POLLIN,
            revents: 0,
        })
        .collect();
    let timeout = timeout.map_or(-1, |timeout| {
        i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX)
    });
    // SAFETY: the pointer is to as many entries as the count says.
    unsafe { libc::poll(entries.as_mut_ptr(), entries.len() as libc::nfds_t, timeout) > 0 }
}
