//! The report for people, which a parser can read back.
//!
//! ```text
//! deadstop: deadline in 0.5 s: 1 task has not returned: "flush the log" (phase flush, 9.2 s)
//! deadstop: cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s
//! deadstop: task "flush the log" flush 9.2 s of 3.0 s, abandoned, src/main.rs:41, thread 4242 "flush the log" S futex_do_wait, waits for a lock, 0.0 s of CPU; says "segment 12 of 40"
//! deadstop:   #0 futex_wait (libc.so.6+0x8a2f0)
//! deadstop:   #1 server::flush (server+0x1a2b, src/log.rs:120)
//! deadstop: task "close pool" close waiting, src/main.rs:48
//! deadstop: thread 4241 "main" R running, runs, 9.4 s of CPU, 99 % busy
//! deadstop: phase drain at 0.0 s, 0.3 s of 10.0 s, over
//! deadstop: phase flush at 0.3 s, 9.2 s of 9.7 s, running
//! deadstop: task "finish requests" drain at 0.0 s, 0.3 s of 10.0 s, done, src/main.rs:35
//! deadstop: end of hang report 1
//! ```
//!
//! The culprits come first, since whoever shows the report may cut it short.
//! The grammar is documented where it is parsed, in `src/hang_report`.

use ::core::convert::From;
use ::core::iter::Iterator;
use ::core::option::Option::{None, Some};
use ::core::time::Duration;

use super::super::census::words::thread;
use super::super::line::Line;
use super::super::roster::{Buffer, Is, Reading};
use super::super::sizes::PHASE;
use super::super::stack::{Captured, Frame, Stack};
use super::super::sys::Nanos;
use super::words::{self, number};
use super::{Facts, Kind};

/// How many culprits the first line names; all of them have a line below.
const NAMED: usize = 3;

/// The last line, with the number of the format.
const END: &str = "deadstop: end of hang report 1\n";
/// The line behind the stacks that follow a report.
pub(crate) const END_OF_STACKS: &str = "deadstop: end of stacks\n";
/// The last line of one that did not fit.
const CUT: &str = "deadstop: cut short\n";

/// Renders the report, with the innermost `frames` of each stack.
pub(crate) fn text<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, frames: usize) {
    line.clear();
    headline(line, facts);
    cause(line, facts);
    facts.roster.hung(|task| {
        running(line, facts, task);
        if let Some(stack) = facts.stack(task.tid) {
            self::stack(line, stack, frames);
        }
    });
    unlisted(line, facts.roster.running.unlisted(), "running");
    let mut buffer = Buffer::new();
    for slot in facts.roster.waiting.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            waiting(line, &task);
        }
    }
    unlisted(line, facts.roster.waiting.unlisted(), "waiting");
    threads(line, facts, frames);
    phases(line, facts);
    facts.roster.over(|task| over(line, facts, task));
    line.text(END);
    if line.is_full() {
        line.end_with(CUT);
    }
}

/// Renders a stack alone, to follow a report that has it without names.
pub(crate) fn stack_again<const N: usize>(line: &mut Line<N>, stack: &Stack, frames: usize) {
    line.clear();
    line.text("deadstop: stack of thread ")
        .number(number(stack.tid))
        .text("\n");
    self::stack(line, stack, frames);
    if line.is_full() {
        line.end_with(CUT);
    }
}

fn headline<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>) {
    line.text(match facts.kind {
        Kind::Deadline => "deadstop: ",
        Kind::Dump => "deadstop: dump, ",
    });
    match facts.at {
        Some(at) => span(line.text("deadline in "), at.since(facts.now)),
        None => line.text("no deadline"),
    };
    let mut hung = u64::from(facts.roster.running.unlisted());
    facts.roster.hung(|_| hung = hung.saturating_add(1));
    match (hung, facts.kind) {
        (0, Kind::Dump) => {
            line.text(": no task is running\n");
            return;
        }
        (0, Kind::Deadline) => {
            line.text(": no task is running, but the process has not ended\n");
            return;
        }
        (1, _) => line.text(": 1 task has not returned:"),
        _ => line
            .text(": ")
            .number(hung)
            .text(" tasks have not returned:"),
    };
    let mut named = 0_usize;
    facts.roster.hung(|task| {
        if named < NAMED {
            line.text(if named == 0 { " " } else { ", " })
                .quoted(task.name)
                .text(" (phase ")
                .word(task.phase)
                .text(", ")
                .seconds(facts.now.since(task.started))
                .text(")");
        }
        named = named.saturating_add(1);
    });
    if named > NAMED {
        line.text(", ...");
    }
    line.text("\n");
}

fn cause<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>) {
    line.text("deadstop: cause: ");
    let Some(begun) = facts.begun else {
        line.text("none, the shutdown has not begun\n");
        return;
    };
    line.text(facts.cause.unwrap_or("not known"))
        .text(", ")
        .seconds(facts.now.since(begun))
        .text(" ago; grace ");
    let grace = facts.at.map_or(Duration::MAX, |at| at.since(begun));
    span(line, grace).text("\n");
}

fn running<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, task: &Reading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .word(task.phase)
        .text(" ")
        .seconds(facts.now.since(task.started))
        .text(" of ");
    span(line, task.budget);
    if task.is == Is::Abandoned {
        line.text(", abandoned");
    }
    site(line, task);
    match facts.census.of(task.tid) {
        Some(known) => thread(line.text(", thread "), known),
        None if task.tid > 0 => {
            line.text(", thread ").number(number(task.tid));
        }
        None => {}
    }
    if !task.says.is_empty() {
        line.text("; says ").quoted(task.says);
    }
    line.text("\n");
}

fn waiting<const N: usize>(line: &mut Line<N>, task: &Reading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .word(task.phase)
        .text(" waiting");
    site(line, task);
    line.text("\n");
}

fn over<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, task: &Reading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .word(task.phase);
    times(line, facts, (task.started, task.ended), task.budget);
    line.text(", ").text(words::state(task.is));
    site(line, task);
    line.text("\n");
}

fn phases<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>) {
    let mut buffer = [0; PHASE];
    for slot in facts.roster.phases.slots() {
        let Some(phase) = slot.read(&mut buffer) else {
            break;
        };
        line.text("deadstop: phase ").word(phase.name);
        let ended = phase.ended.unwrap_or(facts.now);
        let budget = phase.ends.since(phase.started);
        times(line, facts, (phase.started, ended), budget);
        line.text(match phase.ended {
            Some(_) => ", over\n",
            None => ", running\n",
        });
    }
    let more = facts.roster.phases.unlisted();
    if more > 0 {
        line.text("deadstop: and ")
            .number(u64::from(more))
            .text(" more phases\n");
    }
}

/// When something began, how long it took, and how long it might have taken.
fn times<const N: usize>(
    line: &mut Line<N>,
    facts: &Facts<'_>,
    (started, ended): (Nanos, Nanos),
    budget: Duration,
) {
    let begun = facts.begun.unwrap_or(started);
    line.text(" at ")
        .seconds(started.since(begun))
        .text(", ")
        .seconds(ended.since(started))
        .text(" of ");
    span(line, budget);
}

fn threads<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, frames: usize) {
    for other in facts.other_threads() {
        thread(line.text("deadstop: thread "), other);
        line.text("\n");
        if let Some(stack) = facts.stack(other.tid) {
            self::stack(line, stack, frames);
        }
    }
    let more = facts.unlisted_threads();
    if more > 0 {
        line.text("deadstop: and ")
            .number(more)
            .text(" more threads\n");
    }
    if facts.census.refused != 0 {
        line.text("deadstop: threads are not known: /proc is refused with error ")
            .number(number(facts.census.refused))
            .text("\n");
    }
}

fn stack<const N: usize>(line: &mut Line<N>, stack: &Stack, frames: usize) {
    if stack.captured != Captured::Yes {
        line.text("deadstop:   no stack: ")
            .text(words::no_stack(stack.captured))
            .text("\n");
        return;
    }
    let mut left_out = stack.left_out;
    for (place, frame) in stack.frames().enumerate() {
        if place < frames {
            line.text("deadstop:   #").number(place as u64).text(" ");
            self::frame(line, frame);
            line.text("\n");
        } else {
            left_out = left_out.saturating_add(1);
        }
    }
    if left_out > 0 {
        line.text("deadstop:   and ")
            .number(left_out as u64)
            .text(" more frames\n");
    }
}

/// `FUNCTION (MODULE+0xOFFSET, SITE)`, or what there is of it.
fn frame<const N: usize>(line: &mut Line<N>, frame: &Frame) {
    let function = frame.function.as_str();
    if !function.is_empty() {
        line.escaped(function).text(" (");
    }
    match frame.module.as_str() {
        "" => line.text("0x").hex(frame.address as u64),
        module => line.word(module).text("+0x").hex(frame.offset),
    };
    let site = frame.site.as_str();
    if !function.is_empty() {
        if !site.is_empty() {
            line.text(", ").word(site);
        }
        line.text(")");
    }
}

/// Where the task was registered: `FILE:LINE`.
fn site<const N: usize>(line: &mut Line<N>, task: &Reading<'_>) {
    line.text(", ")
        .word(task.file)
        .text(":")
        .number(u64::from(task.line));
}

fn unlisted<const N: usize>(line: &mut Line<N>, tasks: u32, what: &str) {
    if tasks > 0 {
        line.text("deadstop: and ")
            .number(u64::from(tasks))
            .text(" more tasks ")
            .text(what)
            .text("\n");
    }
}

/// A length of time that may be without end.
fn span<const N: usize>(line: &mut Line<N>, length: Duration) -> &mut Line<N> {
    match length >= NO_END {
        true => line.text("no end"),
        false => line.seconds(length),
    }
}

/// Centuries are what a grace without end amounts to.
pub(super) const NO_END: Duration = Duration::from_secs(1_000_000_000);
