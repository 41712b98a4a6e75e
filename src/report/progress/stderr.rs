//! Standard error as it was at install, for whole lines.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;

/// Standard error, by a descriptor of its own: number 2 may by now be
/// somebody's database.
///
/// It is not reached through `std::io::stderr`, whose lock may be held for
/// good.
#[derive(Debug)]
pub(super) struct Stderr {
    file: File,
    /// Which file it was.
    is: (u64, u64),
}

impl Stderr {
    /// Standard error as it is now; `None` if it is closed.
    pub(super) fn of_now() -> Option<Self> {
        let file = File::from(io::stderr().as_fd().try_clone_to_owned().ok()?);
        let is = which(&file)?;
        Some(Self { file, is })
    }

    /// Writes `bytes` with one write(2). It may block for ever.
    ///
    /// Nothing is written if somebody has closed the descriptor, and its number
    /// is another file's by now. What is not written is lost.
    pub(super) fn write(&self, bytes: &[u8]) {
        if self.is_still_it() {
            let _ = (&self.file).write(bytes);
        }
    }

    fn is_still_it(&self) -> bool {
        which(&self.file) == Some(self.is)
    }

    #[cfg(feature = "terminal")]
    pub(super) fn file(&self) -> &File {
        &self.file
    }
}

/// The device and the inode.
fn which(file: &File) -> Option<(u64, u64)> {
    let data = file.metadata().ok()?;
    Some((data.dev(), data.ino()))
}
