//! Standard error, as it was at install.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::thread;
use std::time::Duration;

use crate::pieces::first_piece;
use crate::sys;
use crate::sys::quiet_write;
use crate::sys::verified_file::{Identity, VerifiedFile};
use deadstop_core::Nanos;

/// Standard error as it was at install: by the time of the report the application
/// may have opened another file under number 2.
///
/// A duplicate shares the offset and the flags with all processes that have the
/// terminal, the pipe or the log, so neither is changed. It is not reached through
/// `std::io::stderr`, whose lock may be held for good.
#[derive(Debug)]
pub(super) struct Stderr(Which);

#[derive(Debug)]
enum Which {
    Reopened(VerifiedFile),
    /// Number 2, while it is the file that it was: duplicated for one write at a
    /// time.
    Number2(Identity),
}

/// The pause after the system has refused a write.
const RETRY_PAUSE: Duration = Duration::from_millis(1);

impl Stderr {
    /// Returns standard error as it is now, for as long as it is number 2; `None` if it is
    /// closed. No descriptor is kept: a program that lets go of standard error, as
    /// a daemon does, lets its reader see the end.
    pub(super) fn of_now() -> Option<Self> {
        let metadata = duplicate()?.metadata().ok()?;
        Some(Self(Which::Number2(Identity::of(&metadata))))
    }

    /// Returns standard error with a pipe or a terminal opened once more if that is allowed,
    /// so that a write to it need not block: a terminal that poll(2) calls writable may not
    /// take a whole line.
    pub(super) fn reopened() -> Option<Self> {
        let stderr = duplicate()?;
        let file = reopened(&stderr).unwrap_or(stderr);
        VerifiedFile::new(file).ok().map(Which::Reopened).map(Self)
    }

    /// Calls `act` with the file, if it is still the one of install.
    fn with<R>(&self, act: impl FnOnce(&File) -> R) -> Option<R> {
        match &self.0 {
            Which::Reopened(file) => file.file().map(act),
            Which::Number2(identity) => {
                let file = duplicate()?;
                let metadata = file.metadata().ok()?;
                (Identity::of(&metadata) == *identity).then(|| act(&file))
            }
        }
    }

    /// Writes `bytes` with one write(2). It may block for ever.
    ///
    /// Nothing is written if the application has closed the descriptor, so that
    /// its number may be another file's. Bytes that are not written are lost.
    #[cfg(feature = "terminal")]
    pub(super) fn write(&self, bytes: &[u8]) {
        self.with(|file| {
            let _ = quiet_write::write(file.as_fd(), bytes);
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
        self.with(IsTerminal::is_terminal) == Some(true)
    }

    /// Rows and columns of the terminal, if it is one that says so.
    #[cfg(feature = "terminal")]
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        self.with(sys::terminal::size)?
    }
}

/// Writes a part of `rest`, as soon as the file takes it. Returns how much need not
/// be tried again; `None` if it was not taken before `until`.
fn write_piece(file: &File, rest: &[u8], until: &dyn Fn() -> Nanos) -> Option<usize> {
    if !sys::poll::is_writable(file.as_fd(), until) {
        return None;
    }
    let length = first_piece(rest);
    match quiet_write::write(file.as_fd(), &rest[..length]) {
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

/// `None` if standard error is closed, or may not be written.
fn duplicate() -> Option<File> {
    let stderr = io::stderr().as_fd().try_clone_to_owned().ok()?;
    if !sys::descriptor_is_writable(stderr.as_fd()) {
        return None;
    }
    Some(File::from(stderr))
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
