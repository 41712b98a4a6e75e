//! A panic that begins the shutdown.

#[cfg(feature = "shutdown")]
use std::any::Any;
use std::panic::PanicHookInfo;
#[cfg(feature = "shutdown")]
use std::thread;

use super::guard::PanicHookGuard;
#[cfg(feature = "shutdown")]
use crate::cause::Cause;
use crate::process;
use crate::threads;
use crate::trigger::grace;
#[cfg(feature = "shutdown")]
use crate::trigger::request::request;

/// Arms the watchdog in the application's own panic hook. If a [`Shutdown`](crate::Shutdown) is
/// installed, it also begins the shutdown. The end of the shutdown then waits until the
/// returned guard is dropped: at most 5 s, and at most half of the time up to the deadline.
/// Returns `None`, and does nothing, if this process has no watchdog, and for a panic of one of
/// deadstop's own threads.
///
/// A hook that is set after `install` runs before deadstop's hook. deadstop's hook then arms
/// only after it, or never if it hangs. So such a hook should call this function first. The
/// setting of [`Panics`](crate::Panics) does not matter.
///
/// # Examples
///
/// ```
/// let next = std::panic::take_hook();
/// std::panic::set_hook(Box::new(move |info| {
///     let _guard = deadstop::arm_from_panic_hook(info);
///     // ... send the panic to an error tracker, which may take its time ...
///     next(info);
/// }));
/// ```
pub fn arm_from_panic_hook(info: &PanicHookInfo<'_>) -> Option<PanicHookGuard> {
    if is_ours_alone() {
        return None;
    }
    #[cfg(feature = "shutdown")]
    return begin(info);
    #[cfg(not(feature = "shutdown"))]
    {
        let _ = info;
        arm().then_some(PanicHookGuard::of_watchdog())
    }
}

/// Arms the watchdog. Returns `false` in a process that has none, and warns if its parent has.
fn arm() -> bool {
    let is_armed = grace::arm();
    if !is_armed {
        process::warn_if_forked();
    }
    is_armed
}

/// Begins the shutdown. `None` where there is none to begin.
#[cfg(feature = "shutdown")]
pub(super) fn begin(info: &PanicHookInfo<'_>) -> Option<PanicHookGuard> {
    if !arm() {
        return None;
    }
    // Before the request: the shutdown may be over when that returns.
    let guard = PanicHookGuard::of_this_thread();
    let cause = || Cause::Panicked {
        thread: thread::current().name().map(str::to_owned),
        message: message(info.payload()),
        location: info
            .location()
            .map(|it| format!("{it}"))
            .unwrap_or_default(),
    };
    request(cause)?;
    Some(guard)
}

/// Returns `true` on one of deadstop's threads while it runs no task.
pub(super) fn is_ours_alone() -> bool {
    #[cfg(feature = "shutdown")]
    let runs_task = crate::current_task::is_task();
    #[cfg(not(feature = "shutdown"))]
    let runs_task = false;
    threads::is_ours() && !runs_task
}

/// Returns a panic's message, if it has one.
#[cfg(feature = "shutdown")]
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    match payload.downcast_ref::<&str>() {
        Some(text) => (*text).to_owned(),
        None => match payload.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => "a panic without a message".to_owned(),
        },
    }
}
