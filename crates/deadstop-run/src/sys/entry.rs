//! The entry point, in place of the standard library's, which would ignore `SIGPIPE`.

use std::ffi::{CStr, OsString, c_char, c_int};
use std::os::unix::ffi::OsStringExt;

use crate::run;

/// C's `main`.
#[cfg_attr(not(test), unsafe(no_mangle))]
extern "C" fn main(count: c_int, arguments: *const *const c_char) -> c_int {
    let count = usize::try_from(count).unwrap_or(0);
    let arguments = (1..count).map(|n| {
        // SAFETY: the array has `count` pointers, valid for the life of the process.
        let argument = unsafe { arguments.wrapping_add(n).read() };
        // SAFETY: each is a text that ends with zero.
        let argument = unsafe { CStr::from_ptr(argument) };
        OsString::from_vec(argument.to_bytes().to_vec())
    });
    fill_standard_numbers();
    let status = run::main(arguments.collect());
    // `exit` would wait for locks that a thread may hold which is blocked in a write.
    // SAFETY: one integer.
    unsafe { libc::_exit(status.into()) }
}

/// Opens `/dev/null` under those of the numbers 0, 1 and 2 that are closed, as the standard
/// library's `main` does: a line for standard error must not go into another file. The
/// program finds them closed again.
fn fill_standard_numbers() {
    for number in 0..3 {
        // SAFETY: integers.
        if unsafe { libc::fcntl(number, libc::F_GETFD) } < 0 {
            // The lowest free number is this one.
            // SAFETY: the path ends with zero.
            unsafe { libc::open(c"/dev/null".as_ptr(), libc::O_RDWR | libc::O_CLOEXEC) };
        }
    }
}
