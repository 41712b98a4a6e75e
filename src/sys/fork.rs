//! Registers a function for the child of a fork.

use std::io;

/// Has `in_child` called in every child that `fork` makes, before `fork`
/// returns there.
///
/// The child has one thread, and any lock may be held by one that it does not
/// have, so `in_child` must be async-signal-safe. `vfork`, `posix_spawn` and a
/// bare `clone` do not call it.
pub(crate) fn notify_child(in_child: extern "C" fn()) -> io::Result<()> {
    // SAFETY: each argument may be null or a function without arguments that
    // stays valid for the life of the process, as a Rust function does.
    match unsafe { libc::pthread_atfork(None, None, Some(as_unsafe(in_child))) } {
        0 => Ok(()),
        error => Err(io::Error::from_raw_os_error(error)),
    }
}

fn as_unsafe(f: extern "C" fn()) -> unsafe extern "C" fn() {
    f
}
