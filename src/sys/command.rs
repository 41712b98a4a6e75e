//! Programs that are started with every signal let through.

use std::os::unix::process::CommandExt;
use std::process::Command;

use crate::kill_path::Mask;

/// Has `command` start with no signal blocked, whatever its parent blocks.
///
/// A program inherits the mask of the thread that starts it. One that begins
/// with `SIGTERM` blocked never hears it, and has to be ended by `SIGKILL`.
/// Programs started after [`mask_signals`](crate::ShutdownBuilder::mask_signals)
/// need this; for others it does nothing.
///
/// # Examples
///
/// ```
/// use std::process::Command;
///
/// let mut command = Command::new("true");
/// let status = deadstop::unmask_signals(&mut command).status()?;
/// assert!(status.success());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Async-signal-safety
///
/// Not async-signal-safe: it allocates.
pub fn unmask_signals(command: &mut Command) -> &mut Command {
    let unmask = || {
        Mask::hear_all();
        Ok(())
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`, and
    // makes one async-signal-safe call.
    unsafe { command.pre_exec(unmask) }
}
