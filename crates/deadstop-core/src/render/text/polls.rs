//! Polls of a task's future by its runtime, and the thread that prevents them.

use super::doing::{doing_without_id, thread_name};
use crate::buffer::TextSlice;
use crate::render::{Facts, frames};
use crate::roster::{Polls, TaskReading};
use crate::search::contains;
use crate::stack::Stack;
use crate::threads::Thread;

/// Writes when a runtime last polled the task's future, and whether that poll is over.
pub(super) fn polls(line: &mut TextSlice, facts: &Facts<'_>, task: &TaskReading<'_>) {
    let Polls::Last { at, tid, is_polled } = task.polls else {
        if task.polls == Polls::Never {
            line.text(
                "deadstop:   its future was never polled: no worker of its runtime is free\n",
            );
            blocks_its_runtime(line, facts);
        }
        return;
    };
    let length = facts.now.since(at);
    match (is_polled, facts.threads.find(tid)) {
        (true, Some(worker)) if worker.tid != task.tid => {
            line.text("deadstop:   its future has been polled for ")
                .seconds(length)
                .text(" by ");
            thread_name(line, facts, worker);
            line.text(", which ");
            doing_without_id(line, facts, worker);
        }
        (true, _) => {
            line.text("deadstop:   its future has been polled for ")
                .seconds(length);
        }
        (false, worker) => {
            line.text("deadstop:   its future was last polled ")
                .seconds(length)
                .text(" ago");
            if let Some(worker) = worker {
                line.text(" by ");
                thread_name(line, facts, worker);
            }
            line.text("\n");
            blocks_its_runtime(line, facts);
            return;
        }
    }
    line.text("\n");
}

/// Writes a line if a thread waits for deadstop on a runtime that has no other thread.
fn blocks_its_runtime(line: &mut TextSlice, facts: &Facts<'_>) {
    let has = |stack: &Stack, part: &str| {
        let mut frames = stack.frames();
        frames.any(|frame| contains(frame.function.as_str(), part))
    };
    let is_it = |thread: &&Thread| {
        let stack = facts.stack(thread.tid);
        stack.is_some_and(|stack| {
            frames::waiter(stack) == Some(frames::Owner::Deadstop)
                && (has(stack, "current_thread") || has(stack, "CurrentThread"))
        })
    };
    let Some(thread) = facts.threads.iter().find(is_it) else {
        return;
    };
    line.text("deadstop:   ");
    thread_name(line, facts, thread);
    line.text(
        " blocks the only thread of its runtime in `wait`, so the future cannot go on: \
         use `ended().await`\n",
    );
}

/// Returns `true` if the thread polls the first culprit's future at this moment: its line exists.
pub(super) fn polls_first_culprit(facts: &Facts<'_>, thread: &Thread) -> bool {
    let mut first = None;
    facts.roster.each_unfinished(|task| {
        first.get_or_insert(task.polls);
    });
    matches!(first, Some(Polls::Last { tid, is_polled: true, .. }) if tid == thread.tid)
}
