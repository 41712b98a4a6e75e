//! One write, and what a short or failed one means: nothing.

use ::core::ffi::c_int;

/// Writes `bytes` to `descriptor` with one write(2). It may block for ever.
///
/// A pipe takes up to 4,096 bytes in one piece, so that lines of several
/// writers do not mix. Whatever is not written is lost: there is nobody to
/// tell, and no time to try again.
///
/// Async-signal-safe.
pub(in crate::kill_path) fn write(descriptor: c_int, bytes: &[u8]) {
    // SAFETY: the pointer and the length are those of one live slice. A
    // descriptor that is closed or of another kind is an error, not a hazard.
    unsafe { ::libc::write(descriptor, bytes.as_ptr().cast(), bytes.len()) };
}
