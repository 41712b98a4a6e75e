//! Exit handlers: called when the program calls `exit` or returns from `main`.

#[cfg(all(target_os = "linux", target_env = "gnu"))]
use std::ffi::{c_int, c_void};
use std::io;
use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

/// The handler. There is one in the process.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// Makes `exit` call `handler`, before the handlers that were registered earlier,
/// with the status that `exit` was called with, if the C library says it.
pub(crate) fn register(handler: fn(Option<i32>)) -> io::Result<()> {
    HANDLER.store(handler as *mut (), Ordering::Release);
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: the function stays valid for the life of the process, and does not
    // unwind: a panic in an `extern "C"` function aborts. The argument is unused.
    let refused = unsafe { on_exit(call_with_status, ptr::null_mut()) };
    #[cfg(not(all(target_os = "linux", target_env = "gnu")))]
    // SAFETY: as above.
    let refused = unsafe { libc::atexit(at_exit) };
    match refused {
        0 => Ok(()),
        _ => Err(io::Error::from_raw_os_error(libc::ENOMEM)),
    }
}

// glibc's, which the crate `libc` does not declare.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
unsafe extern "C" {
    fn on_exit(function: extern "C" fn(c_int, *mut c_void), argument: *mut c_void) -> c_int;
}

#[cfg(all(target_os = "linux", target_env = "gnu"))]
extern "C" fn call_with_status(status: c_int, _argument: *mut c_void) {
    // As waitpid(2) yields it.
    call(Some(status & 0xff));
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
extern "C" fn at_exit() {
    call(None);
}

fn call(status: Option<i32>) {
    let handler = HANDLER.load(Ordering::Acquire);
    if handler.is_null() {
        return;
    }
    // SAFETY: `register` has stored a function of this type, and nothing else is
    // ever stored.
    let handler = unsafe { std::mem::transmute::<*mut (), fn(Option<i32>)>(handler) };
    handler(status);
}

/// Flushes the streams of the C library, as `exit` does.
pub(crate) fn flush_streams() {
    // SAFETY: a null stream stands for all that are open for output.
    unsafe { libc::fflush(ptr::null_mut()) };
}
