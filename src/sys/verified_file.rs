//! A file that is opened at install and checked before each use: its number may belong to
//! another file by then.

use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::time::SystemTime;

/// A file that was opened at install.
///
/// A program that closes all descriptors, as daemons do, closes this one too,
/// and its number may go to a database. Each use therefore checks first whether
/// it is still the same file.
#[derive(Debug)]
pub(crate) struct VerifiedFile {
    file: File,
    identity: Identity,
}

/// The identity of a file, as statx(2) gives it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Identity {
    device: u64,
    inode: u64,
    special: u64,
    /// A file system gives the number of a file that is gone to the next one.
    created: Option<SystemTime>,
}

impl VerifiedFile {
    /// Opens the file at `path` to be read later, if it can be.
    pub(crate) fn open(path: &str) -> Option<Self> {
        File::open(path).and_then(Self::new).ok()
    }

    pub(crate) fn new(file: File) -> io::Result<Self> {
        let identity = Identity::of(&file.metadata()?);
        // Where standard input, output or error is closed, a new descriptor has
        // their number, and code that writes there would write here.
        let file = match file.as_raw_fd() {
            // The copy is beyond these three: `std` sees to that.
            0..=2 => file.try_clone()?,
            _ => file,
        };
        Ok(Self { file, identity })
    }

    /// The file, if it is still ours. Allocates nothing.
    pub(crate) fn file(&self) -> Option<&File> {
        self.metadata().map(|_| &self.file)
    }

    /// Reads from the file's beginning, if it is still ours. Allocates nothing.
    pub(crate) fn read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let file = self.file().ok_or(io::ErrorKind::NotFound)?;
        file.read_at(buffer, 0)
    }

    /// Returns the file's metadata, if the file is still ours. Allocates nothing.
    pub(crate) fn metadata(&self) -> Option<Metadata> {
        let metadata = self.file.metadata().ok()?;
        (Identity::of(&metadata) == self.identity).then_some(metadata)
    }
}

impl Identity {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            special: metadata.rdev(),
            // Pipes and terminals have none, nor do some file systems' files.
            created: metadata.created().ok(),
        }
    }
}
