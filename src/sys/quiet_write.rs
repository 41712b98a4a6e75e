//! write(2) that raises no signal.
//!
//! A pipe or a socket whose reader is gone raises SIGPIPE, and a file at `RLIMIT_FSIZE`
//! SIGXFSZ. Both end a process that has left them at their default action, as most C programs
//! do and any program does for the second: a line of deadstop's would end it before its
//! deadline.

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use deadstop_core::sys::{SignalMask, SignalSet};

const RAISED: SignalSet = SignalSet::from_bits(1 << (libc::SIGPIPE - 1) | 1 << (libc::SIGXFSZ - 1));

/// Writes `bytes` with one write(2), and returns how many were taken, or `errno`. The calling
/// thread gets no signal for an error. Async-signal-safe.
pub(crate) fn write(file: BorrowedFd<'_>, bytes: &[u8]) -> Result<usize, i32> {
    let mask = SignalMask::block(RAISED);
    let before = SignalMask::pending();
    // SAFETY: the pointer is valid for reads of `len` bytes.
    let written = unsafe { libc::write(file.as_raw_fd(), bytes.as_ptr().cast(), bytes.len()) };
    let result = usize::try_from(written).map_err(|_| {
        io::Error::last_os_error()
            .raw_os_error()
            .unwrap_or_default()
    });
    // A reader that goes away during a write raises the signal, and bytes may have been taken.
    if result != Ok(bytes.len()) {
        // One that was pending before is the program's own. No other thread can take a signal
        // that was raised for this one, and a write raises one at most.
        let own = SignalMask::pending().intersection(RAISED).without(before);
        if !own.is_empty() {
            SignalMask::take(own);
        }
    }
    mask.restore();
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use std::os::fd::AsFd;
    use std::os::unix::net::UnixStream;
    use std::thread;
    use std::time::Duration;

    const PIPE: SignalSet = SignalSet::from_bits(1 << (libc::SIGPIPE - 1));

    fn pending() -> SignalSet {
        SignalMask::pending().intersection(RAISED)
    }

    fn write_without_reader() -> Result<usize, i32> {
        let (file, reader) = UnixStream::pair().expect("a socket");
        drop(reader);
        write(file.as_fd(), b"lost")
    }

    /// With the signal blocked, as on deadstop's threads: one that stayed pending would end
    /// the process once it is unblocked.
    #[test]
    fn no_signal_of_its_own_stays_pending() {
        let mask = SignalMask::block(PIPE);
        assert_eq!(write_without_reader(), Err(libc::EPIPE));
        assert!(pending().is_empty());
        mask.restore();
    }

    #[test]
    fn no_signal_stays_pending_after_a_part_was_taken() {
        let mask = SignalMask::block(PIPE);
        let (mut reader, pipe) = io::pipe().expect("a pipe");
        let reads = thread::spawn(move || {
            // Some of what the pipe holds: the write goes on, and waits.
            let mut some = [0; 8192];
            reader.read_exact(&mut some).expect("a pipe with bytes");
            thread::sleep(Duration::from_millis(50));
        });
        let bytes = vec![b'.'; 1 << 20];
        let written = write(pipe.as_fd(), &bytes).expect("there was a reader");
        assert!(written < bytes.len());
        reads.join().expect("no panic");
        assert!(pending().is_empty());
        mask.restore();
    }

    #[test]
    fn signal_that_was_pending_before_stays() {
        let mask = SignalMask::block(PIPE);
        // SAFETY: `raise` takes an integer; this thread blocks the signal.
        assert_eq!(unsafe { libc::raise(libc::SIGPIPE) }, 0);
        assert_eq!(write_without_reader(), Err(libc::EPIPE));
        assert_eq!(pending(), PIPE);
        SignalMask::take(PIPE);
        assert!(pending().is_empty());
        mask.restore();
    }

    #[test]
    fn mask_is_as_before() {
        let before = SignalMask::current().blocked();
        let _ = write_without_reader();
        assert_eq!(SignalMask::current().blocked(), before);
    }
}
