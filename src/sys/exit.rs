//! The end of a process whose shutdown is over.

/// Runs the exit handlers and ends the process.
#[expect(clippy::exit, reason = "the program asked for it")]
pub(crate) fn exit(status: u8) -> ! {
    std::process::exit(status.into())
}
