//! Functions of Python, found by name in the running program.

use core::ffi::{CStr, c_char, c_int, c_void};
use core::ptr;

use super::next::symbol;

type GetVersion = unsafe extern "C" fn() -> *const c_char;
type DumpThreads = unsafe extern "C" fn(c_int, *mut c_void, *mut c_void) -> *const c_char;

/// Returns the version of the Python in this process: `3.11.2 (main, ...)`.
pub(crate) fn version() -> Option<&'static str> {
    let address = symbol(c"Py_GetVersion");
    if address.is_null() {
        return None;
    }
    // SAFETY: the function of that name in Python's stable ABI.
    let function = unsafe { core::mem::transmute::<*mut c_void, GetVersion>(address) };
    // SAFETY: no precondition; it may be called before Python is initialized.
    let version = unsafe { function() };
    // SAFETY: a text that ends with zero and is never freed.
    unsafe { CStr::from_ptr(version) }.to_str().ok()
}

/// Writes the stacks of Python's threads to `descriptor`. For a signal handler on a
/// thread of Python: the function is written for that.
pub(crate) fn dump_threads(function: *mut c_void, descriptor: c_int) {
    // SAFETY: the caller has found the function by its name, in a version of Python
    // that has it with these arguments.
    let function = unsafe { core::mem::transmute::<*mut c_void, DumpThreads>(function) };
    // SAFETY: null stands for the interpreter and the thread that run here.
    unsafe { function(descriptor, ptr::null_mut(), ptr::null_mut()) };
}
