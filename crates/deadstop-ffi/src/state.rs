//! The process's shutdown, as one pointer that signal handlers may read.
//!
//! # Orderings
//!
//! The value is written before the pointer (`Release`), and read after it (`Acquire`). It
//! is never freed: a handler may be reading it.

use std::ptr;
use std::sync::atomic::{AtomicPtr, Ordering};

use deadstop::Shutdown;
use deadstop_core::sys::SignalSet;

use crate::error::{DEADSTOP_ERROR_NOT_INSTALLED, Failure};

/// The result of `deadstop_install`.
pub(crate) struct Installed {
    /// The process that installed. A child of fork inherits the rest.
    pub(crate) pid: i32,
    pub(crate) shutdown: Shutdown,
    /// The signals in front of whose handlers deadstop's is put.
    pub(crate) chained: SignalSet,
}

static INSTALLED: AtomicPtr<Installed> = AtomicPtr::new(ptr::null_mut());

/// Makes `installed` the process's.
pub(crate) fn set(installed: Installed) {
    INSTALLED.store(Box::into_raw(Box::new(installed)), Ordering::Release);
}

/// Returns the installation of this process, or of a parent. Async-signal-safe.
pub(crate) fn inherited() -> Option<&'static Installed> {
    let pointer = INSTALLED.load(Ordering::Acquire);
    // SAFETY: null, or a box that was leaked by `set` and is only read since.
    unsafe { pointer.as_ref() }
}

/// Returns the installation of this process. Async-signal-safe.
pub(crate) fn own() -> Option<&'static Installed> {
    inherited().filter(|installed| installed.pid == deadstop_core::pid())
}

/// Does the same as [`own`], or says why there is nothing.
pub(crate) fn required() -> Result<&'static Installed, Failure> {
    match (own(), inherited()) {
        (Some(installed), _) => Ok(installed),
        (None, Some(_)) => Err(Failure::forked()),
        (None, None) => Err(Failure::new(
            DEADSTOP_ERROR_NOT_INSTALLED,
            "deadstop_install has not been called, or it failed",
        )),
    }
}
