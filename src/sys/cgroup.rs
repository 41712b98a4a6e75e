//! Control groups (cgroup v2): how a child enters one, and how all in it are killed.

use std::ffi::CStr;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::process::CommandExt;
use std::process::Command;

/// Kills every process in a cgroup: `path` is its file `cgroup.kill`. Returns `false` if
/// that failed. Waits for a lock of the kernel, so it is not for the kill path; allocates
/// nothing.
pub(crate) fn kill(path: &CStr) -> bool {
    // SAFETY: the pointer is to a text that ends with zero.
    let fd = unsafe { libc::open(path.as_ptr(), libc::O_WRONLY | libc::O_CLOEXEC) };
    if fd < 0 {
        return false;
    }
    // SAFETY: the pointer is to one byte.
    let written = unsafe { libc::write(fd, b"1".as_ptr().cast(), 1) };
    // SAFETY: the descriptor was opened above, and no other code knows it.
    unsafe { libc::close(fd) };
    written == 1
}

/// Makes the child enter a cgroup before it runs its program: `processes` is the cgroup's
/// file `cgroup.procs`, open for writing.
pub(crate) fn enter(command: &mut Command, processes: File) {
    let enter = move || {
        // Zero stands for the process that writes.
        // SAFETY: the pointer is to one byte.
        match unsafe { libc::write(processes.as_raw_fd(), b"0".as_ptr().cast(), 1) } {
            1 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`; it makes one system
    // call, and an error of `io` from a number allocates nothing.
    unsafe { command.pre_exec(enter) };
}
