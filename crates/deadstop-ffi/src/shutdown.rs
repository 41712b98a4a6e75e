//! Level 2: the shutdown.

use std::ffi::{c_char, c_int};
use std::time::Duration;

use deadstop::Cause;

use crate::error::{
    DEADSTOP_ERROR_FROM_TASK, DEADSTOP_ERROR_NOT_YET, DEADSTOP_ERROR_PANIC, Failure, guarded,
};
use crate::state::{self, Installed};
use crate::task;
use crate::text;

/// Begins the shutdown: sets the deadline, and runs the tasks. `by` names the part of the
/// program that requests it. Reports show it as the cause. Returns 1 if this call began it, 0
/// if it had begun before.
///
/// # Safety
///
/// `by` must point to a text that ends with a null byte.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_request(by: *const c_char) -> c_int {
    guarded(|| {
        let installed = state::required()?;
        // SAFETY: the caller's contract. Without a name it begins all the same.
        let by = unsafe { text::optional(by, "by") }.ok().flatten();
        let cause = Cause::requested(by.unwrap_or("the program"));
        Ok(installed.shutdown.request(cause).into())
    })
}

/// Returns 1 once the shutdown has begun, else 0. Calls of deadstop_arm() do not begin it.
///
/// Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_is_requested() -> c_int {
    state::own()
        .is_some_and(|installed| installed.shutdown.is_requested())
        .into()
}

/// Waits until the shutdown has begun and every task has ended. Returns the status to exit
/// with, 0 to 255. The deadline stays set.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_wait() -> c_int {
    guarded(|| {
        let installed = waitable()?;
        let _ = installed.shutdown.wait();
        status(installed)
    })
}

/// Does the same as deadstop_wait(), for at most `timeout_ms` milliseconds. Returns
/// DEADSTOP_ERROR_NOT_YET if that time was over first.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_wait_for(timeout_ms: u64) -> c_int {
    guarded(|| {
        let installed = waitable()?;
        let timeout = Duration::from_millis(timeout_ms);
        match installed.shutdown.ended().wait_timeout(timeout) {
            Some(_) => status(installed),
            None => Err(Failure::new(
                DEADSTOP_ERROR_NOT_YET,
                format!("the tasks have not ended within {timeout_ms} ms"),
            )),
        }
    })
}

/// Begins the shutdown, with the cause that the work is done. Then does the same as
/// deadstop_wait().
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_finish() -> c_int {
    guarded(|| {
        let installed = waitable()?;
        let _ = installed.shutdown.finish();
        status(installed)
    })
}

fn waitable() -> Result<&'static Installed, Failure> {
    let installed = state::required()?;
    if task::is_running_here() {
        return Err(Failure::new(
            DEADSTOP_ERROR_FROM_TASK,
            "a task cannot wait for the shutdown: it would wait for itself",
        ));
    }
    Ok(installed)
}

fn status(installed: &Installed) -> Result<c_int, Failure> {
    let report = installed.shutdown.report();
    let status = report.map(|report| report.status().into());
    status.ok_or_else(|| Failure::new(DEADSTOP_ERROR_PANIC, "the shutdown ended without a report"))
}
