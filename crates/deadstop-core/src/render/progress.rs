//! Progress of a shutdown in one line, rendered without an allocator and
//! without locks.
//!
//! ```text
//! 12.0 s left, phase flush: 2 tasks are running: "flush the log" 3.1 s, says "segment 12 of 40";
//! "close pool" 0.2 s, abandoned; 3 pending
//! ```
//!
//! Tasks that the coordinator waits for are named before abandoned ones, and the oldest
//! first. The time left is rounded down: no line shows more time than there is.

use core::time::Duration;

use crate::buffer::TextSlice;
use crate::roster::{Roster, TaskReading, TaskStatus};
use crate::sizes::PHASE_NAME_LEN;
use crate::sys::Nanos;

/// The number of tasks to name; the others are counted.
const NAMED: u64 = 5;

/// A deadline that is further away than this is shown as none.
const NO_DEADLINE: Duration = Duration::from_secs(1_000_000);

/// The text before each named task.
pub struct Layout {
    first: &'static str,
    next: &'static str,
}

impl Layout {
    /// All tasks in one line.
    pub const ONE_LINE: Self = Self {
        first: " ",
        next: "; ",
    };

    /// A line for each task.
    pub const LINES: Self = Self {
        first: "\n  ",
        next: "\n  ",
    };

    /// Returns the text before the next task, when `named` tasks stand before it.
    fn separator(&self, named: u64) -> &'static str {
        match named {
            0 => self.first,
            _ => self.next,
        }
    }
}

/// Adds what `roster` shows at `now` of a shutdown whose deadline is at `at`.
pub fn progress(line: &mut TextSlice, roster: &Roster, now: Nanos, at: Nanos, layout: &Layout) {
    time_left(line, at.since(now));
    let mut name = [0; PHASE_NAME_LEN];
    if let Some(phase) = phase(roster, &mut name) {
        line.text(", phase ").escaped(phase);
    }
    let running = unfinished(roster);
    match running {
        0 => line.text(": no task is running"),
        1 => line.text(": 1 task is running:"),
        _ => line.text(": ").number(running).text(" tasks are running:"),
    };
    let mut named = 0_u64;
    roster.each_unfinished_abandoned_last(|task| {
        if named < NAMED {
            line.text(layout.separator(named));
            running_task(line, task, now);
            named = named.saturating_add(1);
        }
    });
    let more = running.saturating_sub(named);
    if more > 0 {
        line.text(layout.separator(named))
            .number(more)
            .text(" more");
    }
    let (pending, _) = roster.pending.count_unfinished();
    if pending > 0 {
        line.text(layout.next)
            .number(u64::from(pending))
            .text(" pending");
    }
}

fn time_left(line: &mut TextSlice, left: Duration) {
    match left < NO_DEADLINE {
        true => line.seconds_at_least(left).text(" left"),
        false => line.text("no deadline"),
    };
}

fn running_task(line: &mut TextSlice, task: &TaskReading<'_>, now: Nanos) {
    line.quoted(task.name)
        .text(" ")
        .seconds(now.since(task.started));
    if task.status == TaskStatus::Abandoned {
        line.text(", abandoned");
    }
    if !task.progress.is_empty() {
        line.text(", says ").quoted(task.progress);
    }
}

/// Returns the phase that began last, if it is not over.
fn phase<'a>(roster: &Roster, name: &'a mut [u8; PHASE_NAME_LEN]) -> Option<&'a str> {
    let phase = roster.phases.last()?.read(name)?;
    phase.ended.is_none().then_some(phase.name)
}

/// Returns the number of tasks that have begun and have not returned.
fn unfinished(roster: &Roster) -> u64 {
    let (running, abandoned) = roster.running.count_unfinished();
    u64::from(running).saturating_add(u64::from(abandoned))
}
