//! Panics as triggers.
//!
//! The hook arms before anything else: the hook that was there before it prints
//! a message, and may never get to the end of that.
//!
//! # Orderings
//!
//! Both flags are single, and nothing is passed on with them: there is nothing for
//! loom to see. What the hook passes on goes through `first`.

use std::any::Any;
use std::panic::{self, PanicHookInfo};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use crate::cause::Cause;
use crate::coordinator;
use crate::error::InstallError;
use crate::installation::WATCH;

/// What a panic means.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub enum Panics {
    /// A panic is the program's own affair.
    #[default]
    Ignore,
    /// A panic of any thread begins the shutdown, also one that somebody
    /// catches. The process ends with 101 if every task is then done.
    ///
    /// The hook that was there before is called as before. With
    /// `panic = "unwind"` the panic then goes on; with `panic = "abort"` the
    /// hook holds the thread, so that the process is not aborted under its own
    /// cleanup: the end of the shutdown, or its deadline, ends the process.
    ///
    /// Two panics that `std` answers with an immediate abort are not held: one
    /// in a destructor while its thread unwinds, and one in a panic hook.
    Shutdown,
}

/// Whether our hook is in place. It is never taken away.
static HOOKED: AtomicBool = AtomicBool::new(false);

/// Whether panics begin the shutdown that is installed now.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Puts our hook before the one that is there.
pub(crate) fn hook(panics: Panics) -> Result<(), InstallError> {
    if panics == Panics::Ignore {
        WANTED.store(false, Ordering::Release);
        return Ok(());
    }
    if thread::panicking() {
        // `std` panics if the hook is changed by a thread that unwinds.
        return Err(InstallError::Panicking);
    }
    WANTED.store(true, Ordering::Release);
    if !HOOKED.swap(true, Ordering::AcqRel) {
        let previous = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let begun = begin(info);
            previous(info);
            if begun && cfg!(panic = "abort") {
                hold(info);
            }
        }));
    }
    Ok(())
}

/// Begins the shutdown. False where there is none to begin.
fn begin(info: &PanicHookInfo<'_>) -> bool {
    let cause = || Cause::Panicked {
        thread: thread::current().name().map(str::to_owned),
        message: message(info.payload()),
        location: info.location().map(ToString::to_string).unwrap_or_default(),
    };
    WANTED.load(Ordering::Acquire) && super::request(cause).is_some()
}

/// What a panic says, if it says it in words.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    match payload.downcast_ref::<&str>() {
        Some(text) => (*text).to_owned(),
        None => match payload.downcast_ref::<String>() {
            Some(text) => text.clone(),
            None => "a panic without a message".to_owned(),
        },
    }
}

/// Holds the thread until the process ends, which the coordinator, whoever
/// waits for it, or the watchdog sees to.
fn hold(info: &PanicHookInfo<'_>) {
    coordinator::current::panicked(info.payload());
    while WATCH.is_home() {
        thread::park();
    }
}
