//! What the tasks of this folder show while they wait: how often they update their progress, and
//! which thread the reports show for them.

use std::time::Duration;

use deadstop_core::{Nanos, now};

use crate::TaskContext;

/// The time between two updates of a task's progress. What the task waits for wakes it sooner.
pub(super) const UPDATE_EVERY: Duration = Duration::from_millis(250);

/// Returns the time of the next update. `None` for a task that was abandoned in a shutdown
/// which the process outlives, such as a scope's or a detached one: no report comes that the
/// task would have to wake for.
pub(super) fn next_update(cx: &TaskContext) -> Option<Nanos> {
    let now = now();
    let is_needed = !cx.is_abandoned() || cx.report_is_ahead(now);
    is_needed.then(|| now.saturating_add(UPDATE_EVERY))
}

/// Makes the reports show the thread `tid` as the task's own: the one that the task
/// waits for. With `None`, the task's own thread again.
pub(super) fn show_thread(cx: &TaskContext, tid: Option<i32>) {
    cx.show_thread(tid.unwrap_or_else(deadstop_core::tid));
}
