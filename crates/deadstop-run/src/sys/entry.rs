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
    let status = run::main(arguments.collect());
    // `exit` would wait for locks that a thread may hold which is blocked in a write.
    // SAFETY: one integer.
    unsafe { libc::_exit(status.into()) }
}
