//! The first lines of a report: each hung task, its activity, and the end of the process.

use core::time::Duration;

use super::chain::{chain, is_in_first_chain};
use super::doing::{doing, doing_without_id, movement, thread_name};
use super::heartbeats::{late_heartbeat, late_heartbeats};
use super::polls::{polls, polls_first_culprit};
use super::span::{run_time, span};
use super::threads::hangs_like;
use crate::buffer::TextSlice;
use crate::render::suspects::{Role, Roles, Suspicion};
use crate::render::{Facts, Kind};
use crate::roster::{Polls, TaskBuffer, TaskKind, TaskReading};
use crate::sizes::PHASE_NAME_LEN;
use crate::threads::Thread;

/// Culprits that the first line names. All have a line in the details.
const NAMED: usize = 3;

/// Culprits with lines of their own. The second has one line only, so that the
/// screen has ten lines at most.
const SHOWN: usize = 2;

/// Suspicious threads with a line of their own.
const SUSPECTS: usize = 1;

/// Tasks named as not done.
const UNDONE: usize = 3;

pub(super) fn render(line: &mut TextSlice, facts: &Facts<'_>, roles: &Roles) {
    headline(line, facts);
    let mut shown = 0_usize;
    let mut first = 0;
    facts.roster.each_unfinished(|task| {
        match shown {
            0 => {
                first = task.tid;
                culprit(line, facts, task);
            }
            // A task that hangs on the same thread has nothing to add.
            _ if first > 0 && task.tid == first => return,
            n if n < SHOWN => second_culprit(line, facts, task),
            _ => {}
        }
        shown = shown.saturating_add(1);
    });
    if let Some(thread) = late_coordinator(facts) {
        line.text("deadstop:   ");
        thread_name(line, facts, thread);
        line.text(", which begins them, ");
        doing_without_id(line, facts, thread);
        line.text("\n");
        chain(line, facts, thread);
    }
    let mut stalls = 0_usize;
    facts.roster.each_stall(|beat| {
        if stalls < SHOWN {
            late_heartbeat(line, facts, beat, stalls == 0);
        }
        stalls = stalls.saturating_add(1);
    });
    let room = match shown < SHOWN {
        true => SUSPECTS.saturating_add(1),
        false => SUSPECTS,
    };
    suspects(line, facts, roles, room);
    tasks_not_begun(line, facts);
    replaced_handlers(line, facts);
    cause(line, facts);
    exit_status(line, facts);
}

/// Names up to `most` suspicious threads that no line before has named, one of those that hang
/// in the same function.
fn suspects(line: &mut TextSlice, facts: &Facts<'_>, roles: &Roles, most: usize) {
    let suspects = roles.suspects(facts);
    let suspects = suspects.iter().filter(|thread| {
        let is_stalled = roles.get(facts, thread.tid) == Role::Suspect(Suspicion::Stalled);
        !is_stalled && !is_in_first_chain(facts, thread) && !polls_first_culprit(facts, thread)
    });
    let mut last: Option<&Thread> = None;
    let mut left = most;
    for thread in suspects {
        let is_new = last.is_none_or(|last| !hangs_like(facts, last, thread));
        if is_new && left > 0 {
            suspect(line, facts, thread);
            left = left.saturating_sub(1);
        }
        last = Some(thread);
    }
}

fn headline(line: &mut TextSlice, facts: &Facts<'_>) {
    line.text(match facts.kind {
        Kind::Abandoned => "deadstop: task abandoned, ",
        Kind::Deadline => "deadstop: ",
        Kind::Stall => "deadstop: stall, ",
        Kind::Status => "deadstop: status report, ",
    });
    match facts.at {
        Some(at) => span(line.text("deadline in "), at.since(facts.now)),
        None => line.text("no deadline"),
    };
    let mut hung = u64::from(facts.roster.running.unlisted());
    facts
        .roster
        .each_unfinished(|_| hung = hung.saturating_add(1));
    if facts.kind == Kind::Deadline && is_over(facts) {
        line.text(": the shutdown is over, but the process has not ended");
        abandoned_tasks(line, facts, hung);
        return;
    }
    match (hung, facts.kind) {
        (0, Kind::Deadline | Kind::Status) if late_coordinator(facts).is_some() => {
            line.text(": the shutdown was requested, but no task has begun\n");
            return;
        }
        (0, Kind::Deadline) => {
            line.text(": no task is running, but the process has not ended\n");
            return;
        }
        (0, Kind::Stall) => {
            line.text(": ");
            late_heartbeats(line, facts);
            return;
        }
        (0, _) => {
            line.text(": no task is running\n");
            return;
        }
        (1, _) => line.text(": 1 task has not returned:"),
        _ => line
            .text(": ")
            .number(hung)
            .text(" tasks have not returned:"),
    };
    hung_tasks(line, facts);
}

/// Names the tasks that have not returned, and ends the line.
fn hung_tasks(line: &mut TextSlice, facts: &Facts<'_>) {
    let mut named = 0_usize;
    facts.roster.each_unfinished(|task| {
        if named < NAMED {
            line.text(if named == 0 { " " } else { ", " })
                .quoted(task.name)
                .text(" (phase ")
                .word(task.phase)
                .text(", ");
            run_time(line, facts, task);
            line.text(")");
        }
        named = named.saturating_add(1);
    });
    if named > NAMED {
        line.text(", ...");
    }
    line.text("\n");
}

/// Returns the coordinator's thread if it has begun no phase, and should have.
fn late_coordinator<'a>(facts: &Facts<'a>) -> Option<&'a Thread> {
    let requested = facts.cause.and(facts.begun);
    let tid = facts.roster.late_coordinator(requested, facts.now)?;
    facts.threads.find(tid)
}

/// Returns `true` if every phase has ended. The tasks that have not returned were abandoned.
fn is_over(facts: &Facts<'_>) -> bool {
    let mut buffer = [0; PHASE_NAME_LEN];
    let mut phases = 0_usize;
    for slot in facts.roster.phases.slots() {
        let Some(phase) = slot.read(&mut buffer) else {
            break;
        };
        if phase.ended.is_none() {
            return false;
        }
        phases = phases.saturating_add(1);
    }
    phases > 0
        && facts
            .roster
            .pending
            .slots()
            .all(|slot| slot.peek().is_none())
}

fn abandoned_tasks(line: &mut TextSlice, facts: &Facts<'_>, tasks: u64) {
    match tasks {
        0 => {
            line.text("\n");
            return;
        }
        1 => line.text("; 1 abandoned task has not returned:"),
        _ => line
            .text("; ")
            .number(tasks)
            .text(" abandoned tasks have not returned:"),
    };
    hung_tasks(line, facts);
}

fn culprit(line: &mut TextSlice, facts: &Facts<'_>, task: &TaskReading<'_>) {
    if !task.progress.is_empty() {
        line.text("deadstop:   it says ")
            .quoted(task.progress)
            .text("\n");
    }
    // Its own thread waits for the child in deadstop's code: it says which child that is.
    if task.kind == TaskKind::Child {
        return;
    }
    let Some(thread) = facts.threads.find(task.tid) else {
        return;
    };
    line.text("deadstop:   it ");
    doing(line, facts, thread);
    line.text("\n");
    if !waits_for_a_runtime(task) {
        movement(line, facts, thread);
    }
    polls(line, facts, task);
    chain(line, facts, thread);
}

/// Returns `true` if the task is a future that no worker polls at this moment. Its thread wakes up
/// now and then to look whether one does: these movements are not the task's.
fn waits_for_a_runtime(task: &TaskReading<'_>) -> bool {
    match task.polls {
        Polls::NoFuture => false,
        Polls::Never => true,
        Polls::Last { is_polled, .. } => !is_polled,
    }
}

fn second_culprit(line: &mut TextSlice, facts: &Facts<'_>, task: &TaskReading<'_>) {
    let Some(thread) = facts.threads.find(task.tid) else {
        return;
    };
    line.text("deadstop:   ").quoted(task.name).text(" ");
    doing(line, facts, thread);
    line.text("\n");
}

fn suspect(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    line.text("deadstop:   suspicious: ");
    thread_name(line, facts, thread);
    line.text(" ");
    doing_without_id(line, facts, thread);
    line.text("\n");
}

/// Tasks that have not begun because others hang.
fn tasks_not_begun(line: &mut TextSlice, facts: &Facts<'_>) {
    let mut buffer = TaskBuffer::new();
    let mut undone = 0_usize;
    for slot in facts.roster.pending.slots() {
        let Some(task) = slot.read(&mut buffer) else {
            continue;
        };
        if undone < UNDONE {
            line.text(if undone == 0 {
                "deadstop:   not begun: "
            } else {
                ", "
            })
            .quoted(task.name)
            .text(" (")
            .word(task.phase)
            .text(")");
        }
        undone = undone.saturating_add(1);
    }
    let unlisted = usize::try_from(facts.roster.pending.unlisted()).unwrap_or(usize::MAX);
    let more = undone.saturating_sub(UNDONE).saturating_add(unlisted);
    match (undone, more) {
        (0, _) => return,
        (_, 0) => {}
        _ => {
            line.text(" and ").number(more as u64).text(" more");
        }
    }
    line.text("\n");
}

/// Signals that may not begin the shutdown.
fn replaced_handlers(line: &mut TextSlice, facts: &Facts<'_>) {
    if !facts.replaced.is_empty() {
        line.text("deadstop:   another library has replaced the handler of ")
            .text(facts.replaced)
            .text(": it may not begin the shutdown\n");
    }
}

fn cause(line: &mut TextSlice, facts: &Facts<'_>) {
    line.text("deadstop:   cause: ");
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

fn exit_status(line: &mut TextSlice, facts: &Facts<'_>) {
    match (facts.begun, facts.exit_status) {
        (Some(_), Some(status)) => line
            .text("deadstop:   at the deadline the process ends with status ")
            .number(u64::from(status))
            .text("\n"),
        _ => line,
    };
}
