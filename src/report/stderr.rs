//! Standard error, as it was at install.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::kept::Kept;
use crate::kill_path::{self, Nanos};
use crate::sys;

/// A descriptor of our own for standard error: number 2 may by the time of the
/// report be somebody's database. It shares the offset and the flags with all
/// who have the terminal, the pipe or the log, so neither is touched.
///
/// It is not reached through `std::io::stderr`, whose lock may be held for
/// good.
#[derive(Debug)]
pub(super) struct Stderr(Kept);

/// As much as a pipe takes in one piece, so that the lines of several writers
/// do not mix.
const PIECE: usize = 4096;

impl Stderr {
    /// Standard error as it is now; `None` if it is closed.
    pub(super) fn of_now() -> Option<Self> {
        let stderr = io::stderr().as_fd().try_clone_to_owned().ok()?;
        Kept::new(File::from(stderr)).ok().map(Self)
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
    /// write(2), so that it costs the rest of the text and no more. A promise
    /// that is not: another writer may be faster, and then this blocks for
    /// ever.
    pub(super) fn write_until(&self, text: &[u8], until: Nanos) {
        let mut rest = text;
        while !rest.is_empty() {
            let Some(mut file) = self.0.file() else {
                return;
            };
            if !sys::poll::is_writable(file.as_fd(), until) {
                return;
            }
            let (piece, others) = rest.split_at(piece(rest));
            match file.write(piece) {
                Ok(written) => rest = &rest[written..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // Somebody has set O_NONBLOCK, and has been faster.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    if until <= kill_path::now() {
                        return;
                    }
                }
                Err(_) => rest = others,
            }
        }
    }

    #[cfg(feature = "terminal")]
    pub(super) fn is_terminal(&self) -> bool {
        self.0.file().is_some_and(io::IsTerminal::is_terminal)
    }

    /// Rows and columns of the terminal, if it is one that says so.
    #[cfg(feature = "terminal")]
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        sys::terminal::size(self.0.file()?)
    }
}

/// The length of the longest run of whole lines that a pipe takes in one piece.
fn piece(text: &[u8]) -> usize {
    if text.len() <= PIECE {
        return text.len();
    }
    let end = text[..PIECE].iter().rposition(|byte| *byte == b'\n');
    end.map_or(PIECE, |end| end + 1)
}
