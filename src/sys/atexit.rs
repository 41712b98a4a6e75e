//! Being told that the program has called `exit`, or returned from `main`.

use std::io;

/// Has `handler` called by `exit`, before the handlers registered earlier.
pub(crate) fn register(handler: extern "C" fn()) -> io::Result<()> {
    // SAFETY: the handler stays valid for the life of the process, and does not
    // unwind: a panic in an `extern "C"` function aborts.
    match unsafe { libc::atexit(handler) } {
        0 => Ok(()),
        _ => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
    }
}
