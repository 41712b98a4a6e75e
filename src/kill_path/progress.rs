//! How far a shutdown is, in one line, rendered without an allocator and
//! without locks.
//!
//! ```text
//! 12.0 s left, phase flush: 2 tasks are running: "flush the log" 3.1 s, says "segment 12 of 40"; "close pool" 0.2 s, abandoned; 3 wait
//! ```
//!
//! Whoever is waited for is named before whoever is abandoned, and the oldest
//! first. The time left is rounded down: a
//! line never says that there is more than there is.

use ::core::convert::From;
use ::core::iter::Iterator;
use ::core::option::Option::{self, None, Some};
use ::core::time::Duration;

use super::line::Line;
use super::roster::{Buffer, Reading, Roster};
use super::sizes::PHASE;
use super::sys::Nanos;

/// How many tasks are named; the others are counted.
const NAMED: u64 = 5;

/// Longer than this is as good as for ever.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

/// What stands around each task that is named.
pub(crate) struct Layout {
    first: &'static str,
    next: &'static str,
}

impl Layout {
    /// All in one line.
    pub(crate) const ONE_LINE: Self = Self {
        first: " ",
        next: "; ",
    };

    /// A line for each.
    #[cfg(feature = "terminal")]
    pub(crate) const LINES: Self = Self {
        first: "\n  ",
        next: "\n  ",
    };
}

/// Adds what `roster` shows at `now` of a shutdown whose deadline is at `at`.
pub(crate) fn progress<const N: usize>(
    line: &mut Line<N>,
    roster: &Roster,
    now: Nanos,
    at: Nanos,
    layout: &Layout,
) {
    time_left(line, at.since(now));
    let mut name = [0; PHASE];
    if let Some(phase) = phase(roster, &mut name) {
        line.text(", phase ").escaped(phase);
    }
    let mut buffer = Buffer::new();
    let running = count(roster, &mut buffer);
    match running {
        0 => line.text(": no task is running"),
        1 => line.text(": 1 task is running:"),
        _ => line.text(": ").number(running).text(" tasks are running:"),
    };
    let mut named = 0_u64;
    let mut last = None;
    while named < NAMED {
        let Some(next) = next(roster, last, &mut buffer) else {
            break;
        };
        last = Some(next);
        let slot = roster.running.slots().nth(next.2);
        if let Some(task) = slot.and_then(|slot| slot.read(&mut buffer)) {
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
    match waiting {
        0 => {}
        1 => {
            line.text(layout.next).text("1 waits");
        }
        _ => {
            line.text(layout.next).number(waiting).text(" wait");
        }
    }
}

fn time_left<const N: usize>(line: &mut Line<N>, left: Duration) {
    match left < FOR_EVER {
        true => line.seconds_at_least(left).text(" left"),
        false => line.text("no end in sight"),
    };
}

fn running_task<const N: usize>(line: &mut Line<N>, task: &Reading<'_>, now: Nanos) {
    line.quoted(task.name)
        .text(" ")
        .seconds(now.since(task.started));
    if task.abandoned {
        line.text(", abandoned");
    }
    if !task.says.is_empty() {
        line.text(", says ").quoted(task.says);
    }
}

/// The phase of whoever began last and is still waited for.
fn phase<'a>(roster: &Roster, name: &'a mut [u8; PHASE]) -> Option<&'a str> {
    let mut buffer = Buffer::new();
    let mut latest = None;
    let mut len = None;
    for slot in roster.running.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            if !task.abandoned && latest.is_none_or(|latest| latest < task.started) {
                latest = Some(task.started);
                let bytes = task.phase.as_bytes();
                let room = name.get_mut(..bytes.len())?;
                room.copy_from_slice(bytes);
                len = Some(bytes.len());
            }
        }
    }
    ::core::str::from_utf8(name.get(..len?)?).ok()
}

/// How many run.
fn count(roster: &Roster, buffer: &mut Buffer) -> u64 {
    let mut running = u64::from(roster.running.unlisted());
    for slot in roster.running.slots() {
        if slot.read(buffer).is_some() {
            running = running.saturating_add(1);
        }
    }
    running
}

/// How many have not had their turn.
fn waiting(roster: &Roster, buffer: &mut Buffer) -> u64 {
    let mut waiting = u64::from(roster.waiting.unlisted());
    for slot in roster.waiting.slots() {
        if slot.read(buffer).is_some() {
            waiting = waiting.saturating_add(1);
        }
    }
    waiting
}

/// Where a task comes: abandoned or not, since when, in which slot.
type Rank = (bool, Nanos, usize);

/// Who comes next after `last`.
fn next(roster: &Roster, last: Option<Rank>, buffer: &mut Buffer) -> Option<Rank> {
    let mut next: Option<Rank> = None;
    for (place, slot) in roster.running.slots().enumerate() {
        if let Some(task) = slot.read(buffer) {
            let this = (task.abandoned, task.started, place);
            let is_behind = last.is_none_or(|last| last < this);
            if is_behind && next.is_none_or(|next| this < next) {
                next = Some(this);
            }
        }
    }
    next
}
