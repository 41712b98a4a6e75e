//! Panics as triggers.

#[cfg(feature = "shutdown")]
mod hook;

use std::panic::PanicHookInfo;

use crate::threads;

/// Arms the watchdog because of a panic, from an application's own panic hook.
/// With a [`Shutdown`](crate::Shutdown) installed, it also begins the shutdown.
/// Returns `false`, and does nothing, if this process has no watchdog, and for a
/// panic of one of deadstop's own threads.
///
/// A hook that is set after `install` runs before deadstop's, which then arms
/// only once that hook is done: late, or never. Such a hook calls this first.
/// The setting of [`Panics`](crate::Panics) does not matter.
///
/// # Examples
///
/// ```
/// let next = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |info| {
///     deadstop::arm_from_panic_hook(info);
///     // ... send the panic to an error tracker, which may take its time ...
///     next(info);
/// }));
/// ```
pub fn arm_from_panic_hook(info: &PanicHookInfo<'_>) -> bool {
    if is_ours_alone() {
        return false;
    }
    #[cfg(feature = "shutdown")]
    return hook::begin(info);
    #[cfg(not(feature = "shutdown"))]
    {
        let _ = info;
        super::grace::arm()
    }
}

/// Returns `true` on one of deadstop's threads while it runs no task.
fn is_ours_alone() -> bool {
    #[cfg(feature = "shutdown")]
    let runs_task = crate::current_task::is_task();
    #[cfg(not(feature = "shutdown"))]
    let runs_task = false;
    threads::is_ours() && !runs_task
}

#[cfg(feature = "shutdown")]
pub use self::hook::Panics;
#[cfg(feature = "shutdown")]
pub(crate) use self::hook::{HookState, hook, ignore, message, state};
