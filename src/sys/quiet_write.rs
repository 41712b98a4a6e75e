//! write(2) that raises no signal.
//!
//! A pipe or a socket whose reader is gone raises SIGPIPE, and a file at `RLIMIT_FSIZE`
//! SIGXFSZ. Both end a process that has left them at their default action, as most C programs
//! do and any program does for the second: a line of deadstop's would end it before its
//! deadline.

use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsRawFd, BorrowedFd};

use deadstop_core::sys::{SignalMask, SignalSet};

/// Writes `bytes` with one write(2), and returns how many were taken. The calling thread
/// gets no signal for an error. Async-signal-safe.
pub(crate) fn write(file: BorrowedFd<'_>, bytes: &[u8]) -> io::Result<usize> {
    let raised = SignalSet::EMPTY.with(libc::SIGPIPE).with(libc::SIGXFSZ);
    let mask = SignalMask::block(raised);
    let before = pending(raised);
    // SAFETY: the pointer is valid for reads of `len` bytes.
    let written = unsafe { libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    let result = usize::try_from(written).map_err(|_| io::Error::last_os_error());
    if result.is_err() {
        // One that was pending before is the program's own.
        for signal in pending(raised).without(before).numbers() {
            take(signal);
        }
    }
    mask.restore();
    result
}

/// The signals of `set` that are pending for the calling thread or for the process.
fn pending(set: SignalSet) -> SignalSet {
    let mut pending = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    if unsafe { libc::sigpending(pending.as_mut_ptr()) } != 0 {
        return SignalSet::EMPTY;
    }
    // SAFETY: zeroed, and now written.
    let pending = unsafe { pending.assume_init() };
    // SAFETY: the set was filled by sigpending(2); each number is of a signal.
    let is_pending = |signal: &i32| unsafe { libc::sigismember(&raw const pending, *signal) } == 1;
    let numbers = set.numbers().filter(is_pending);
    numbers.fold(SignalSet::EMPTY, SignalSet::with)
}

/// Takes a pending signal that the calling thread blocks.
fn take(signal: i32) {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: the set was made above, and the number is of a signal.
    unsafe { libc::sigaddset(set.as_mut_ptr(), signal) };
    let mut taken = 0;
    // It does not wait: the signal is pending, and no other thread can take a signal that
    // was raised for this one.
    // SAFETY: the first pointer is valid for reads and the second for writes.
    unsafe { libc::sigwait(set.as_ptr(), &raw mut taken) };
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;

    const PIPE: SignalSet = SignalSet::from_bits(1 << (libc::SIGPIPE - 1));

    fn write_without_reader() -> io::ErrorKind {
        let (file, reader) = UnixStream::pair().expect("a socket");
        drop(reader);
        let result = write(file.as_fd(), b"lost");
        result.expect_err("there is no reader").kind()
    }

    /// With the signal blocked, as on deadstop's threads: one that stayed pending would end
    /// the process once it is unblocked.
    #[test]
    fn no_signal_of_its_own_stays_pending() {
        let mask = SignalMask::block(PIPE);
        assert_eq!(write_without_reader(), io::ErrorKind::BrokenPipe);
        assert!(pending(PIPE).is_empty());
        mask.restore();
    }

    #[test]
    fn signal_that_was_pending_before_stays() {
        let mask = SignalMask::block(PIPE);
        // SAFETY: `raise` takes an integer; this thread blocks the signal.
        assert_eq!(unsafe { libc::raise(libc::SIGPIPE) }, 0);
        assert_eq!(write_without_reader(), io::ErrorKind::BrokenPipe);
        assert_eq!(pending(PIPE), PIPE);
        take(libc::SIGPIPE);
        assert!(pending(PIPE).is_empty());
        mask.restore();
    }

    #[test]
    fn mask_is_as_before() {
        let before = SignalMask::current().blocked();
        let _ = write_without_reader();
        assert_eq!(SignalMask::current().blocked(), before);
    }
}
