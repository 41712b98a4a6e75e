//! Console events, as the signals that programs on other systems know.
//!
//! | event | signal |
//! | --- | --- |
//! | Ctrl-C, Ctrl-Break | `SIGINT`; a key of the terminal, so a second one ends the process |
//! | the console is closed, the user logs off, the machine shuts down | `SIGTERM` |
//!
//! Windows starts a thread for each event, and none if a thread of the process holds the
//! loader's lock. It calls the function that was set last first, and no other once one
//! returns 1, as this one does.
//!
//! # Orderings
//!
//! `CHAINED` is written before `SetConsoleCtrlHandler`, without which nothing reads it.

use std::io;
use std::sync::atomic::{AtomicPtr, AtomicU64, Ordering};

use deadstop_core::sys::SignalSet;
use deadstop_core::sys::signal_numbers::{SIGINT, SIGTERM};
use windows_sys::Win32::System::Console::{
    CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, CTRL_LOGOFF_EVENT, CTRL_SHUTDOWN_EVENT,
    SetConsoleCtrlHandler,
};
use windows_sys::Win32::System::Threading::{INFINITE, Sleep};

use crate::cause::Sender;

/// The disposition of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[expect(dead_code, reason = "the other two occur on other systems")]
pub(crate) enum Disposition {
    Default,
    Handled,
    Ignored,
}

/// The origin of a signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The sending process: never known.
    pub(crate) sender: Option<Sender>,
    /// `true` if a key was pressed.
    pub(crate) is_kernel: bool,
}

/// The default action of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DefaultAction {
    /// Ends the process.
    End,
}

/// The signals that the function below tells.
static CHAINED: AtomicU64 = AtomicU64::new(0);

/// The function to call, a `fn(i32, Origin)`. There is one in the process.
static HANDLER: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

/// Returns `true` for every signal: those without an event never come.
pub(crate) fn can_be_handled(number: i32) -> bool {
    (1..=64).contains(&number)
}

/// Returns the default: Windows does not tell of other functions.
pub(crate) fn disposition(_number: i32) -> io::Result<Disposition> {
    Ok(Disposition::Default)
}

/// Has `handler` called for the events of `number`. Returns a value that stands for it.
pub(crate) fn chain(number: i32, handler: fn(i32, Origin)) -> io::Result<usize> {
    HANDLER.store(handler as *mut (), Ordering::Release);
    let before = CHAINED.fetch_or(SignalSet::EMPTY.with(number).bits(), Ordering::AcqRel);
    // SAFETY: the function stays valid for the life of the process, and does not unwind.
    if before == 0 && unsafe { SetConsoleCtrlHandler(Some(on_event), 1) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(on_event as *const () as usize)
}

/// Returns what [`chain`] does: Windows does not tell whether a function was replaced.
pub(crate) fn action(_number: i32) -> io::Result<usize> {
    Ok(on_event as *const () as usize)
}

/// Returns the default action of a signal.
pub(crate) fn default_action(_number: i32) -> DefaultAction {
    DefaultAction::End
}

/// Ends the process.
pub(crate) fn take_default_action(number: i32) {
    deadstop_core::sys::end_by_signal(number)
}

/// Does nothing: Windows has no signals to send.
#[cfg(feature = "shutdown")]
pub(crate) fn send_if_handled(_number: i32) {}

/// Runs on a thread that Windows starts for each event.
unsafe extern "system" fn on_event(event: u32) -> i32 {
    let (number, is_kernel) = match event {
        CTRL_C_EVENT | CTRL_BREAK_EVENT => (SIGINT, true),
        CTRL_CLOSE_EVENT | CTRL_LOGOFF_EVENT | CTRL_SHUTDOWN_EVENT => (SIGTERM, false),
        _ => return 0,
    };
    if !SignalSet::from_bits(CHAINED.load(Ordering::Acquire)).has(number) {
        return 0;
    }
    let handler = HANDLER.load(Ordering::Acquire);
    // SAFETY: `chain` has stored a function of this type before the bit above.
    let handler = unsafe { std::mem::transmute::<*mut (), fn(i32, Origin)>(handler) };
    let origin = Origin {
        sender: None,
        is_kernel,
    };
    handler(number, origin);
    // Windows ends the process when the function returns from one of these, and some
    // seconds after the event if it does not: the shutdown goes on until then.
    while number == SIGTERM {
        // SAFETY: an integer.
        unsafe { Sleep(INFINITE) };
    }
    1
}
