//! Calls the application's logger, which may panic.

use std::fmt::Display;

use log::Level;

use crate::contain::contain;
use crate::threads::with_program_mask;

/// Calls the application's logger, with the signal mask that the application's
/// threads have. One that panics costs its record, not the thread, and so not the
/// records after it.
pub(super) fn guarded(call: Box<dyn FnOnce() + '_>) {
    with_program_mask(|| {
        let _ = contain(call);
    });
}

/// Hands a record to the application's logger.
#[inline(never)] // Three callers.
pub(super) fn log(level: Level, text: &dyn Display) {
    guarded(Box::new(|| {
        log::log!(target: "deadstop", level, "{text}");
    }));
}
