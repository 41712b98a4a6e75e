//! Description of a thread: its name, its activity, and whether it makes progress.

use super::label::label;
use crate::buffer::{TextBuffer, TextSlice};
use crate::render::{Facts, Repeats, Still, frames, order};
use crate::roster::TaskBuffer;
use crate::sizes::TASK_NAME_LEN;
use crate::threads::{Activity, Thread, format};

/// A thread that used less processor time than this, in per cent, is called
/// idle if it has not moved.
const STILL: u8 = 1;

/// Names the first `most` threads, and says how many more there are.
pub(super) fn thread_names(
    line: &mut TextSlice,
    facts: &Facts<'_>,
    threads: &mut dyn Iterator<Item = &Thread>,
    most: usize,
) {
    let mut count = 0_usize;
    for thread in threads {
        if count < most {
            line.text(if count == 0 { "" } else { ", " });
            thread_name(line, facts, thread);
        }
        count = count.saturating_add(1);
    }
    if count > most {
        line.text(" and ")
            .number(count.saturating_sub(most) as u64)
            .text(" more");
    }
}

/// Writes `task "flush the log"`, `main`, or `thread 4243 "consumer"`.
pub(super) fn thread_name(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    let mut buffer = TaskBuffer::new();
    let mut task_name = TextBuffer::<TASK_NAME_LEN>::new();
    order::task_of(facts.roster, thread.tid, &mut buffer, |task| {
        task_name.text(task.name);
    });
    match task_name.as_str() {
        "" if thread.tid == facts.pid => line.text("main"),
        "" => line
            .text("thread ")
            .int(thread.tid)
            .text(" ")
            .quoted(thread.name.as_str()),
        task => line.text("task ").quoted(task),
    };
    label(line, facts, thread.tid);
}

/// Writes `is in FUNCTION (SITE), called by FUNCTION (SITE): thread 4242 writes to ..., 0 % busy`.
pub(super) fn doing(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    match function(line, facts, thread) {
        true => line.text("thread ").int(thread.tid).text(" "),
        false => {
            line.text("is on thread ")
                .int(thread.tid)
                .text(match thread.activity {
                    // As on systems that do not say what a thread waits for.
                    Activity::Unknown => ": ",
                    _ => ", which ",
                })
        }
    };
    activity(line, thread);
}

/// Writes the same without the thread's id, which the line has already.
#[inline(never)] // As `activity`.
pub(super) fn doing_without_id(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    function(line, facts, thread);
    activity(line, thread);
}

/// Adds the innermost function that is not the runtime's; if it is a dependency's, with
/// the application's that called it. Returns whether it is known.
fn function(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) -> bool {
    let Some(stack) = facts.stack(thread.tid) else {
        return false;
    };
    let Some(innermost) = frames::innermost(stack) else {
        return false;
    };
    frames::frame(line.text("is in "), innermost);
    if let Some(caller) = frames::caller(stack, innermost) {
        frames::frame(line.text(", called by "), caller);
    }
    line.text(": ");
    true
}

#[inline(never)] // A line of a report in seven places.
fn activity(line: &mut TextSlice, thread: &Thread) {
    format::activity(line, &thread.activity);
    if let Some(busy) = thread.busy {
        line.text(", ").number(u64::from(busy)).text(" % busy");
    }
}

/// Writes since when the thread has used no processor time, or that it runs: a line, or nothing
/// if the thread was not sampled twice.
pub(super) fn movement(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    let still = facts.still.iter().find(|still| still.tid == thread.tid);
    let Some(still) = still.filter(|still| still.samples > 1) else {
        return;
    };
    let length = still.last.since(still.since);
    let is_busy = thread.busy.is_some_and(|busy| busy > STILL);
    let has_moved = is_busy || length.is_zero();
    line.text("deadstop:   it ");
    match (has_moved, &thread.activity) {
        (true, _) => line.text("still moves: it ran between the last of "),
        (false, Activity::Runs) => line
            .text("is ready to run, but has had no processor for ")
            .seconds_at_least(length)
            .text(": it did not run between "),
        (false, _) => line
            .text("has not moved for ")
            .seconds_at_least(length)
            .text(": it did not run between "),
    };
    let samples = if has_moved {
        still.samples
    } else {
        still.quiet
    };
    line.number(u64::from(samples)).text(" samples");
    if has_moved {
        shares(line, still);
    }
    if let Some(repeats) = facts.repeats.filter(|it| is_busy && it.tid == thread.tid) {
        self::repeats(line, repeats);
    }
    line.text("\n");
}

/// Adds what repeated stacks of a thread that runs say: a loop, or progress.
fn repeats(line: &mut TextSlice, repeats: Repeats) {
    line.text("; of ")
        .number(u64::from(repeats.samples))
        .text(" stacks ");
    match repeats.distinct {
        1 if repeats.samples < ENOUGH => line.text("all are the same"),
        1 => line.text("all are the same: a loop in one function"),
        distinct if distinct < repeats.samples => line
            .number(u64::from(distinct))
            .text(" are different: a loop through these"),
        _ if repeats.samples < ENOUGH => line.text("all are different"),
        _ => line.text("all are different: it may make progress"),
    };
}

/// The least number of stacks from which a conclusion is drawn. On a busy machine there are fewer.
const ENOUGH: u32 = 4;

/// Shares of a processor that a line shows.
const SHARES: usize = 4;

/// The last shares of a processor: ` (0, 12, 100, 100 % of a processor)`.
fn shares(line: &mut TextSlice, still: &Still) {
    let count = still.shares.iter().count();
    let last = still.shares.iter().skip(count.saturating_sub(SHARES));
    for (n, share) in last.enumerate() {
        line.text(if n == 0 { " (" } else { ", " })
            .number(u64::from(share));
    }
    if count > 0 {
        line.text(" % of a processor)");
    }
}
