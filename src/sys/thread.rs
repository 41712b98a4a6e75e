//! The calling thread's name, as the system shows it.

/// Names the calling thread for `ps`, `top` and `/proc`, which show up to 15
/// bytes. Bytes of zero are left out, and a character is not cut in two.
pub(crate) fn set_name(name: &str) {
    let mut bytes = [0; 16];
    let mut len = 0;
    for c in name.chars().filter(|c| *c != '\0') {
        if len + c.len_utf8() > 15 {
            break;
        }
        c.encode_utf8(&mut bytes[len..]);
        len += c.len_utf8();
    }
    // SAFETY: `PR_SET_NAME` reads up to 16 bytes of a text that ends with zero,
    // and changes the calling thread only. At most 15 of these are not zero.
    unsafe { libc::prctl(libc::PR_SET_NAME, bytes.as_ptr()) };
}
