//! Standard error, as it was at install.

use std::fs::File;
use std::io::{self, Write};
use std::os::windows::io::AsHandle;

use crate::sys::verified_file::VerifiedFile;
use deadstop_core::Nanos;

/// A handle of deadstop's own for standard error: by the time of the report the
/// application may have set another.
#[derive(Debug)]
pub(super) struct Stderr(VerifiedFile);

/// As much as is written in one piece: time is looked at in between.
const PIECE: usize = 4096;

impl Stderr {
    /// Standard error as it is now; `None` if it is closed.
    pub(super) fn without_copy() -> Option<Self> {
        let stderr = io::stderr().as_handle().try_clone_to_owned().ok()?;
        VerifiedFile::new(File::from(stderr)).ok().map(Self)
    }

    /// The same: Windows opens no pipe once more.
    pub(super) fn with_copy() -> Option<Self> {
        Self::without_copy()
    }

    /// Writes `bytes` with one call, if standard error is a terminal. It may block for ever.
    #[cfg(feature = "terminal")]
    pub(super) fn write_to_terminal(&self, bytes: &[u8]) {
        if self.is_terminal() {
            self.write(bytes);
        }
    }

    fn write(&self, bytes: &[u8]) {
        if let Some(mut file) = self.0.file() {
            let _ = file.write(bytes);
        }
    }

    /// Writes whole lines before `until`. A pipe that takes nothing blocks the caller for
    /// ever: Windows does not say beforehand.
    pub(super) fn write_until(&self, text: &[u8], until: &dyn Fn() -> Nanos) {
        for piece in text.chunks(PIECE) {
            if until() <= deadstop_core::now() {
                return;
            }
            self.write(piece);
        }
    }

    #[cfg(feature = "terminal")]
    pub(super) fn is_terminal(&self) -> bool {
        self.0.file().is_some_and(io::IsTerminal::is_terminal)
    }

    /// Returns `None`: the view takes the usual size.
    #[cfg(feature = "terminal")]
    pub(super) fn size(&self) -> Option<(u16, u16)> {
        None
    }
}
