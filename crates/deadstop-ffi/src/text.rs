//! Texts that cross the interface.

use std::ffi::{CStr, c_char};

use crate::error::Failure;

/// Returns the text at `pointer`; `None` for null.
///
/// # Safety
///
/// `pointer` must be null, or point to a text that ends with a null byte and does not
/// change during `'a`.
pub(crate) unsafe fn optional<'a>(
    pointer: *const c_char,
    what: &str,
) -> Result<Option<&'a str>, Failure> {
    if pointer.is_null() {
        return Ok(None);
    }
    // SAFETY: it is not null; the rest is the caller's contract.
    let text = unsafe { CStr::from_ptr(pointer) };
    match text.to_str() {
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Failure::argument(format!("`{what}` is not UTF-8"))),
    }
}

/// Does the same as [`optional`], and refuses null.
///
/// # Safety
///
/// As for [`optional`].
pub(crate) unsafe fn required<'a>(pointer: *const c_char, what: &str) -> Result<&'a str, Failure> {
    // SAFETY: the caller's contract.
    let text = unsafe { optional(pointer, what) }?;
    text.ok_or_else(|| Failure::argument(format!("`{what}` is null; a text is required")))
}

/// Copies `text` to a buffer of `size` bytes as snprintf(3) does: as much as fits, with a
/// null byte at its end. Returns the length of all of `text`.
///
/// # Safety
///
/// `buffer` must be valid for writes of `size` bytes, or `size` be 0.
pub(crate) unsafe fn copy(text: &str, buffer: *mut c_char, size: usize) -> i64 {
    if size > 0 && !buffer.is_null() {
        let length = text.len().min(size - 1);
        // SAFETY: `length` bytes are in both; Rust's text and the caller's buffer do not
        // overlap.
        unsafe { buffer.copy_from_nonoverlapping(text.as_ptr().cast(), length) };
        // SAFETY: `length` is less than `size`.
        let end = unsafe { buffer.add(length) };
        // SAFETY: as above.
        unsafe { end.write(0) };
    }
    i64::try_from(text.len()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn copy_cuts_like_snprintf_and_returns_the_whole_length() {
        let mut buffer = [0x7f as c_char; 4];
        // SAFETY: the buffer has four bytes.
        let length = unsafe { copy("deadline", buffer.as_mut_ptr(), buffer.len()) };
        assert_eq!(length, 8);
        assert_eq!(buffer, [b'd' as c_char, b'e' as c_char, b'a' as c_char, 0]);
        // SAFETY: nothing is written.
        assert_eq!(unsafe { copy("deadline", std::ptr::null_mut(), 0) }, 8);
    }

    #[test]
    fn text_that_is_null_or_not_utf8_is_refused() {
        // SAFETY: null is allowed.
        assert!(unsafe { required(std::ptr::null(), "name") }.is_err());
        // SAFETY: a text with a null byte at its end.
        assert!(unsafe { required(c"\xff".as_ptr(), "name") }.is_err());
        // SAFETY: as above.
        let text = unsafe { required(c"flush".as_ptr(), "name") };
        assert_eq!(text.ok(), Some("flush"));
    }
}
