//! Threads that run no task: first the suspicious ones, then the others in
//! groups.

use core::ffi::c_int;

use super::doing::thread_names;
use super::label::label;
use super::stacks;
use crate::buffer::TextSlice;
use crate::render::suspects::{Role, Roles};
use crate::render::words;
use crate::render::{Facts, frames};
use crate::sizes::LABEL_LEN;
use crate::threads::format::thread;
use crate::threads::{Blocker, Thread};

pub(super) fn render(line: &mut TextSlice, facts: &Facts<'_>, roles: &Roles, frames: usize) {
    let suspects = roles.suspects(facts);
    for (index, other) in suspects.iter().enumerate() {
        let same = |before: &&Thread| hangs_like(facts, before, other);
        if suspects.iter().take(index).any(|before| same(&before)) {
            continue;
        }
        thread_and_stack(line, facts, other, frames);
        let later = suspects.iter().skip(index.saturating_add(1));
        let more = later.filter(same).count();
        if more > 0 {
            and_more(line.text("deadstop:   "), more as u64)
                .text(" ")
                .quoted(stem(other.name.as_str()))
                .text(" in the same function\n");
        }
    }
    shared_locks(line, facts, roles);
    match (facts.threads.find(facts.pid), roles.get(facts, facts.pid)) {
        (Some(main), Role::Own) => {
            thread(
                line.text("deadstop: main waits for deadstop: thread "),
                main,
            );
            line.text("\n");
        }
        (Some(main), Role::Other) => thread_and_stack(line, facts, main, frames),
        _ => {}
    }
    let others = roles.with(facts, Role::Other);
    let others = || others.iter().filter(|other| other.tid != facts.pid);
    for (index, first) in others().enumerate() {
        if !others().take(index).any(|before| is_alike(before, first)) {
            let like = others().filter(|other| is_alike(other, first));
            group(line, first, like.count());
        }
    }
    let more = facts.unlisted_threads();
    if more > 0 {
        and_more(line.text("deadstop: "), more).text(", including those of deadstop\n");
    }
    cannot_list(line, facts.threads.proc_error);
}

/// Says that the threads are not known, if `error` is not 0.
pub(super) fn cannot_list(line: &mut TextSlice, error: c_int) {
    if error != 0 {
        line.text("deadstop: cannot list the threads: reading /proc failed with error ")
            .int(error)
            .text("\n");
    }
}

/// Threads that a line names.
const NAMED: usize = 8;

/// Threads that wait for the same lock or condition, if a task or a suspicious thread is
/// among them: idle threads of a pool wait for the same condition as well.
fn shared_locks(line: &mut TextSlice, facts: &Facts<'_>, roles: &Roles) {
    let matters = |thread: &Thread| {
        let role = roles.get(facts, thread.tid);
        matches!(role, Role::Task | Role::Suspect(_))
    };
    for (index, first) in facts.threads.iter().enumerate() {
        let with = facts.threads.waiting_with(first);
        let is_first = !facts
            .threads
            .iter()
            .take(index)
            .any(|before| with.iter().any(|other| other.tid == before.tid));
        let count = with.len().saturating_add(1);
        if count < 2 || !is_first || !(matters(first) || with.iter().any(matters)) {
            continue;
        }
        line.text("deadstop: ")
            .number(count as u64)
            .text(" threads wait for the same lock or condition: ");
        let mut all = core::iter::once(first).chain(with.iter());
        thread_names(line, facts, &mut all, NAMED);
        line.text("\n");
    }
}

fn thread_and_stack(line: &mut TextSlice, facts: &Facts<'_>, other: &Thread, frames: usize) {
    thread(line.text("deadstop: thread "), other);
    label(line, facts, other.tid);
    line.text("\n");
    if let Some(stack) = facts.stack(other.tid) {
        stacks::render(line, stack, frames);
    }
}

/// Renders one thread and its stack for a list of checks.
pub(super) fn indented(line: &mut TextSlice, facts: &Facts<'_>, tid: c_int) {
    let Some(found) = facts.threads.find(tid) else {
        return;
    };
    thread(line.text("    thread "), found);
    line.text("\n");
    if let Some(stack) = facts.stack(tid) {
        stacks::render_after(line, "    ", stack, usize::MAX);
    }
}

/// Renders "and 3 more threads".
pub(super) fn and_more(line: &mut TextSlice, more: u64) -> &mut TextSlice {
    line.text("and ").number(more).text(match more {
        1 => " more thread",
        _ => " more threads",
    })
}

#[inline(never)] // Four callers, some in loops.
pub(super) fn is_alike(one: &Thread, other: &Thread) -> bool {
    one.state == other.state
        && stem(one.name.as_str()) == stem(other.name.as_str())
        && words::doing(one).as_str() == words::doing(other).as_str()
}

/// Returns `true` if two threads do the same in the same function of the application. Threads
/// with a label, or whose function is not known, are listed one by one.
pub(super) fn hangs_like(facts: &Facts<'_>, one: &Thread, other: &Thread) -> bool {
    let has_label = |thread: &Thread| {
        let mut buffer = [0; LABEL_LEN];
        facts.roster.labels.of(thread.tid, &mut buffer).is_some()
    };
    let function = |thread: &Thread| {
        let innermost = facts.stack(thread.tid).and_then(frames::innermost);
        innermost.map(|frame| (frame.offset, frame.function.as_str()))
    };
    is_alike(one, other)
        && matches!(
            (&one.blocker, &other.blocker),
            (Blocker::Unknown, Blocker::Unknown)
        )
        && function(one).is_some()
        && function(one) == function(other)
        && !has_label(one)
        && !has_label(other)
}

/// A name without the number at its end.
#[inline(never)] // Three callers, and a loop from the end.
fn stem(name: &str) -> &str {
    let stem = name.trim_end_matches(|c: char| c.is_ascii_digit());
    match stem {
        "" => name,
        _ => stem.trim_end_matches(['-', '_', '#', ':', ' ']),
    }
}

pub(super) fn group(line: &mut TextSlice, first: &Thread, count: usize) {
    match count {
        0 | 1 => thread(line.text("deadstop: thread "), first),
        count => {
            line.text("deadstop: ")
                .number(count as u64)
                .text(" threads ")
                .quoted(stem(first.name.as_str()))
                .text(": ")
                .text(words::doing(first).as_str());
        }
    }
    line.text("\n");
}
