//! Error codes, and the text of a thread's last error.

use std::cell::RefCell;
use std::error::Error;
use std::ffi::{CString, c_char, c_int};
use std::panic::{self, AssertUnwindSafe};

use deadstop::InstallError;

/// The call succeeded.
pub const DEADSTOP_OK: c_int = 0;
/// An argument is invalid: a null pointer, a text that is not UTF-8, an unknown structure size,
/// a value out of range.
pub const DEADSTOP_ERROR_ARGUMENT: c_int = -1;
/// deadstop_install() has not been called, or failed.
pub const DEADSTOP_ERROR_NOT_INSTALLED: c_int = -2;
/// This process has a watchdog already.
pub const DEADSTOP_ERROR_ALREADY_INSTALLED: c_int = -3;
/// This process is a child of fork(). Its parent has called deadstop_install(), it has not.
pub const DEADSTOP_ERROR_FORKED: c_int = -4;
/// The operating system refused a thread, a timer, a handler or a file.
pub const DEADSTOP_ERROR_SYSTEM: c_int = -5;
/// The task's phase or the shutdown is over, or there is no such phase.
pub const DEADSTOP_ERROR_REFUSED: c_int = -6;
/// A task called a function that waits for the shutdown, which waits for the task.
pub const DEADSTOP_ERROR_FROM_TASK: c_int = -7;
/// The time was over first, or there is no report yet.
pub const DEADSTOP_ERROR_NOT_YET: c_int = -8;
/// deadstop itself panicked. The watchdog still enforces the deadline.
pub const DEADSTOP_ERROR_PANIC: c_int = -9;
/// This system does not support the requested option.
pub const DEADSTOP_ERROR_UNSUPPORTED: c_int = -10;

/// An error code with its text.
#[derive(Debug)]
pub(crate) struct Failure {
    code: c_int,
    text: String,
}

impl Failure {
    pub(crate) fn new(code: c_int, text: impl Into<String>) -> Self {
        let text = text.into();
        Self { code, text }
    }

    pub(crate) fn argument(text: impl Into<String>) -> Self {
        Self::new(DEADSTOP_ERROR_ARGUMENT, text)
    }

    pub(crate) fn forked() -> Self {
        Self::new(
            DEADSTOP_ERROR_FORKED,
            "this process is a child of fork and has no watchdog; call deadstop_install after \
             forking",
        )
    }
}

/// Writes an error and its causes in one line.
pub(crate) fn in_words(error: &dyn Error) -> String {
    let mut words = error.to_string();
    let mut source = error.source();
    while let Some(error) = source {
        words.push_str(": ");
        words.push_str(&error.to_string());
        source = error.source();
    }
    words
}

impl From<InstallError> for Failure {
    fn from(error: InstallError) -> Self {
        let code = match &error {
            InstallError::AlreadyInstalled => DEADSTOP_ERROR_ALREADY_INSTALLED,
            InstallError::Exit(_)
            | InstallError::Fork(_)
            | InstallError::BackupTimer(_)
            | InstallError::Sink { .. }
            | InstallError::Thread { .. } => DEADSTOP_ERROR_SYSTEM,
            _ => DEADSTOP_ERROR_ARGUMENT,
        };
        Self::new(code, in_words(&error))
    }
}

thread_local! {
    static LAST: RefCell<CString> = RefCell::default();
}

/// Runs `call`. Turns an error or a panic into its code, and keeps its text for
/// `deadstop_last_error`.
pub(crate) fn guarded(call: impl FnOnce() -> Result<c_int, Failure>) -> c_int {
    let failure = match panic::catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => return value,
        Ok(Err(failure)) => failure,
        Err(payload) => {
            let message = payload
                .downcast_ref::<&str>()
                .map(|text| (*text).to_owned())
                .or_else(|| payload.downcast_ref::<String>().cloned());
            // The payload's destructor is code that may panic once more.
            Box::leak(payload);
            let message = message.unwrap_or_default();
            Failure::new(
                DEADSTOP_ERROR_PANIC,
                format!("deadstop panicked: {message}"),
            )
        }
    };
    let text = failure.text.replace('\0', " ");
    // A thread that ends has no text any more.
    let _ = LAST.try_with(|last| last.replace(CString::new(text).unwrap_or_default()));
    failure.code
}

/// Returns the text of the calling thread's last error: empty if there was none. It is
/// valid until this thread's next call that fails. Never null.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_last_error() -> *const c_char {
    LAST.try_with(|last| last.borrow().as_ptr())
        .unwrap_or(c"".as_ptr())
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;

    use super::*;

    fn last() -> String {
        // SAFETY: the pointer is to a text that ends with a null byte, and stays until
        // this thread's next call that fails.
        let text = unsafe { CStr::from_ptr(deadstop_last_error()) };
        text.to_string_lossy().into_owned()
    }

    #[test]
    fn panic_becomes_a_code_and_its_message_the_text() {
        let code = guarded(|| panic!("at {}", 7));
        assert_eq!(code, DEADSTOP_ERROR_PANIC);
        assert_eq!(last(), "deadstop panicked: at 7");
    }

    #[test]
    fn failure_becomes_its_code_and_text_and_success_leaves_them() {
        assert_eq!(
            guarded(|| Err(Failure::argument("a\0b"))),
            DEADSTOP_ERROR_ARGUMENT
        );
        assert_eq!(last(), "a b");
        assert_eq!(guarded(|| Ok(3)), 3);
        assert_eq!(last(), "a b");
    }
}
