//! Standard error as it was at install, for whole lines.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use crate::report::sinks::Kept;
#[cfg(feature = "terminal")]
use crate::sys::terminal;

/// Standard error, by a descriptor of its own: number 2 may by now be
/// somebody's database.
///
/// It is not reached through `std::io::stderr`, whose lock may be held for
/// good.
#[derive(Debug)]
pub(super) struct Stderr(Kept);

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

    #[cfg(feature = "terminal")]
    pub(super) fn is_terminal(&self) -> bool {
        self.0.file().is_some_and(io::IsTerminal::is_terminal)
    }

    /// Rows and columns of the terminal, if it is one that says so.
    #[cfg(feature = "terminal")]
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        terminal::size(self.0.file()?)
    }
}
