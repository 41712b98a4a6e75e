//! The sentence about signals whose handler other code has replaced.

use crate::signal::Signal;

/// Returns the warning about `signals`, of which there is at least one. It is hedged: the new
/// handler may call deadstop's.
#[cold]
pub(crate) fn replaced_warning(signals: &[Signal]) -> String {
    let names: Vec<String> = signals.iter().map(Signal::to_string).collect();
    format!(
        "other code has replaced deadstop's handler of {} since install: unless its handler \
         calls deadstop's, the signal does not begin the shutdown; install deadstop after that \
         code, or call `Shutdown::notify_signal` from its handler (without a `Shutdown`, \
         `Watchdog::arm`)",
        names.join(", ")
    )
}
