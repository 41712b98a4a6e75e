//! Standard error, as it was at install.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::{AsFd, AsRawFd};
use std::os::unix::fs::{FileTypeExt, OpenOptionsExt};
use std::thread;
use std::time::Duration;

use crate::kept::Kept;
use crate::kill_path::{self, Nanos};
use crate::sys;

/// A descriptor of our own for standard error: number 2 may by the time of the
/// report be somebody's database.
///
/// A duplicate shares the offset and the flags with all who have the terminal,
/// the pipe or the log, so neither is touched. It is not reached through
/// `std::io::stderr`, whose lock may be held for good.
#[derive(Debug)]
pub(super) struct Stderr(Kept);

/// As much as a pipe takes in one piece, so that the lines of several writers
/// do not mix.
const PIECE: usize = 4096;

/// How long nothing is tried where it was just refused.
const MOMENT: Duration = Duration::from_millis(1);

impl Stderr {
    /// Standard error as it is now; `None` if it is closed.
    pub(super) fn of_now() -> Option<Self> {
        Kept::new(duplicate()?).ok().map(Self)
    }

    /// The same, with a pipe or a terminal opened once more if that is allowed,
    /// so that a write to it need not block: a terminal that says it takes
    /// something may not take a whole line.
    pub(super) fn reopened() -> Option<Self> {
        let stderr = duplicate()?;
        let file = reopened(&stderr).unwrap_or(stderr);
        Kept::new(file).ok().map(Self)
    }

    /// Writes `bytes` with one write(2). It may block for ever.
    ///
    /// Nothing is written if somebody has closed the descriptor, and its number
    /// is another file's by now. What is not written is lost.
    pub(super) fn write(&self, bytes: &[u8]) {
        if let Some(mut file) = self.0.file() {
            let _ = file.write(bytes);
        }
    }

    /// Writes whole lines, as long as they are taken before `until`; what is
    /// not taken is lost. Allocates nothing and takes no lock.
    ///
    /// A pipe or a terminal that takes nothing is waited for in poll(2), not in
    /// write(2), so that it costs the rest of the text and no more. Of a
    /// duplicate that is no promise: another writer may be faster, and then this
    /// blocks for ever.
    pub(super) fn write_until(&self, text: &[u8], until: impl Fn() -> Nanos) {
        let mut rest = text;
        while !rest.is_empty() {
            let Some(mut file) = self.0.file() else {
                return;
            };
            if !sys::poll::is_writable(file.as_fd(), &until) {
                return;
            }
            let (piece, others) = rest.split_at(piece(rest));
            match file.write(piece) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It takes something, but less than this.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if until() <= kill_path::now() {
                        return;
                    }
                    thread::sleep(MOMENT);
                }
                Err(_) => rest = others,
            }
        }
    }

    #[cfg(feature = "terminal")]
    pub(super) fn is_terminal(&self) -> bool {
        self.0.file().is_some_and(IsTerminal::is_terminal)
    }

    /// Rows and columns of the terminal, if it is one that says so.
    #[cfg(feature = "terminal")]
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        sys::terminal::size(self.0.file()?)
    }
}

/// `None` if standard error is closed.
fn duplicate() -> Option<File> {
    let stderr = io::stderr().as_fd().try_clone_to_owned().ok()?;
    Some(File::from(stderr))
}

/// A pipe or a terminal, opened once more.
fn reopened(stderr: &File) -> Option<File> {
    let is_pipe = stderr.metadata().ok()?.file_type().is_fifo();
    if !is_pipe && !stderr.is_terminal() {
        return None;
    }
    let path = format!("/proc/self/fd/{}", stderr.as_raw_fd());
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY;
    let mut options = OpenOptions::new();
    options.write(true).custom_flags(flags).open(path).ok()
}

/// The length of the longest run of whole lines that a pipe takes in one piece.
fn piece(text: &[u8]) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let end = text[..PIECE].iter().rposition(|byte| *byte == b'\n');
    end.map_or(PIECE, |end| end + 1)
}
