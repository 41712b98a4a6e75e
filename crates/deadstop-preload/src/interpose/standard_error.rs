//! `dup2`, `dup3` and `freopen`, by which a program gives itself another standard error.
//!
//! The report is written to number 2 only while that is standard error: a daemon closes it,
//! and the number may be a file of its data. A shell's `exec 2>file` is meant.

use core::ffi::{c_char, c_int};

use deadstop_core::sys::ErrnoGuard;
use libc::FILE;

use crate::sys::next::{Next, missing, set_errno};
use crate::{report, watch};

type Dup2 = unsafe extern "C" fn(c_int, c_int) -> c_int;
type Dup3 = unsafe extern "C" fn(c_int, c_int, c_int) -> c_int;
type Reopen = unsafe extern "C-unwind" fn(*const c_char, *const c_char, *mut FILE) -> *mut FILE;

// SAFETY: the type of that function in the C library.
static DUP2: Next<Dup2> = unsafe { Next::new(c"dup2") };
// SAFETY: the type of that function in the C library.
static DUP3: Next<Dup3> = unsafe { Next::new(c"dup3") };
// SAFETY: the type of that function in the C library.
static FREOPEN: Next<Reopen> = unsafe { Next::new(c"freopen") };
#[cfg(target_env = "gnu")]
// SAFETY: the type of that function in the C library.
static FREOPEN64: Next<Reopen> = unsafe { Next::new(c"freopen64") };

pub(super) fn look_up() {
    DUP2.look_up();
    DUP3.look_up();
    FREOPEN.look_up();
    #[cfg(target_env = "gnu")]
    FREOPEN64.look_up();
}

/// Remembers the file of `descriptor`, if that is standard error. A child of `vfork` has
/// descriptors of its own, but the memory of its parent.
fn replaced(descriptor: c_int) {
    if descriptor == report::STANDARD_ERROR {
        let _errno = ErrnoGuard::save();
        if watch::is_home() {
            report::remember_standard_error();
        }
    }
}

/// POSIX's `dup2`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn dup2(from: c_int, to: c_int) -> c_int {
    let Some(real) = DUP2.function() else {
        return missing();
    };
    // SAFETY: the caller's contract.
    let made = unsafe { real(from, to) };
    replaced(made);
    made
}

/// Linux's `dup3`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn dup3(from: c_int, to: c_int, flags: c_int) -> c_int {
    let Some(real) = DUP3.function() else {
        return missing();
    };
    // SAFETY: the caller's contract.
    let made = unsafe { real(from, to, flags) };
    replaced(made);
    made
}

unsafe fn reopen(
    next: &Next<Reopen>,
    path: *const c_char,
    mode: *const c_char,
    stream: *mut FILE,
) -> *mut FILE {
    let Some(real) = next.function() else {
        set_errno(libc::ENOSYS);
        return core::ptr::null_mut();
    };
    // SAFETY: the caller's contract.
    let stream = unsafe { real(path, mode, stream) };
    if !stream.is_null() {
        let _errno = ErrnoGuard::save();
        // SAFETY: the stream is open.
        replaced(unsafe { libc::fileno(stream) });
    }
    stream
}

/// C's `freopen`. It is a cancellation point.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn freopen(
    path: *const c_char,
    mode: *const c_char,
    stream: *mut FILE,
) -> *mut FILE {
    // SAFETY: the caller's contract.
    unsafe { reopen(&FREOPEN, path, mode, stream) }
}

/// The same, for files of any length.
#[cfg(target_env = "gnu")]
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C-unwind" fn freopen64(
    path: *const c_char,
    mode: *const c_char,
    stream: *mut FILE,
) -> *mut FILE {
    // SAFETY: the caller's contract.
    unsafe { reopen(&FREOPEN64, path, mode, stream) }
}
