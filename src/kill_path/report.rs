//! What is said of a hang, rendered without an allocator and without locks.
//!
//! ```text
//! deadstop: deadline in 0.5 s: 1 task has not returned: "flush the log" (phase flush, 9.2 s)
//! deadstop: cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s
//! deadstop: task "flush the log" flush 9.2 s of 3.0 s, abandoned, src/main.rs:41, thread 4242; says "segment 12 of 40"
//! deadstop: task "close pool" close waiting, src/main.rs:48
//! ```
//!
//! The culprits come first, since whoever shows the report may cut it short.

use ::core::convert::{From, TryFrom};
use ::core::ffi::c_int;
use ::core::option::Option::{None, Some};
use ::core::result::Result::Ok;

use super::line::Line;
use super::roster::{Buffer, Reading, Roster};
use super::sizes::CAUSE;
use super::sys::{Nanos, write};

/// As much as a pipe takes in one piece.
const SIZE: usize = 4096;

/// How many culprits the first line names; all of them have a line below.
const NAMED: usize = 3;

/// A report, rendered.
pub(crate) struct Report(Line<SIZE>);

impl Report {
    /// Writes it to `descriptor`. It may block for ever.
    pub(crate) fn write_to(&self, descriptor: c_int) {
        write(descriptor, self.0.as_bytes());
    }

    #[cfg(test)]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

/// Renders what `roster` shows at `now`, for a deadline at `at` whose clock
/// started at `begun`.
pub(crate) fn report(roster: &Roster, begun: Nanos, now: Nanos, at: Nanos) -> Report {
    let mut report = Line::new();
    headline(&mut report, roster, now, at);
    cause(&mut report, roster, begun, now, at);
    unlisted(&mut report, roster.running.unlisted(), " running");
    unlisted(&mut report, roster.waiting.unlisted(), " waiting");
    let mut buffer = Buffer::new();
    for slot in roster.running.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            running(&mut report, &task, now);
        }
    }
    for slot in roster.waiting.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            waiting(&mut report, &task);
        }
    }
    report.end_at_line();
    Report(report)
}

fn headline(line: &mut Line<SIZE>, roster: &Roster, now: Nanos, at: Nanos) {
    line.text("deadstop: deadline in ").seconds(at.since(now));
    let mut buffer = Buffer::new();
    let mut hung = u64::from(roster.running.unlisted());
    for slot in roster.running.slots() {
        if let Some(_task) = slot.read(&mut buffer) {
            hung = hung.saturating_add(1);
        }
    }
    match hung {
        0 => {
            line.text(": no task is running, but the process has not ended\n");
            return;
        }
        1 => line.text(": 1 task has not returned:"),
        _ => line
            .text(": ")
            .number(hung)
            .text(" tasks have not returned:"),
    };
    let mut named = 0_usize;
    for slot in roster.running.slots() {
        if named == NAMED {
            line.text(", ...");
            break;
        }
        let separator = if named == 0 { " " } else { ", " };
        if let Some(task) = slot.read(&mut buffer) {
            line.text(separator)
                .quoted(task.name)
                .text(" (phase ")
                .text(task.phase)
                .text(", ")
                .seconds(now.since(task.started))
                .text(")");
            named = named.saturating_add(1);
        }
    }
    line.text("\n");
}

fn cause(line: &mut Line<SIZE>, roster: &Roster, begun: Nanos, now: Nanos, at: Nanos) {
    let mut buffer = [0; CAUSE];
    let cause = match roster.cause.read(&mut buffer) {
        None | Some("") => "not known",
        Some(cause) => cause,
    };
    line.text("deadstop: cause: ")
        .text(cause)
        .text(", ")
        .seconds(now.since(begun))
        .text(" ago; grace ")
        .seconds(at.since(begun))
        .text("\n");
}

fn running(line: &mut Line<SIZE>, task: &Reading<'_>, now: Nanos) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .text(task.phase)
        .text(" ")
        .seconds(now.since(task.started))
        .text(" of ")
        .seconds(task.budget);
    if task.abandoned {
        line.text(", abandoned");
    }
    site(line, task);
    if let Ok(tid @ 1..) = u64::try_from(task.tid) {
        line.text(", thread ").number(tid);
    }
    if !task.says.is_empty() {
        line.text("; says ").quoted(task.says);
    }
    line.text("\n");
}

fn waiting(line: &mut Line<SIZE>, task: &Reading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .text(task.phase)
        .text(" waiting");
    site(line, task);
    line.text("\n");
}

fn site(line: &mut Line<SIZE>, task: &Reading<'_>) {
    line.text(", ")
        .text(task.file)
        .text(":")
        .number(u64::from(task.line));
}

fn unlisted(line: &mut Line<SIZE>, tasks: u32, what: &str) {
    if tasks > 0 {
        line.text("deadstop: and ")
            .number(u64::from(tasks))
            .text(what)
            .text(" that the list had no place for\n");
    }
}
