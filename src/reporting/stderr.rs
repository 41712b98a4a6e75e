//! Standard error: as it was at install, or as the program has replaced it.

use std::fs::{File, OpenOptions};
use std::io::IsTerminal;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::thread;
use std::time::Duration;

use crate::pieces::first_piece;
use crate::sys;
use crate::sys::quiet_write;
use crate::sys::standard_error::{Number2, number_2};
use crate::sys::verified_file::VerifiedFile;
use deadstop_core::Nanos;

/// Standard error. By the time of the report the application may have made another file its
/// standard error, or opened another file under number 2.
///
/// | number 2 is | bytes go to |
/// | --- | --- |
/// | the file of install | the copy of install, or number 2 |
/// | another standard error, such as a log that was rotated | number 2 |
/// | another file, or closed | the copy of install, or nowhere |
///
/// A duplicate shares the offset and the flags with all processes that have the
/// terminal, the pipe or the log, so neither is changed. It is not reached through
/// `std::io::stderr`, whose lock may be held for good.
#[derive(Debug)]
pub(super) struct Stderr {
    /// The copy of install, if one is kept.
    copy: Option<VerifiedFile>,
}

/// The pause after the system has refused a write.
const RETRY_PAUSE: Duration = Duration::from_millis(1);

impl Stderr {
    /// Returns standard error, for as long as it is number 2; `None` if it is
    /// closed. No descriptor is kept: a program that lets go of standard error, as
    /// a daemon does, lets its reader see the end.
    pub(super) fn without_copy() -> Option<Self> {
        is_open().then_some(Self { copy: None })
    }

    /// Returns standard error, `None` if it is closed, with a copy of it. A pipe or a terminal
    /// is opened once more if that is allowed, so that a write to it need not block: a
    /// terminal that poll(2) calls writable may not take a whole line.
    pub(super) fn with_copy() -> Option<Self> {
        // Without a free descriptor there is no copy.
        let copy = duplicate().map(|stderr| reopened(&stderr).unwrap_or(stderr));
        let copy = copy.and_then(|copy| VerifiedFile::new(copy).ok());
        is_open().then_some(Self { copy })
    }

    /// Calls `act` with the file, if there is one to write to.
    fn with<R>(&self, act: impl FnOnce(BorrowedFd<'_>) -> R) -> Option<R> {
        let number_2_is = Number2::now();
        if number_2_is != Number2::Replaced {
            if let Some(copy) = self.copy.as_ref().and_then(VerifiedFile::file) {
                return Some(act(copy.as_fd()));
            }
        }
        if !number_2_is.is_standard_error() {
            return None;
        }
        // The number may go to another file while this waits to write.
        match duplicate() {
            Some(file) => is_standard_error(&file).then(|| act(file.as_fd())),
            None => Some(act(number_2())),
        }
    }

    /// Writes `bytes` with one write(2), if standard error is a terminal. It may block for
    /// ever. Bytes that are not written are lost.
    #[cfg(feature = "terminal")]
    pub(super) fn write_to_terminal(&self, bytes: &[u8]) {
        self.with(|file| {
            if !file.is_terminal() {
                return;
            }
            let _ = quiet_write::write(file, bytes);
        });
    }

    /// Writes whole lines, as long as they are taken before `until`; the rest is
    /// lost. Allocates nothing and takes no lock.
    ///
    /// A pipe or a terminal that takes nothing is waited for in poll(2), not in
    /// write(2), so that it costs the rest of the text and no more. Of a
    /// duplicate that is no promise: another writer may be faster, and then this
    /// blocks for ever.
    #[cold]
    pub(super) fn write_until(&self, text: &[u8], until: &dyn Fn() -> Nanos) {
        let mut rest = text;
        while !rest.is_empty() {
            let Some(written) = self.with(|file| write_piece(file, rest, until)) else {
                return;
            };
            match written {
                Some(length) => rest = &rest[length..],
                None => return,
            }
        }
    }

    #[cfg(feature = "terminal")]
    pub(super) fn is_terminal(&self) -> bool {
        self.with(|file| file.is_terminal()) == Some(true)
    }

    /// Rows and columns of the terminal, if it is one that says so.
    #[cfg(feature = "terminal")]
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        self.with(sys::terminal::size)?
    }
}

/// Writes a part of `rest`, as soon as the file takes it. Returns how much need not
/// be tried again; `None` if it was not taken before `until`.
#[inline(never)] // `with` calls it at three places.
fn write_piece(file: BorrowedFd<'_>, rest: &[u8], until: &dyn Fn() -> Nanos) -> Option<usize> {
    if !sys::poll::is_writable(file, until) {
        return None;
    }
    let length = first_piece(rest);
    match quiet_write::write(file, &rest[..length]) {
        Ok(written) => Some(written),
        Err(libc::EINTR) => Some(0),
        // It takes something, but less than this.
        Err(libc::EAGAIN) => {
            if until() <= deadstop_core::now() {
                return None;
            }
            thread::sleep(RETRY_PAUSE);
            Some(0)
        }
        Err(_) => Some(length),
    }
}

fn is_standard_error(copy: &File) -> bool {
    Number2::of(copy.as_fd()).is_standard_error()
}

/// Returns `true` if number 2 is open, and may be written.
fn is_open() -> bool {
    sys::descriptor_is_writable(number_2())
}

/// `None` if standard error is closed, or may not be written, or if there is no free
/// descriptor.
fn duplicate() -> Option<File> {
    let copy = number_2().try_clone_to_owned().ok()?;
    sys::descriptor_is_writable(copy.as_fd()).then(|| File::from(copy))
}

/// A pipe or a terminal, opened once more.
fn reopened(stderr: &File) -> Option<File> {
    // A set-user-id program would open it with rights that its caller, who chose
    // the descriptor, does not have.
    if sys::process_is_secure() {
        return None;
    }
    let is_pipe = stderr.metadata().ok()?.file_type().is_fifo();
    if !is_pipe && !stderr.is_terminal() {
        return None;
    }
    let path = format!("/proc/self/fd/{}", stderr.as_raw_fd());
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(flags).open(path).ok()
}
