//! Exit handlers: called when the program calls `exit` or `quick_exit`, or returns from
//! `main`.

#[cfg(any(target_os = "linux", target_os = "freebsd"))]
use std::ffi::c_int;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::ffi::c_void;
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The way in which the program leaves the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Exit {
    /// The status, if the C library says it.
    pub(crate) status: Option<i32>,
    /// Set for `quick_exit`, which flushes no stream.
    pub(crate) is_quick: bool,
}

/// The handler. There is one in the process.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Makes `exit` and `quick_exit` call `handler`, before the handlers that were registered
/// earlier.
///
/// # Errors
///
/// Fails if `exit` will not call it. That `quick_exit` will not is no error: a C library may
/// not have it, or take no more than 32 handlers.
#[inline(never)] // Not in an unrolled loop.
pub(crate) fn register(handler: fn(Exit)) -> io::Result<()> {
    HANDLER.store(handler as *mut (), Ordering::Release);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function stays valid for the life of the process, and does not
    // unwind: a panic in an `extern "C"` function aborts. The argument is unused.
    let refused = unsafe { on_exit(call_with_status, ptr::null_mut()) };
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    // SAFETY: as above.
    let refused = unsafe { libc::atexit(at_exit) };
    if refused != 0 {
        return Err(io::Error::from_raw_os_error(libc::ENOMEM));
    }
    register_quick();
    Ok(())
}

#[cfg(any(
    all(target_os = "linux", any(target_env = "gnu", target_env = "musl")),
    target_os = "freebsd"
))]
fn register_quick() {
    // C11's, which the crate `libc` does not declare.
    unsafe extern "C" {
        fn at_quick_exit(function: extern "C" fn()) -> c_int;
    }
    extern "C" fn call_quick() {
        call(Exit {
            status: None,
            is_quick: true,
        });
    }
    // SAFETY: as for `on_exit` above.
    let _ = unsafe { at_quick_exit(call_quick) };
}

#[cfg(not(any(
    all(target_os = "linux", any(target_env = "gnu", target_env = "musl")),
    target_os = "freebsd"
)))]
fn register_quick() {}

// glibc's, which the crate `libc` does not declare.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
extern "C" fn call_with_status(status: c_int, _argument: *mut c_void) {
    // As waitpid(2) yields it.
    call(Exit {
        status: Some(status & 0xff),
        is_quick: false,
    });
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
extern "C" fn at_exit() {
    call(Exit {
        status: None,
        is_quick: false,
    });
}

fn call(exit: Exit) {
    let handler = HANDLER.load(Ordering::Acquire);
    if handler.is_null() {
        return;
    }
    // SAFETY: `register` has stored a function of this type, and nothing else is
    // ever stored.
    let handler = unsafe { std::mem::transmute::<*mut (), fn(Exit)>(handler) };
    handler(exit);
}

/// Flushes the streams of the C library, as `exit` does.
pub(crate) fn flush_streams() {
    // SAFETY: a null stream stands for all that are open for output.
    unsafe { libc::fflush(ptr::null_mut()) };
}
