//! Errors of the core, which returns them as numbers of the C library: they are not those
//! of Windows.

use std::io;

/// Returns an error without a number: the system does not have what was asked for.
pub(crate) fn error(_number: i32) -> io::Error {
    io::ErrorKind::Unsupported.into()
}
