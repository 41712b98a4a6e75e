//! The panic hook that begins the shutdown, and whether it is in place.
//!
//! The hook arms before anything else: the hook that was there before it prints a
//! message, and may never get to the end of that.
//!
//! # Orderings
//!
//! `HOOK` is the address of our hook, with which nothing is passed on. `PANICS` is
//! published. There is nothing for loom to see: a panic's cause goes through
//! `first`.

use std::fmt;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use super::begin::{begin, is_ours_alone, message};
use super::guard::PanicHookGuard;
use crate::current_task;
use crate::error::InstallError;
use crate::process::WATCH;
use crate::report::Outcome;
use crate::sys::published::Published;

/// The consequence of a panic. The guide has a page on [panics](crate::guide::panics).
#[derive(Clone, Copy, Default)]
#[non_exhaustive]
pub enum Panics {
    /// A panic has no effect on the shutdown. With `panic = "abort"` every panic ends the
    /// process by `SIGABRT`, also a panic of a task.
    #[default]
    Ignore,
    /// A panic of any thread begins the shutdown, even if the program catches the panic. If
    /// every task is then done, the process ends with 101.
    ///
    /// The panic hook that was set before still runs. A hook that is set later runs before
    /// deadstop's hook: it should call [`arm_from_panic_hook`](crate::arm_from_panic_hook)
    /// first. Panics of deadstop's own threads, such as a logger's, do not count.
    ///
    /// The end of the shutdown waits for the hook, which may print a stack or send a report. It
    /// waits at most 5 s, and at most half of the time up to the deadline.
    ///
    /// With `panic = "unwind"` the panic then goes on; with `panic = "abort"` the hook blocks
    /// the thread, so that the process does not abort during its cleanup. The main thread ends
    /// the process when the shutdown is over, as a return from `main` after a panic does. Any
    /// other thread is blocked until the process ends.
    ///
    /// `std` aborts at once for two kinds of panics, which the hook cannot block: a panic in a
    /// destructor while its thread unwinds, and a panic in a panic hook.
    Shutdown,
    /// A panic for which the function returns `true` begins the shutdown,
    /// under the rules of [`Shutdown`](Self::Shutdown).
    ///
    /// The function runs in the panic hook, on the thread that panics, before the
    /// watchdog is armed: it must not block.
    When(fn(&PanicHookInfo<'_>) -> bool),
}

impl fmt::Debug for Panics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ignore => "Ignore",
            Self::Shutdown => "Shutdown",
            Self::When(_) => "When(..)",
        })
    }
}

impl Panics {
    fn counts(self, info: &PanicHookInfo<'_>) -> bool {
        match self {
            Self::Ignore => false,
            Self::Shutdown => true,
            Self::When(predicate) => predicate(info),
        }
    }
}

/// The address of our hook; 0 until it is in place. It is never taken away.
static HOOK: AtomicUsize = AtomicUsize::new(0);

/// The setting of the installed shutdown, unless it is [`Panics::Ignore`].
static PANICS: Published<Wanted> = Published::nothing();

struct Wanted {
    panics: Panics,
    /// Looks at the hook. A program that ignores panics does not link it.
    state: fn() -> HookState,
}

/// Takes the setting back; a hook that an earlier `install` has set does nothing then. What
/// a builder calls unless panics were set.
pub(crate) fn ignore(_: Panics) -> Result<(), InstallError> {
    PANICS.clear();
    Ok(())
}

/// Puts our hook before the one that is there. Where panics abort, the hook calls
/// `exit_if_main` on a thread that it must hold.
pub(crate) fn hook(panics: Panics, exit_if_main: fn()) -> Result<(), InstallError> {
    if matches!(panics, Panics::Ignore) {
        return ignore(panics);
    }
    if thread::panicking() {
        // `std` panics if a thread that unwinds changes the hook.
        return Err(InstallError::Panicking);
    }
    PANICS.replace(Box::new(Wanted {
        panics,
        state: state_of_hook,
    }));
    if HOOK.load(Ordering::Acquire) == 0 {
        let previous = panic::take_hook();
        let hook: Box<dyn Fn(&PanicHookInfo<'_>) + Send + Sync> = Box::new(move |info| {
            let guard = begin_if_wanted(info);
            let is_held = guard.is_some();
            previous(info);
            drop(guard);
            if is_held && cfg!(panic = "abort") {
                hold(info, exit_if_main);
            }
        });
        HOOK.store(address(&*hook), Ordering::Release);
        panic::set_hook(hook);
    }
    Ok(())
}

/// Begins the shutdown if the panic counts. Returns a guard if the process must outlive the
/// panic.
fn begin_if_wanted(info: &PanicHookInfo<'_>) -> Option<PanicHookGuard> {
    let Wanted { panics, .. } = PANICS.get()?;
    if is_ours_alone() {
        return WATCH.is_owner().then(PanicHookGuard::uncounted);
    }
    match panics.counts(info) {
        true => begin(info),
        false => None,
    }
}

/// Holds the thread until the process ends: by `exit_if_main`, the coordinator,
/// another thread, or the watchdog.
fn hold(info: &PanicHookInfo<'_>, exit_if_main: fn()) {
    current_task::give_up(|| Outcome::Panicked(message(info.payload())));
    exit_if_main();
    while WATCH.is_owner() {
        thread::park();
    }
}

/// The place of our panic hook.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum HookState {
    NotWanted,
    InPlace,
    Replaced,
    /// The hook cannot be read while the calling thread unwinds.
    Unknown,
}

/// Looks at the panic hook.
pub(crate) fn state() -> HookState {
    match PANICS.get() {
        None => HookState::NotWanted,
        Some(wanted) => (wanted.state)(),
    }
}

/// Does so where ours is wanted. `std` only lets the hook be taken and set again, so a
/// panic of another thread in between goes to the default hook.
fn state_of_hook() -> HookState {
    let ours = HOOK.load(Ordering::Acquire);
    if ours == 0 {
        return HookState::NotWanted;
    }
    if thread::panicking() {
        return HookState::Unknown;
    }
    let hook = panic::take_hook();
    let current = address(&*hook);
    panic::set_hook(hook);
    match current == ours {
        true => HookState::InPlace,
        false => HookState::Replaced,
    }
}

fn address(hook: &(dyn Fn(&PanicHookInfo<'_>) + Send + Sync)) -> usize {
    std::ptr::from_ref(hook).cast::<()>().addr()
}
