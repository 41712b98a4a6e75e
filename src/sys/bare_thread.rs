//! Threads by `pthread_create`, for code of deadstop alone.
//!
//! A thread of `std`'s is 24 KB of program, maps a signal stack, and allocates as it starts,
//! which gives it a heap of its own. A thread that watches needs none of that.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::MaybeUninit;
use std::panic::{self, AssertUnwindSafe};
use std::ptr;

use super::thread::set_name;
use deadstop_core::threads::own::OwnThread;

/// The code of a thread.
pub(crate) type Life = Box<dyn FnOnce() + Send>;

struct Start {
    name: &'static str,
    life: Life,
}

/// Starts a thread with `stack` bytes, or more if the thread-local variables of the program
/// need more. It allocates and frees nothing before `life` ends. A panic ends it alone.
///
/// # Errors
///
/// Fails if the system refuses the thread.
pub(crate) fn spawn(name: &'static str, stack: usize, life: Life) -> io::Result<()> {
    let start = Box::into_raw(Box::new(Start { name, life }));
    let mut result = create(Some(stack), start);
    if result == libc::EINVAL {
        // The thread-local variables do not fit.
        result = create(None, start);
    }
    if result != 0 {
        // SAFETY: the box was made above, and no thread was started that could use it.
        drop(unsafe { Box::from_raw(start) });
        return Err(io::Error::from_raw_os_error(result));
    }
    Ok(())
}

/// Creates a thread, which owns `start` if this returns 0.
fn create(stack: Option<usize>, start: *mut Start) -> c_int {
    let mut attributes = MaybeUninit::<libc::pthread_attr_t>::uninit();
    let attributes = attributes.as_mut_ptr();
    // SAFETY: the pointer is valid for writes.
    let mut result = unsafe { libc::pthread_attr_init(attributes) };
    if result != 0 {
        return result;
    }
    // SAFETY: the attributes were initialized above.
    unsafe { libc::pthread_attr_setdetachstate(attributes, libc::PTHREAD_CREATE_DETACHED) };
    if let Some(stack) = stack {
        // SAFETY: the attributes were initialized above.
        result = unsafe { libc::pthread_attr_setstacksize(attributes, stack) };
    }
    if result == 0 {
        let mut thread = MaybeUninit::uninit();
        // SAFETY: the first pointer is valid for writes and the second for reads; `run` takes
        // a pointer of the kind of `start`.
        result = unsafe {
            libc::pthread_create(thread.as_mut_ptr(), attributes, run, start.cast::<c_void>())
        };
    }
    // SAFETY: the attributes were initialized above, and are not used again.
    unsafe { libc::pthread_attr_destroy(attributes) };
    result
}

extern "C" fn run(start: *mut c_void) -> *mut c_void {
    // SAFETY: `spawn` made the box, and gives it to this thread alone.
    let start = unsafe { Box::from_raw(start.cast::<Start>()) };
    set_name(start.name);
    let _own = OwnThread::mark();
    let life = AssertUnwindSafe(start.life);
    // The rest of the box is freed after that.
    let _ = panic::catch_unwind(life);
    ptr::null_mut()
}
