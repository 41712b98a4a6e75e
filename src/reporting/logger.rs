//! Calls the application's logger, which may panic.

use crate::contain::contain;
use crate::threads::with_program_mask;

/// Calls the application's logger, with the signal mask that the application's
/// threads have. One that panics costs its record, not the thread, and so not the
/// records after it.
pub(super) fn guarded(call: impl FnOnce()) {
    with_program_mask(|| {
        let _ = contain(call);
    });
}
