//! The functions of the C library that this library replaces.
//!
//! The constructor looks all of them up: `dlsym` may lock, and a replaced function may
//! be called in a signal handler. Only a call before the constructor, from the
//! constructor of another library, looks its function up itself.

use core::ffi::{CStr, c_int, c_void};
use core::marker::PhantomData;
use core::mem::transmute_copy;
use core::ptr;
use core::sync::atomic::{AtomicPtr, Ordering};

/// A function of type `F` that comes after this library in the order of the loader.
#[derive(Debug)]
pub(crate) struct Next<F> {
    name: &'static CStr,
    address: AtomicPtr<c_void>,
    function: PhantomData<F>,
}

impl<F: Copy> Next<F> {
    /// # Safety
    ///
    /// `F` is a pointer to a function, and the type of the C library's function `name`.
    pub(crate) const unsafe fn new(name: &'static CStr) -> Self {
        Self {
            name,
            address: AtomicPtr::new(ptr::null_mut()),
            function: PhantomData,
        }
    }

    /// Returns the function; `None` if there is none.
    pub(crate) fn function(&self) -> Option<F> {
        const { assert!(size_of::<F>() == size_of::<*mut c_void>(), "not a pointer") };
        let known = self.address.load(Ordering::Acquire);
        let address = match known.is_null() {
            false => known,
            true => self.look_up(),
        };
        if address.is_null() {
            return None;
        }
        // SAFETY: `F` is the type of the function at this address, by the contract of `new`.
        Some(unsafe { transmute_copy::<*mut c_void, F>(&address) })
    }

    /// Looks the function up.
    pub(crate) fn look_up(&self) -> *mut c_void {
        // SAFETY: the name ends with zero.
        let found = unsafe { libc::dlsym(libc::RTLD_NEXT, self.name.as_ptr()) };
        self.address.store(found, Ordering::Release);
        found
    }
}

/// Returns what a replaced function returns if the C library has none: -1, with `errno` set.
pub(crate) fn missing<R: From<i8>>() -> R {
    set_errno(libc::ENOSYS);
    (-1).into()
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
