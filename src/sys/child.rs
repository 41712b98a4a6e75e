//! Children of a process: death with the parent, and descriptors of processes.

use std::fs;
use std::io;
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use deadstop_core::sys::NewbornAnnouncer;

/// Makes the kernel kill the child when the thread that spawns it ends, and with it when
/// this process ends in any way.
///
/// The kernel clears this in grandchildren, and when the child runs a set-user-id
/// program (prctl(2)).
pub(crate) fn die_with_thread(command: &mut Command) {
    let parent = deadstop_core::pid();
    let set = move || {
        // SAFETY: prctl takes integers and is a bare system call.
        let result = unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
        if result != 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: getppid has no arguments and no error.
        if unsafe { libc::getppid() } != parent {
            // The parent ended before the call above.
            return Err(io::Error::from_raw_os_error(libc::ESRCH));
        }
        Ok(())
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`; it makes two
    // system calls, and an error of `io` from a number allocates nothing.
    unsafe { command.pre_exec(set) };
}

/// Makes the child announce itself before it runs its program, for a parent that ends
/// meanwhile. To be called after [`die_with_thread`], for the leader of a process group.
pub(crate) fn announce(command: &mut Command, newborn: NewbornAnnouncer) {
    let announce = move || match newborn.announce() {
        true => Ok(()),
        // The parent is about to end.
        false => Err(io::Error::from_raw_os_error(libc::ESRCH)),
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`; it makes one system
    // call, and an error of `io` from a number allocates nothing.
    unsafe { command.pre_exec(announce) };
}

/// Returns whether children of the calling thread get a PID namespace that is not the
/// thread's own. The kernel starts no thread for such a thread (clone(2), `EINVAL`).
pub(crate) fn children_get_another_pid_namespace() -> bool {
    let namespace = |of: &str| fs::read_link(format!("/proc/thread-self/ns/{of}")).ok();
    // The latter has no target before its first process is started.
    let own = namespace("pid");
    own.is_some() && own != namespace("pid_for_children")
}

/// Opens a descriptor of the process `pid`, which becomes readable when it ends. `None`
/// before Linux 5.3, or where a filter refuses it.
pub(crate) fn pidfd_open(pid: i32) -> Option<OwnedFd> {
    // SAFETY: the call takes two integers.
    let fd = unsafe { libc::syscall(libc::SYS_pidfd_open, pid, 0) };
    let fd = i32::try_from(fd).ok().filter(|fd| *fd >= 0)?;
    // SAFETY: the kernel has just made the descriptor, and no other code knows it.
    Some(unsafe { OwnedFd::from_raw_fd(fd) })
}
