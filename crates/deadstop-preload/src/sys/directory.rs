//! The numbers in a directory of `/proc`.

use core::ffi::{CStr, c_int};

use super::descriptor::{close, open_directory};

/// Calls `found` with each name in `directory` that is a number.
pub(crate) fn numbers(directory: &CStr, mut found: impl FnMut(c_int)) {
    let Some(descriptor) = open_directory(directory) else {
        return;
    };
    let mut buffer = [0_u8; 2048];
    loop {
        // SAFETY: the pointer is valid for writes of the length given.
        let read = unsafe {
            libc::syscall(
                libc::SYS_getdents64,
                descriptor,
                buffer.as_mut_ptr(),
                buffer.len(),
            )
        };
        let entries = usize::try_from(read)
            .ok()
            .and_then(|read| buffer.get(..read));
        match entries {
            Some(entries @ [_, ..]) => each_number(entries, &mut found),
            _ => break,
        }
    }
    close(descriptor);
}

/// Reads `struct linux_dirent64`, several times.
fn each_number(mut entries: &[u8], found: &mut impl FnMut(c_int)) {
    // Two words, the entry's length, its type, and its name.
    const LEN: usize = 16;
    const NAME: usize = 19;
    while let Some(len) = entries.get(LEN..).and_then(<[u8]>::first_chunk) {
        let len = usize::from(u16::from_ne_bytes(*len)).max(NAME);
        let name = entries.get(NAME..len).unwrap_or(&[]);
        let name = CStr::from_bytes_until_nul(name).ok();
        if let Some(Ok(number)) = name.and_then(|name| name.to_str().ok()).map(str::parse) {
            found(number);
        }
        entries = entries.get(len..).unwrap_or(&[]);
    }
}
