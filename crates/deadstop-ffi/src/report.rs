//! Reports, as JSON and as text.

use std::ffi::{c_char, c_int};

use crate::error::{DEADSTOP_ERROR_NOT_YET, Failure, guarded, in_words};
use crate::state;
use crate::text;

/// Writes the report of the shutdown as JSON: each task, how it ended, and how long it took.
///
/// Like snprintf(3): writes at most `size` bytes with a null byte at the end, and returns the
/// length of the whole text. DEADSTOP_ERROR_NOT_YET until every task has ended.
///
/// # Safety
///
/// `buffer` must be valid for writes of `size` bytes, or `size` be 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_report_json(buffer: *mut c_char, size: usize) -> i64 {
    let mut length = 0;
    let code = guarded(|| {
        let Some(report) = state::required()?.shutdown.report() else {
            return Err(Failure::new(
                DEADSTOP_ERROR_NOT_YET,
                "there is no report until every task has ended",
            ));
        };
        let json = serde_json::to_string(&report)
            .map_err(|error| Failure::new(DEADSTOP_ERROR_NOT_YET, in_words(&error)))?;
        // SAFETY: the caller's contract.
        length = unsafe { text::copy(&json, buffer, size) };
        Ok(0)
    });
    if code < 0 { code.into() } else { length }
}

/// Writes warnings about the process's protection for an operator, one sentence per line. Empty
/// if there are none. Buffer and result are as those of deadstop_report_json().
///
/// # Safety
///
/// As for `deadstop_report_json`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_warnings(buffer: *mut c_char, size: usize) -> i64 {
    let mut length = 0;
    let code = guarded(|| {
        let installed = state::required()?;
        let mut warnings = installed.shutdown.watchdog().protection().warnings();
        for number in crate::signals::destinations(installed.chained)
            .replaced
            .numbers()
        {
            let signal = deadstop::Signal::from(number);
            warnings.push(format!(
                "another library has taken {signal}: it does not begin the shutdown; call \
                 deadstop_chain_signals"
            ));
        }
        // SAFETY: the caller's contract.
        length = unsafe { text::copy(&warnings.join("\n"), buffer, size) };
        Ok(0)
    });
    if code < 0 { code.into() } else { length }
}

/// Requests a status report in the format of the hang report, on standard error and in the
/// report file. The process goes on. Returns 1, or 0 without deadstop_install().
///
/// Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_status_report() -> c_int {
    state::own()
        .is_some_and(|installed| installed.shutdown.status_report())
        .into()
}
