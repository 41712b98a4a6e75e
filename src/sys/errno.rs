//! Errors of the core, which returns them as numbers.

use std::io;

/// Returns the error that the core's number stands for.
pub(crate) fn error(number: i32) -> io::Error {
    io::Error::from_raw_os_error(number)
}
