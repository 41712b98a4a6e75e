//! A file that is kept for later. Windows has no numbers that a program could close by
//! accident, so it stays what it was.

use std::fs::{File, Metadata};
use std::io;
use std::os::windows::fs::FileExt;

/// A file that was opened at install.
#[derive(Debug)]
pub(crate) struct VerifiedFile(File);

impl VerifiedFile {
    /// Opens the file at `path` to be read later, if it can be.
    pub(crate) fn open(path: &str) -> Option<Self> {
        File::open(path).map(Self).ok()
    }

    #[cfg(feature = "shutdown")]
    pub(crate) fn new(file: File) -> io::Result<Self> {
        Ok(Self(file))
    }

    /// Returns the file.
    #[cfg(feature = "shutdown")]
    pub(crate) fn file(&self) -> Option<&File> {
        Some(&self.0)
    }

    /// Returns the file's metadata.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        self.0.metadata().ok()
    }

    /// Reads from the file's beginning.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        self.0.seek_read(buffer, 0)
    }
}
