//! Programs that are started with the signal mask from before `install`.

use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

use deadstop_core::sys::{SignalMask, SignalSet};

/// The signals that `install` has blocked in its thread.
static BLOCKED: AtomicU64 = AtomicU64::new(0);

/// Remembers which signals `install` has blocked, and which were blocked before.
pub(crate) fn remember_blocked(blocked: SignalSet) {
    BLOCKED.store(blocked.bits(), Ordering::Release);
}

/// Makes `command` start with the signals unblocked that
/// [`block_signals`](crate::ShutdownBuilder::block_signals) has blocked. Signals that
/// were blocked before stay blocked.
///
/// A program inherits the signal mask of the thread that starts it. If it starts with `SIGTERM`
/// blocked, it never receives that signal, and only `SIGKILL` ends it. Programs started after
/// [`block_signals`](crate::ShutdownBuilder::block_signals) need this; for other programs it
/// does nothing.
///
/// # Examples
///
/// ```
/// use std::process::Command;
///
/// let mut command = Command::new("true");
/// let status = deadstop::signals::unblock_signals(&mut command).status()?;
/// assert!(status.success());
/// # Ok::<(), std::io::Error>(())
/// ```
///
/// # Async-signal-safety
///
/// Not async-signal-safe: it allocates.
pub fn unblock_signals(command: &mut Command) -> &mut Command {
    let unmask = || {
        SignalMask::unblock(SignalSet::from_bits(BLOCKED.load(Ordering::Acquire)));
        Ok(())
    };
    // SAFETY: the closure runs in the child between `fork` and `exec`, and
    // makes one async-signal-safe call.
    unsafe { command.pre_exec(unmask) }
}
