//! A descriptor that is kept for later, and may be somebody else's by then.

use std::fs::File;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::time::SystemTime;

/// A file that was opened at install.
///
/// A program that closes all descriptors, as daemons do, closes this one too,
/// and its number may go to a database. So whoever uses it asks first whether
/// it is still the file that it was.
#[derive(Debug)]
pub(in crate::report) struct Kept {
    file: File,
    identity: Identity,
}

/// What a descriptor stands for, as statx(2) tells files apart.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
struct Identity {
    device: u64,
    inode: u64,
    special: u64,
    /// A file system gives the number of a file that is gone to the next one.
    created: Option<SystemTime>,
}

impl Kept {
    pub(in crate::report) fn new(file: File) -> io::Result<Self> {
        let identity = Identity::of(&file)?;
        Ok(Self { file, identity })
    }

    /// The file, if it is still ours. Allocates nothing.
    pub(in crate::report) fn file(&self) -> Option<&File> {
        let now = Identity::of(&self.file).ok()?;
        (now == self.identity).then_some(&self.file)
    }
}

impl Identity {
    fn of(file: &File) -> io::Result<Self> {
        let metadata = file.metadata()?;
        Ok(Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            special: metadata.rdev(),
            // Pipes and terminals have none, nor do some file systems' files.
            created: metadata.created().ok(),
        })
    }
}
