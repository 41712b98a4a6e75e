//! Descriptors that a process passes to its successor, in systemd's protocol: numbers from
//! 3 on, and the successor's process id in its environment.

use std::ffi::{CString, c_char, c_int};
use std::io;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd, OwnedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use deadstop_core::sys::ErrnoGuard;

/// The first descriptor that is passed (`SD_LISTEN_FDS_START`).
pub(crate) const FIRST: RawFd = 3;

/// Digits of a process id, and the NUL.
const PID_ROOM: usize = 11;

unsafe extern "C" {
    static mut environ: *const *const c_char;
}

/// The state that the child sets up between `fork` and `exec`. All its memory exists before.
pub(crate) struct Passing {
    /// The descriptors, in the order of their numbers in the child.
    descriptors: Vec<OwnedFd>,
    /// The predecessor's end of the last one.
    predecessors_end: RawFd,
    moved: Vec<RawFd>,
    /// The environment's strings, each with its NUL.
    strings: Vec<Vec<u8>>,
    /// The position of the process id in each of the last strings.
    pid_at: Vec<usize>,
    /// The addresses of the strings, and a zero.
    environment: Vec<usize>,
}

impl Passing {
    /// Prepares `descriptors` and `variables`. The variables `pids` get the process id of
    /// the child.
    pub(crate) fn new(
        descriptors: Vec<OwnedFd>,
        predecessors_end: BorrowedFd<'_>,
        variables: Vec<CString>,
        pids: &[&str],
    ) -> Self {
        let mut strings: Vec<_> = variables
            .into_iter()
            .map(CString::into_bytes_with_nul)
            .collect();
        let mut pid_at = Vec::new();
        for name in pids {
            let mut string = format!("{name}=").into_bytes();
            pid_at.push(string.len());
            string.resize(string.len() + PID_ROOM, 0);
            strings.push(string);
        }
        let addresses = strings.iter().map(|string| string.as_ptr() as usize);
        let environment = addresses.chain([0]).collect();
        Self {
            moved: vec![-1; descriptors.len()],
            descriptors,
            predecessors_end: predecessors_end.as_raw_fd(),
            strings,
            pid_at,
            environment,
        }
    }

    /// Makes `command`, whose environment must not have been changed, start with them.
    pub(crate) fn apply(mut self, command: &mut Command) {
        // SAFETY: the closure runs in the child between `fork` and `exec`. It makes
        // async-signal-safe calls, and writes to memory that it owns.
        unsafe { command.pre_exec(move || self.set_up()) };
    }

    fn set_up(&mut self) -> io::Result<()> {
        self.become_a_grandchild()?;
        let free = FIRST + self.descriptors.len() as c_int;
        // Out of the way first: a source may have the number of another one's target.
        for (descriptor, moved) in self.descriptors.iter().zip(&mut self.moved) {
            let fd = descriptor.as_raw_fd();
            // SAFETY: three integers; the descriptor is open.
            *moved = check(unsafe { libc::fcntl(fd, libc::F_DUPFD_CLOEXEC, free) })?;
        }
        for (target, moved) in (FIRST..).zip(&self.moved) {
            // SAFETY: two integers. The copy is not closed by `exec`.
            check(unsafe { libc::dup2(*moved, target) })?;
        }
        let pid = deadstop_core::pid().unsigned_abs();
        let last = self.strings.len() - self.pid_at.len();
        for (string, at) in self.strings[last..].iter_mut().zip(&self.pid_at) {
            write_number(&mut string[*at..], pid);
        }
        // SAFETY: this process has one thread, so nothing else reads the variable. The
        // array ends with a null pointer, and lives until `exec`.
        unsafe { environ = self.environment.as_ptr().cast() };
        Ok(())
    }
}

impl Passing {
    /// Forks once more, and ends the old process. The new one is then a child of the service
    /// manager, as a main process has to be: systemd does not wait for one that was another
    /// process's child.
    ///
    /// The new one writes its id to the last descriptor. The old one must not: it may be
    /// slower than the program, whose first byte says that it is ready. The new one then waits
    /// for a byte: by then the predecessor has put it on its kill list. It ends if the
    /// predecessor does.
    fn become_a_grandchild(&self) -> io::Result<()> {
        // SAFETY: this process has one thread; what follows is async-signal-safe up to `exec`.
        let pid = check(unsafe { libc::fork() })?;
        if pid != 0 {
            // SAFETY: it does not return, and runs nothing of the program.
            unsafe { libc::_exit(0) }
        }
        if let Some(last) = self.descriptors.last() {
            let bytes = deadstop_core::pid().to_le_bytes();
            // SAFETY: the pointer is to as many bytes as the length says.
            unsafe { libc::write(last.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
            // Its copy would hide the end of the predecessor.
            // SAFETY: an integer; no code of this process uses the descriptor.
            unsafe { libc::close(self.predecessors_end) };
            wait_for_leave(last.as_raw_fd());
        }
        Ok(())
    }
}

/// Waits for a byte, and ends the process if the other end closes instead.
fn wait_for_leave(fd: RawFd) {
    let mut byte = 0_u8;
    loop {
        // SAFETY: the pointer is to one byte.
        match unsafe { libc::read(fd, (&raw mut byte).cast(), 1) } {
            1 => return,
            -1 if io::Error::last_os_error().raw_os_error() == Some(libc::EINTR) => {}
            // SAFETY: it does not return, and runs nothing of the program.
            _ => unsafe { libc::_exit(1) },
        }
    }
}

/// Sends `number` to the process of a descriptor from `pidfd_open`, or to that with this id
/// if there is no descriptor.
pub(crate) fn signal(process: Option<BorrowedFd<'_>>, pid: libc::pid_t, number: c_int) {
    if let Some(process) = process {
        let fd = process.as_raw_fd();
        let none = std::ptr::null::<libc::siginfo_t>();
        // SAFETY: two integers, a null pointer and no flags.
        unsafe { libc::syscall(libc::SYS_pidfd_send_signal, fd, number, none, 0) };
    } else if pid > 1 {
        // SAFETY: two integers.
        unsafe { libc::kill(pid, number) };
    }
}

/// Returns `true` if there is a process with this id.
pub(crate) fn is_alive(pid: libc::pid_t) -> bool {
    // SAFETY: two integers; no signal is sent.
    pid > 1 && unsafe { libc::kill(pid, 0) } == 0
}

/// Writes the digits of `number`, which has room, without an allocation.
fn write_number(room: &mut [u8], number: u32) {
    let digits = number.checked_ilog10().unwrap_or(0) + 1;
    let mut rest = number;
    for place in (0..digits as usize).rev() {
        room[place] = b'0' + (rest % 10) as u8;
        rest /= 10;
    }
}

/// Holds the numbers of descriptors that a child is to get, as far as they are free. The
/// pipe by which `std` learns whether `exec` failed then has another number.
pub(crate) fn reserve(count: usize, any: BorrowedFd<'_>) -> Vec<OwnedFd> {
    let end = FIRST + count as c_int;
    let mut held = Vec::new();
    loop {
        // SAFETY: three integers; the descriptor is open.
        let fd = unsafe { libc::fcntl(any.as_raw_fd(), libc::F_DUPFD_CLOEXEC, FIRST) };
        if fd < 0 {
            return held;
        }
        // SAFETY: the kernel has just made the descriptor, and no other code knows it.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        if fd.as_raw_fd() >= end {
            return held;
        }
        held.push(fd);
    }
}

/// Fails if a descriptor is not open. Returns its flags.
pub(crate) fn check_open(fd: RawFd) -> io::Result<c_int> {
    // SAFETY: two integers; a descriptor that is not open is an error.
    check(unsafe { libc::fcntl(fd, libc::F_GETFD) })
}

/// Takes over a descriptor that this process was started with, and which no other code has
/// taken. Programs that it starts do not inherit it.
pub(crate) fn adopt(fd: RawFd) -> io::Result<OwnedFd> {
    let flags = check_open(fd)?;
    // SAFETY: three integers.
    check(unsafe { libc::fcntl(fd, libc::F_SETFD, flags | libc::FD_CLOEXEC) })?;
    // SAFETY: it is open, and the variables that name it say that it is this process's.
    Ok(unsafe { OwnedFd::from_raw_fd(fd) })
}

/// Returns `true` for a socket that listens for streams of one of the `families`.
pub(crate) fn is_listener_of(socket: BorrowedFd<'_>, families: &[c_int]) -> bool {
    let has = |name, value| option(socket, name) == Some(value);
    let listens = has(libc::SO_ACCEPTCONN, 1) && has(libc::SO_TYPE, libc::SOCK_STREAM);
    listens && option(socket, libc::SO_DOMAIN).is_some_and(|it| families.contains(&it))
}

fn option(socket: BorrowedFd<'_>, name: c_int) -> Option<c_int> {
    let mut value: c_int = 0;
    let mut length = size_of::<c_int>() as libc::socklen_t;
    // SAFETY: the pointers are to a value of the length that is given.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::SOL_SOCKET,
            name,
            (&raw mut value).cast(),
            &raw mut length,
        )
    };
    (result == 0).then_some(value)
}

/// Returns `true` if no process has the other end of the socket or pipe `fd`, or if `fd` is not
/// open.
#[cfg(feature = "health")]
pub(crate) fn is_other_end_closed(fd: RawFd) -> bool {
    let mut entry = libc::pollfd {
        fd,
        events: 0,
        revents: 0,
    };
    // SAFETY: the pointer is to one entry, valid for reads and writes.
    let ready = unsafe { libc::poll(&raw mut entry, 1, 0) };
    ready == 1
}

/// Writes one byte to `fd` and closes it, without SIGPIPE if no process reads it any more.
/// Async-signal-safe, `errno` included.
pub(crate) fn signal_and_close(fd: RawFd) {
    let _errno = ErrnoGuard::save();
    let byte = c"\n".as_ptr();
    // SAFETY: the pointer is to one byte.
    let sent = unsafe { libc::send(fd, byte.cast(), 1, libc::MSG_NOSIGNAL) };
    if sent < 0 && io::Error::last_os_error().raw_os_error() == Some(libc::ENOTSOCK) {
        // SAFETY: the pointer is to one byte.
        unsafe { libc::write(fd, byte.cast(), 1) };
    }
    // SAFETY: an integer; the caller owns the descriptor.
    unsafe { libc::close(fd) };
}

fn check(result: c_int) -> io::Result<c_int> {
    match result {
        -1 => Err(io::Error::last_os_error()),
        result => Ok(result),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_with_all_digits() {
        for number in [0, 7, 10, 4_194_304, u32::MAX] {
            let mut room = [0; PID_ROOM];
            write_number(&mut room, number);
            let text = String::from_utf8_lossy(&room).into_owned();
            assert_eq!(text.trim_end_matches('\0'), number.to_string());
        }
    }
}
