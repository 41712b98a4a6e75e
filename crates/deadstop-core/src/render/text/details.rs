//! Tasks, threads and phases, in order of interest.

use core::time::Duration;

use super::label::label;
use super::span::{run_time, span};
use super::{stacks, threads};
use crate::buffer::TextSlice;
use crate::render::Facts;
use crate::render::suspects::Roles;
use crate::render::words;
use crate::roster::{TaskBuffer, TaskReading};
use crate::sizes::PHASE_NAME_LEN;
use crate::sys::Nanos;
use crate::threads::format::thread;

pub(super) fn render(line: &mut TextSlice, facts: &Facts<'_>, roles: &Roles, frames: usize) {
    facts.roster.each_unfinished(|task| {
        hung_task(line, facts, task);
        if let Some(stack) = facts.stack(task.tid) {
            stacks::render(line, stack, frames);
        }
    });
    unlisted_tasks(line, facts.roster.running.unlisted(), "running");
    threads::render(line, facts, roles, frames);
    let mut buffer = TaskBuffer::new();
    for slot in facts.roster.pending.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            waiting_task(line, &task);
        }
    }
    unlisted_tasks(line, facts.roster.pending.unlisted(), "waiting");
    phases(line, facts);
    facts
        .roster
        .each_finished(|task| finished_task(line, facts, task));
}

fn hung_task(line: &mut TextSlice, facts: &Facts<'_>, task: &TaskReading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .word(task.phase)
        .text(" ");
    run_time(line, facts, task);
    site(line, task);
    match facts.threads.find(task.tid) {
        Some(known) => {
            thread(line.text(", thread "), known);
            label(line, facts, known.tid);
        }
        None if task.tid > 0 => {
            line.text(", thread ").int(task.tid);
        }
        None => {}
    }
    if !task.progress.is_empty() {
        line.text("; says ").quoted(task.progress);
    }
    line.text("\n");
}

fn waiting_task(line: &mut TextSlice, task: &TaskReading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .word(task.phase)
        .text(" waiting");
    site(line, task);
    line.text("\n");
}

fn finished_task(line: &mut TextSlice, facts: &Facts<'_>, task: &TaskReading<'_>) {
    line.text("deadstop: task ")
        .quoted(task.name)
        .text(" ")
        .word(task.phase);
    times(line, facts, (task.started, task.ended), task.budget);
    line.text(", ").text(words::state(task.status));
    site(line, task);
    line.text("\n");
}

fn phases(line: &mut TextSlice, facts: &Facts<'_>) {
    let mut buffer = [0; PHASE_NAME_LEN];
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

/// A start, a length, and the budget.
fn times(
    line: &mut TextSlice,
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

/// The place where the task was registered: `FILE:LINE`.
fn site(line: &mut TextSlice, task: &TaskReading<'_>) {
    line.text(", ")
        .word(task.file)
        .text(":")
        .number(u64::from(task.line));
}

fn unlisted_tasks(line: &mut TextSlice, tasks: u32, what: &str) {
    if tasks > 0 {
        line.text("deadstop: and ")
            .number(u64::from(tasks))
            .text(" more tasks ")
            .text(what)
            .text("\n");
    }
}
