//! Files for reports.

use std::fs::{File, OpenOptions};
use std::io::{self, IsTerminal as _};
use std::os::fd::AsFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{FileExt as _, FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::Path;

/// Makes an opening wait for no reader and follow no symbolic link, and a new file
/// readable by its owner alone.
pub(crate) fn open_carefully(options: &mut OpenOptions) -> &mut OpenOptions {
    // The opening of a fifo would wait for a reader; a symbolic link leads to a file that
    // another user may have chosen.
    let flags = libc::O_NONBLOCK | libc::O_NOCTTY | libc::O_NOFOLLOW;
    options.mode(0o600).custom_flags(flags)
}

/// Writes `bytes` to the beginning of a file.
pub(crate) fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<()> {
    file.write_all_at(bytes, 0)
}

/// Returns a path as the core takes it.
pub(crate) fn path_bytes(path: &Path) -> io::Result<&[u8]> {
    Ok(path.as_os_str().as_bytes())
}

/// Returns `true` if standard error is the file `DEVICE:INODE`.
pub(crate) fn is_standard_error(file: &str) -> bool {
    let stderr = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let metadata = stderr.and_then(|stderr| stderr.metadata());
    metadata.is_ok_and(|it| file == format!("{}:{}", it.dev(), it.ino()))
}

/// Returns `true` if standard output and standard error are one file that has a reader: a pipe, a
/// terminal, a log; not `/dev/null`.
pub(crate) fn is_one_stream() -> bool {
    let out = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    let error = io::stderr().as_fd().try_clone_to_owned().map(File::from);
    let (Ok(out), Ok(error)) = (out, error) else {
        return false;
    };
    let (Ok(one), Ok(other)) = (out.metadata(), error.metadata()) else {
        return false;
    };
    let is_same = (one.dev(), one.ino()) == (other.dev(), other.ino());
    is_same && (error.is_terminal() || !one.file_type().is_char_device())
}
