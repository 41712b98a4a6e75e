//! Lengths of time, which may be without end.

use core::time::Duration;

use crate::buffer::TextSlice;
use crate::render::Facts;
use crate::roster::{TaskReading, TaskStatus};

/// Writes the length in seconds, or `no end`.
pub(super) fn span(line: &mut TextSlice, length: Duration) -> &mut TextSlice {
    match length >= NO_END {
        true => line.text("no end"),
        false => line.seconds(length),
    }
}

/// Writes how long a task has run, and its budget: `9.2 s of 3.0 s, abandoned`.
pub(super) fn run_time(line: &mut TextSlice, facts: &Facts<'_>, task: &TaskReading<'_>) {
    line.seconds(facts.now.since(task.started)).text(" of ");
    span(line, task.budget);
    if task.status == TaskStatus::Abandoned {
        line.text(", abandoned");
    }
}

/// Centuries are what a grace without end amounts to.
pub(crate) const NO_END: Duration = Duration::from_secs(1_000_000_000);
