//! What asks for the end: a signal, a panic, a call.
//!
//! A trigger arms the watchdog, notes the cause if it is the first, and counts
//! an event that the coordinator waits for. No more: it may be running in a
//! signal handler, in a panic hook, or on a thread of somebody else's.

pub(crate) mod first;
pub(crate) mod panic;
pub(crate) mod second;
pub(crate) mod signal;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::cause::Cause;
use crate::installation::WATCH;
use crate::kill_path::EventCount;
use crate::report::{self, ROSTER};

pub use panic::Panics;

use self::first::First;

/// The first trigger of the process.
pub(crate) static FIRST: First = First::none();

/// Counts the triggers.
pub(crate) static TRIGGERED: EventCount = EventCount::new();

/// The grace that triggers give, in nanoseconds, for handlers to read. One word,
/// with which nothing is passed on, so there is nothing for loom to see.
static GRACE: AtomicU64 = AtomicU64::new(0);

/// Sets the grace that triggers give.
pub(crate) fn set_grace(grace: Duration) {
    let nanos = u64::try_from(grace.as_nanos()).unwrap_or(u64::MAX);
    GRACE.store(nanos, Ordering::Release);
}

/// Arms the watchdog with the grace of triggers. False where there is none.
/// Async-signal-safe.
fn arm() -> bool {
    WATCH.arm(Duration::from_nanos(GRACE.load(Ordering::Acquire)))
}

/// Begins the shutdown, from anywhere but a handler. Whether it was the first
/// trigger; `None` where there is no watchdog.
///
/// The watchdog is armed before `cause` is made and noted: that may allocate
/// and take a lock, and so hang.
pub(crate) fn request(cause: impl FnOnce() -> Cause) -> Option<bool> {
    request_from(0, cause)
}

/// Like [`request`], from the phase at `place` on.
pub(crate) fn request_from(place: usize, cause: impl FnOnce() -> Cause) -> Option<bool> {
    if !arm() {
        return None;
    }
    let cause = cause();
    let words = report::in_words(&cause);
    let first = FIRST.note(cause, place);
    if first {
        ROSTER.cause.write(words.as_str());
    }
    TRIGGERED.advance();
    Some(first)
}

/// Forgets what happened in the parent, in a child of `fork` that installs a
/// shutdown of its own.
pub(crate) fn forget() {
    ROSTER.forget();
    FIRST.forget();
    signal::forget();
}
