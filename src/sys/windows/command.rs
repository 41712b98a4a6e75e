//! Programs that are started: Windows has no signal mask that they could inherit.

use std::process::Command;

use deadstop_core::sys::SignalSet;

/// Does nothing.
pub(crate) fn remember_blocked(_blocked: SignalSet) {}

/// Returns `command` as it is: on other systems it makes a program start with the signals
/// unblocked that the shutdown has blocked.
pub fn unblock_signals(command: &mut Command) -> &mut Command {
    command
}
