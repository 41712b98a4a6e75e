//! The end of a process whose shutdown is over.

use std::io::Write as _;

// The C library's, which the crate `libc` does not declare.
unsafe extern "C" {
    /// Runs the exit handlers and flushes the streams, and returns.
    fn _cexit();
}

/// Runs the exit handlers and ends the process.
///
/// `std::process::exit` would call `ExitProcess`, which ends the watchdog before it runs
/// the `DllMain` of every library. Here the watchdog lives until the end, and no `DllMain`
/// runs.
pub(crate) fn exit(status: u8) -> ! {
    let _ = std::io::stdout().flush();
    // SAFETY: no precondition. A handler that calls it again finds none left.
    unsafe { _cexit() };
    deadstop_core::sys::terminate(status.into())
}
