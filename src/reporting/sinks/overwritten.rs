//! A file whose content a report replaces.

use std::fs::{self, OpenOptions};
use std::io;
use std::path::Path;

use crate::sys::file::{open_carefully, write_at_start};
use crate::sys::verified_file::VerifiedFile;

/// A regular file of which a report is the whole content.
pub(super) struct Overwritten(VerifiedFile);

impl Overwritten {
    /// Opens `path`, and changes nothing yet. Its content may have `most` bytes.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written, if it is a symbolic link, if it is no
    /// regular file (one that could block), and if it is longer: then it is a
    /// log that was named by mistake.
    pub(super) fn open(path: &Path, create: bool, most: Option<u64>) -> io::Result<Self> {
        let file = open_carefully(OpenOptions::new().write(true).create(create))
            .truncate(false)
            .open(path)
            // For some, such as a fifo, the kernel's error says little.
            .map_err(|error| match fs::symlink_metadata(path) {
                Ok(metadata) if metadata.is_symlink() => symbolic_link(),
                Ok(metadata) if !metadata.is_file() => not_regular(),
                _ => error,
            })?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(not_regular());
        }
        if most.is_some_and(|most| metadata.len() > most) {
            let length = metadata.len();
            return Err(io::Error::other(format!(
                "file is {length} bytes, larger than a termination message (4096); refusing to \
                 overwrite it"
            )));
        }
        Ok(Self(VerifiedFile::new(file)?))
    }

    /// Makes `bytes` the whole content, if the descriptor still stands for the file. Allocates
    /// nothing.
    ///
    /// # Errors
    ///
    /// Fails if the program has closed the descriptor, and if the system does not take all
    /// bytes. The file may then have some of them.
    #[cold]
    pub(super) fn write(&self, bytes: &[u8]) -> io::Result<()> {
        let file = self.0.file().ok_or(io::ErrorKind::NotFound)?;
        // Bytes first: a reader in between finds a report with more after it,
        // and not an empty file.
        write_at_start(file, bytes)?;
        file.set_len(bytes.len() as u64)
    }
}

fn not_regular() -> io::Error {
    io::Error::other("it is not a regular file")
}

fn symbolic_link() -> io::Error {
    io::Error::other("it is a symbolic link; refusing to follow it")
}
