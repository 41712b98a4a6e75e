//! Files for reports.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::windows::fs::{FileExt as _, OpenOptionsExt as _};
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::FILE_FLAG_OPEN_REPARSE_POINT;

/// Makes an opening follow no symbolic link.
pub(crate) fn open_carefully(options: &mut OpenOptions) -> &mut OpenOptions {
    options.custom_flags(FILE_FLAG_OPEN_REPARSE_POINT)
}

/// Writes `bytes` to the beginning of a file.
pub(crate) fn write_at_start(file: &File, bytes: &[u8]) -> io::Result<()> {
    match file.seek_write(bytes, 0)? {
        written if written == bytes.len() => Ok(()),
        _ => Err(io::ErrorKind::WriteZero.into()),
    }
}

/// Returns a path as the core takes it: UTF-8.
pub(crate) fn path_bytes(path: &Path) -> io::Result<&[u8]> {
    let text = path.to_str().ok_or(io::ErrorKind::InvalidInput)?;
    Ok(text.as_bytes())
}

/// Returns `false`: Windows has no devices and inodes.
pub(crate) fn is_standard_error(_file: &str) -> bool {
    false
}

/// Returns `false`: Windows does not say whether two handles are one file.
pub(crate) fn is_one_stream() -> bool {
    false
}
