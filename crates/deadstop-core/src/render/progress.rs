//! Progress of a shutdown in one line, rendered without an allocator and
//! without locks.
//!
//! ```text
//! 12.0 s left, phase flush: 2 tasks are running: "flush the log" 3.1 s, says "segment 12 of 40";
//! "close pool" 0.2 s, abandoned; 3 wait
//! ```
//!
//! Tasks that are waited for are named before abandoned ones, and the oldest
//! first. The time left is rounded down: a
//! line never says that there is more than there is.

use core::time::Duration;

use crate::buffer::TextSlice;
use crate::roster::{Roster, Slot, TaskBuffer, TaskReading, TaskStatus};
use crate::sizes::PHASE_NAME_LEN;
use crate::sys::Nanos;

/// The number of tasks to name; the others are counted.
const NAMED: u64 = 5;

/// Longer than this is as good as for ever.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// The text around each named task.
pub struct Layout {
    first: &'static str,
    next: &'static str,
}

impl Layout {
    /// All in one line.
    pub const ONE_LINE: Self = Self {
        first: " ",
        next: "; ",
    };

    /// A line for each.
    pub const LINES: Self = Self {
        first: "\n  ",
        next: "\n  ",
    };
}

/// Adds what `roster` shows at `now` of a shutdown whose deadline is at `at`.
pub fn progress(line: &mut TextSlice, roster: &Roster, now: Nanos, at: Nanos, layout: &Layout) {
    time_left(line, at.since(now));
    let mut name = [0; PHASE_NAME_LEN];
    if let Some(phase) = phase(roster, &mut name) {
        line.text(", phase ").escaped(phase);
    }
    let mut buffer = TaskBuffer::new();
    let running = count(roster);
    match running {
        0 => line.text(": no task is running"),
        1 => line.text(": 1 task is running:"),
        _ => line.text(": ").number(running).text(" tasks are running:"),
    };
    let mut named = 0_u64;
    let mut last = None;
    while named < NAMED {
        let Some(next) = next(roster, last) else {
            break;
        };
        last = Some(next);
        let slot = roster.running.slots().nth(next.2);
        let task = slot.and_then(|slot| slot.read(&mut buffer));
        // It may have returned this moment.
        if let Some(task) = task.filter(|task| task.status.is_unfinished()) {
            let separator = if named == 0 {
                layout.first
            } else {
                layout.next
            };
            line.text(separator);
            running_task(line, &task, now);
            named = named.saturating_add(1);
        }
    }
    let more = running.saturating_sub(named);
    if more > 0 {
        let separator = if named == 0 {
            layout.first
        } else {
            layout.next
        };
        line.text(separator).number(more).text(" more");
    }
    let waiting = waiting(roster, &mut buffer);
    if waiting > 0 {
        line.text(layout.next).number(waiting).text(" pending");
    }
}

fn time_left(line: &mut TextSlice, left: Duration) {
    match left < FOR_EVER {
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

/// The phase that began last, if it is not over.
fn phase<'a>(roster: &Roster, name: &'a mut [u8; PHASE_NAME_LEN]) -> Option<&'a str> {
    let phase = roster.phases.last()?.read(name)?;
    phase.ended.is_none().then_some(phase.name)
}

/// Returns the number of running tasks.
fn count(roster: &Roster) -> u64 {
    let glances = roster.running.slots().filter_map(Slot::peek);
    let listed = glances.filter(|(is, _)| is.is_unfinished()).count() as u64;
    listed.saturating_add(u64::from(roster.running.unlisted()))
}

/// Returns the number of tasks that have not begun.
fn waiting(roster: &Roster, buffer: &mut TaskBuffer) -> u64 {
    let mut waiting = u64::from(roster.pending.unlisted());
    for slot in roster.pending.slots() {
        if slot.read(buffer).is_some() {
            waiting = waiting.saturating_add(1);
        }
    }
    waiting
}

/// The sort key of a task: abandoned or not, its start, its slot.
type Rank = (bool, Nanos, usize);

/// Returns the rank after `last`.
fn next(roster: &Roster, last: Option<Rank>) -> Option<Rank> {
    let mut next: Option<Rank> = None;
    for (place, slot) in roster.running.slots().enumerate() {
        let Some((is, started)) = slot.peek().filter(|(is, _)| is.is_unfinished()) else {
            continue;
        };
        let this = (is == TaskStatus::Abandoned, started, place);
        let is_behind = last.is_none_or(|last| last < this);
        if is_behind && next.is_none_or(|next| this < next) {
            next = Some(this);
        }
    }
    next
}
