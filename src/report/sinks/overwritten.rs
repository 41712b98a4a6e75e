//! A file that a report is written over, from its beginning.

use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::Path;

use crate::kept::Kept;

/// A regular file of which a report is the whole content.
pub(super) struct Overwritten(Kept);

impl Overwritten {
    /// Opens `path` to be written over later; nothing is changed yet. What is
    /// there may be `most` bytes long.
    ///
    /// # Errors
    ///
    /// Fails if it cannot be written, if it is no regular file (one that could
    /// block), and if it is longer: a log that somebody has named by mistake is
    /// not to be written over.
    pub(super) fn open(path: &Path, create: bool, most: Option<u64>) -> io::Result<Self> {
        let file = OpenOptions::new()
            .write(true)
            .create(create)
            .truncate(false)
            .mode(0o644)
            // The opening of a fifo would wait for a reader.
            .custom_flags(libc::O_NONBLOCK | libc::O_NOCTTY)
            .open(path)
            // Of some, such as a fifo, the system's word for it is no help.
            .map_err(|error| match fs::metadata(path) {
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
                "it has {length} bytes, which a report has not: it is somebody's log"
            )));
        }
        Ok(Self(Kept::new(file)?))
    }

    /// Makes `bytes` the whole content, if the file is still ours. What fails
    /// is left: there is nobody to tell.
    pub(super) fn write(&self, bytes: &[u8]) {
        if let Some(file) = self.0.file() {
            // Bytes first: whoever reads meanwhile finds a report with more
            // behind it, and not an empty file.
            if file.write_all_at(bytes, 0).is_ok() {
                let _ = file.set_len(bytes.len() as u64);
            }
        }
    }
}

fn not_regular() -> io::Error {
    io::Error::other("it is not a regular file")
}
