//! The functions of the C library that this library replaces.
//!
//! The constructor looks all of them up: `dlsym` may lock, and a replaced function may
//! be called in a signal handler. Only a call before the constructor, from the
//! constructor of another library, looks its function up itself.

use core::ffi::{CStr, c_int, c_void};
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A function that comes after this library in the order of the loader.
#[derive(Debug)]
pub(crate) struct Next {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
}

impl Next {
    pub(crate) const fn new(name: &'static CStr) -> Self {
        Self {
            name,
            address: AtomicPtr::new(ptr::null_mut()),
        }
    }

    /// Returns the function's address; null if there is none.
    pub(crate) fn address(&self) -> *mut c_void {
        let known = self.address.load(Ordering::Acquire);
        match known.is_null() {
            false => known,
            true => self.look_up(),
        }
    }

    /// Looks the function up.
    pub(crate) fn look_up(&self) -> *mut c_void {
        // SAFETY: the name ends with zero.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        self.address.store(found, Ordering::Release);
        found
    }
}

/// Returns the address of a symbol of the program or its libraries; null if there is
/// none. For the constructor.
pub(crate) fn symbol(name: &CStr) -> *mut c_void {
    // SAFETY: the name ends with zero.
    unsafe { libc::dlsym(libc::RTLD_DEFAULT, name.as_ptr()) }
}

/// Sets the calling thread's `errno`. Async-signal-safe.
pub(crate) fn set_errno(error: c_int) {
    // SAFETY: no precondition; it returns the address of the thread's own `errno`.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: the address is valid for as long as the thread lives.
    unsafe { errno.write(error) };
}
