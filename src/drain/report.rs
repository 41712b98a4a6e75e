//! Output of the kit's tasks: the thread to show, and warnings.

use std::io::Write;

use crate::TaskContext;

/// Makes the reports show the thread `tid` as the task's own: the one that the task
/// waits for. With `None`, the task's own thread again.
pub(crate) fn show_thread(cx: &TaskContext, tid: Option<i32>) {
    cx.show_thread(tid.unwrap_or_else(deadstop_core::tid));
}

/// Says what was lost or left: in the log if the application's logger takes it, else on
/// standard error. Both may block: only a task that can be abandoned may call this.
pub(crate) fn warn(text: &str) {
    if log::log_enabled!(target: "deadstop", log::Level::Warn) {
        log::warn!(target: "deadstop", "{text}");
        return;
    }
    let line = format!("deadstop: {text}\n");
    // Not through `eprintln`, which panics if standard error is closed.
    let _ = std::io::stderr().write_all(line.as_bytes());
}
