//! Phases, tasks and stalled heartbeats.

use core::ffi::c_int;
use core::time::Duration;

use super::level::Level;
use super::values::{Items, length, optional_number};
use crate::buffer::TextSlice;
use crate::render::Facts;
use crate::render::words;
use crate::roster::{Polls, TaskBuffer, TaskReading};
use crate::sizes::PHASE_NAME_LEN;
use crate::sys::Nanos;

pub(super) fn phases(line: &mut TextSlice, facts: &Facts<'_>) {
    let mut buffer = [0; PHASE_NAME_LEN];
    let mut items = Items::none();
    for slot in facts.roster.phases.slots() {
        let Some(phase) = slot.read(&mut buffer) else {
            return;
        };
        items.next(line);
        line.text("{\"name\": ").json(phase.name);
        line.text(", \"state\": ").text(match phase.ended {
            Some(_) => "\"over\"",
            None => "\"running\"",
        });
        let ended = phase.ended.unwrap_or(facts.now);
        let budget = phase.ends.since(phase.started);
        times(line, facts, (phase.started, ended), budget);
        line.text("}");
    }
}

pub(super) fn tasks(line: &mut TextSlice, facts: &Facts<'_>, level: &Level) {
    let mut items = Items::none();
    facts.roster.each_unfinished(|task| {
        items.next(line);
        self::task(line, task, words::state(task.status));
        times(line, facts, (task.started, facts.now), task.budget);
        polls(line, facts, task.polls);
        let thread = Some(task.tid).filter(|tid| *tid > 0);
        thread_and_words(line, thread, task.progress);
    });
    if !level.others {
        return;
    }
    let mut buffer = TaskBuffer::new();
    for slot in facts.roster.pending.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            items.next(line);
            self::task(line, &task, "waiting");
            line.text(", \"start\": null, \"took\": null, \"budget\": null");
            polls(line, facts, Polls::NoFuture);
            thread_and_words(line, None, "");
        }
    }
    facts.roster.each_finished(|task| {
        items.next(line);
        self::task(line, task, words::state(task.status));
        times(line, facts, (task.started, task.ended), task.budget);
        polls(line, facts, Polls::NoFuture);
        thread_and_words(line, None, task.progress);
    });
}

/// The last poll of the task's future by a runtime.
fn polls(line: &mut TextSlice, facts: &Facts<'_>, polls: Polls) {
    let (ago, by, is_polled) = match polls {
        Polls::NoFuture => {
            line.text(", \"future\": null");
            return;
        }
        Polls::Never => (None, None, false),
        Polls::Last { at, tid, is_polled } => (Some(facts.now.since(at)), Some(tid), is_polled),
    };
    line.text(", \"future\": {\"last_polled\": ");
    length(line, ago);
    line.text(", \"by\": ");
    optional_number(line, by);
    line.text(", \"is_polled\": ")
        .text(if is_polled { "true" } else { "false" })
        .text("}");
}

/// The end of a task: the thread that it hangs on, and what it said.
fn thread_and_words(line: &mut TextSlice, thread: Option<c_int>, says: &str) {
    line.text(", \"thread\": ");
    optional_number(line, thread);
    line.text(", \"says\": ").json(says).text("}");
}

fn task(line: &mut TextSlice, task: &TaskReading<'_>, state: &str) {
    line.text("{\"name\": ")
        .json(task.name)
        .text(", \"kind\": ")
        .json(words::kind(task.kind))
        .text(", \"phase\": ")
        .json(task.phase)
        .text(", \"state\": ")
        .json(state)
        .text(", \"file\": ")
        .json(task.file)
        .text(", \"line\": ")
        .number(u64::from(task.line));
}

fn times(
    line: &mut TextSlice,
    facts: &Facts<'_>,
    (started, ended): (Nanos, Nanos),
    budget: Duration,
) {
    let begun = facts.begun.unwrap_or(started);
    line.text(", \"start\": ")
        .decimal_seconds(started.since(begun))
        .text(", \"took\": ")
        .decimal_seconds(ended.since(started))
        .text(", \"budget\": ");
    length(line, Some(budget));
}

/// The stalled heartbeats.
pub(super) fn stalls(line: &mut TextSlice, facts: &Facts<'_>) {
    let mut items = Items::none();
    facts.roster.each_stall(|beat| {
        items.next(line);
        line.text("{\"name\": ")
            .json(beat.name)
            .text(", \"age\": ")
            .decimal_seconds(facts.now.since(beat.started))
            .text(", \"limit\": ");
        length(line, Some(beat.budget));
        line.text(", \"thread\": ");
        optional_number(line, Some(beat.tid).filter(|tid| *tid > 0));
        line.text(", \"policy\": ").json(beat.phase).text("}");
    });
}
