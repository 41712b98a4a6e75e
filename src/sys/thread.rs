//! The calling thread's name, as the system shows it.

use std::ffi::CString;

/// Names the calling thread for `ps`, `top` and `/proc`, which show up to 15
/// bytes. Bytes of zero are left out, and a character is not cut in two.
pub(crate) fn set_name(name: &str) {
    let mut bytes = Vec::with_capacity(16);
    for c in name.chars().filter(|c| *c != '\0') {
        if bytes.len() + c.len_utf8() > 15 {
            break;
        }
        bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes());
    }
    let Ok(name) = CString::new(bytes) else {
        return;
    };
    // SAFETY: `PR_SET_NAME` reads up to 16 bytes of a text that ends with zero,
    // and changes the calling thread only.
    unsafe { libc::prctl(libc::PR_SET_NAME, name.as_ptr()) };
}
