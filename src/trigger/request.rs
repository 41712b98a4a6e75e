//! Calls as triggers.

use std::sync::atomic::{AtomicBool, Ordering};

use super::grace;
use crate::cause::Cause;
use crate::cause_text::cause_text;
use crate::process::{self, FIRST, ROSTER, SIGNALS};
use crate::sys::published::Published;

/// The function that the first thread that may allocate and lock calls once, as the shutdown
/// begins.
static ON_BEGIN: Published<fn()> = Published::nothing();

/// Set once [`ON_BEGIN`] was called.
static HAS_BEGUN: AtomicBool = AtomicBool::new(false);

/// Begins the shutdown, from any place except a signal handler. Returns
/// whether it was the first trigger; `None` where there is no watchdog.
///
/// The watchdog is armed before `cause` is made and noted: that may allocate,
/// and so hang.
pub(crate) fn request(cause: impl FnOnce() -> Cause) -> Option<bool> {
    let first = request_from(0, cause)?;
    process::wake_for_trigger();
    Some(first)
}

/// Does the same as [`request`], from the phase with the index `from` on, and wakes
/// only the watchdog: the caller makes the coordinator begin.
pub(crate) fn request_from(from: usize, cause: impl FnOnce() -> Cause) -> Option<bool> {
    if !grace::arm() {
        process::warn_if_forked();
        return None;
    }
    let cause = cause();
    let text = cause_text(&cause);
    let first = FIRST.note(cause, from);
    if first {
        ROSTER.cause.write(text.as_str());
    }
    begin();
    Some(first)
}

/// Sets the function that is called once as the shutdown begins.
pub(crate) fn on_begin(call: fn()) {
    ON_BEGIN.replace(Box::new(call));
}

/// Calls the function of [`on_begin`], unless that was done. A thread that knows of the
/// request may call `exit` before the coordinator has run at all, so each that can learn
/// of it calls this first. It may allocate: not in a handler.
pub(crate) fn begin() {
    if !HAS_BEGUN.swap(true, Ordering::AcqRel) {
        if let Some(call) = ON_BEGIN.get() {
            call();
        }
    }
}

/// Notes that the coordinator has begun the shutdown: from 200 ms after this
/// point on, a signal is a second one.
pub(crate) fn note_shutdown_begun() {
    SIGNALS.first.note_acted_upon(deadstop_core::now());
    begin();
}

/// Makes the state that of a process without a trigger, for an `install` that
/// begins.
pub(crate) fn reset() {
    HAS_BEGUN.store(false, Ordering::Release);
    ROSTER.cause.reset_after_fork();
    // Only a child inherits tasks. Written at each install, 64 KiB would be resident.
    if process::is_forked() {
        ROSTER.reset_after_fork();
    }
    FIRST.reset_after_fork();
    SIGNALS.reset_after_fork();
}
