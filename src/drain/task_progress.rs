//! Output of the kit's tasks: the thread that the reports show.

use crate::TaskContext;

/// Makes the reports show the thread `tid` as the task's own: the one that the task
/// waits for. With `None`, the task's own thread again.
pub(crate) fn show_thread(cx: &TaskContext, tid: Option<i32>) {
    cx.show_thread(tid.unwrap_or_else(deadstop_core::tid));
}
