//! Signals of the terminal. Ctrl-C sends SIGINT to the foreground process group, which is
//! the program's, and this process is not in it: if it were, a signal that is sent to the
//! job's group would reach the program twice. A child in the program's group listens.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;

/// The listener, and the way for the program to let it into its group.
#[derive(Debug)]
pub(crate) struct Listener {
    pub(crate) pid: i32,
    socket: UnixStream,
}

/// Starts the listener. It sends each of `signals` that the kernel sends to its group to
/// this process. It ends with this process.
///
/// All signals must be blocked.
pub(crate) fn start(signals: &[i32]) -> io::Result<Listener> {
    let (ours, theirs) = UnixStream::pair()?;
    // SAFETY: no precondition.
    let parent = unsafe { libc::getpid() };
    // SAFETY: other threads may hold locks; the child makes system calls alone.
    match unsafe { libc::fork() } {
        -1 => Err(io::Error::last_os_error()),
        0 => listen(parent, ours.as_raw_fd(), theirs.as_raw_fd(), signals),
        pid => Ok(Listener { pid, socket: ours }),
    }
}

impl Listener {
    /// The number that [`admit`] needs.
    pub(crate) fn socket(&self) -> i32 {
        self.socket.as_raw_fd()
    }
}

/// Lets the listener into the group of the calling process, its leader, and waits until
/// it is there. Async-signal-safe. Without a listener nothing happens.
pub(crate) fn admit(socket: i32) {
    // SAFETY: no precondition.
    let group = unsafe { libc::getpid() }.to_ne_bytes();
    // SAFETY: the buffer has as many bytes.
    unsafe {
        libc::send(
            socket,
            group.as_ptr().cast(),
            group.len(),
            libc::MSG_NOSIGNAL,
        )
    };
    let mut answer = 0_u8;
    // SAFETY: the buffer has as many bytes.
    unsafe { libc::recv(socket, (&raw mut answer).cast(), 1, 0) };
}

/// Ends the listener, and reaps it. Does not wait for long: it may be traced.
pub(crate) fn end(listener: i32) {
    super::process::send(listener, libc::SIGKILL);
    for _ in 0..20 {
        // SAFETY: a null pointer is allowed.
        if unsafe { libc::waitpid(listener, std::ptr::null_mut(), libc::WNOHANG) } != 0 {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
}

/// The listener. Async-signal-safe.
fn listen(parent: i32, ours: i32, socket: i32, signals: &[i32]) -> ! {
    // SAFETY: integers.
    unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL, 0, 0, 0) };
    // SAFETY: the pointer is to a text that ends with zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, c"deadstop-tty".as_ptr(), 0, 0, 0) };
    // So that the other end is closed with the processes that use it.
    // SAFETY: the descriptor is open, and this process does not use it.
    unsafe { libc::close(ours) };
    let mut group = [0; size_of::<i32>()];
    // SAFETY: the buffer has as many bytes.
    let read = unsafe { libc::recv(socket, group.as_mut_ptr().cast(), group.len(), 0) };
    if usize::try_from(read) != Ok(group.len()) {
        // The program could not be started.
        // SAFETY: an integer.
        unsafe { libc::_exit(0) };
    }
    // SAFETY: two integers.
    unsafe { libc::setpgid(0, i32::from_ne_bytes(group)) };
    // Closing it is the answer.
    // SAFETY: the descriptor is open, and not used below.
    unsafe { libc::close(socket) };
    let mut all = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigfillset(all.as_mut_ptr()) };
    let mut info = MaybeUninit::<libc::siginfo_t>::zeroed();
    // The parent may have ended before the first call.
    // SAFETY: no precondition.
    while unsafe { libc::getppid() } == parent {
        // SAFETY: both pointers are valid; the set was zeroed, and is now written.
        let signal = unsafe { libc::sigwaitinfo(all.as_ptr(), info.as_mut_ptr()) };
        // SAFETY: all zeroes are a record, and the kernel has written one.
        let code = unsafe { info.assume_init_ref() }.si_code;
        // Another process's signal to the group does not come from the terminal.
        if signal > 0 && code == libc::SI_KERNEL && signals.contains(&signal) {
            let value = libc::sigval {
                sival_ptr: std::ptr::null_mut(),
            };
            // With the sender's number, unlike a signal of the kernel.
            // SAFETY: integers, and a value that is not read.
            unsafe { libc::sigqueue(parent, signal, value) };
        }
    }
    // SAFETY: an integer.
    unsafe { libc::_exit(0) }
}
