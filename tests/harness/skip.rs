//! Skips a test that the system does not allow.

use std::io::{self, Write as _};

/// Prints that a test is skipped, and why. Fails if `DEADSTOP_NO_SKIPS` is set.
#[track_caller]
pub(crate) fn skip(reason: &str) {
    assert!(
        std::env::var_os("DEADSTOP_NO_SKIPS").is_none(),
        "a test would be skipped: {reason}"
    );
    // The macro's output is captured in a test that passes.
    let _ = writeln!(io::stderr(), "skipped: {reason}");
}
