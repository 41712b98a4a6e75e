//! The chain of a wait: the thread that holds up a thread, the one that holds up that one, and
//! so on.

use super::doing::{doing_without_id, thread_name, thread_names};
use crate::buffer::TextSlice;
use crate::render::Facts;
use crate::roster::TaskReading;
use crate::threads::{Blocker, Hold, Thread};

/// The longest chain of threads that is followed.
const LINKS: usize = 4;

/// Writes the threads that hold up `thread`, one after another, up to a cycle.
pub(super) fn chain(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    let mut waiter = thread;
    let mut named = [0; LINKS];
    let mut is_certain = true;
    for link in 0..=LINKS {
        let is_first = link == 0;
        let Blocker::Thread { tid, hold } = waiter.blocker else {
            return last_link(line, facts, waiter, is_first);
        };
        line.text(match is_first {
            true => "deadstop:   it waits for ",
            false => ", which waits for ",
        });
        let Some(next) = facts.threads.find(tid) else {
            line.text("thread ").int(tid).text("\n");
            return;
        };
        if is_first {
            line.text(hold_words(hold));
        }
        thread_name(line, facts, next);
        is_certain &= hold != Hold::OtherEnd;
        if tid == thread.tid || named.contains(&tid) {
            line.text(match is_certain {
                true => ": deadlock\n",
                // Another thread may use the descriptor.
                false => ": they wait for each other\n",
            });
            return;
        }
        if let Some(slot) = named.get_mut(link) {
            *slot = tid;
        }
        waiter = next;
    }
    line.text(", ...\n");
}

/// Ends the chain at a thread that no other thread is known to hold up.
fn last_link(line: &mut TextSlice, facts: &Facts<'_>, waiter: &Thread, is_first: bool) {
    match waiter.blocker {
        Blocker::Process { .. } => {
            begin_last_link(line, facts, waiter, is_first);
            process(line, &waiter.blocker);
        }
        Blocker::OwnDescriptor { number: other } => {
            begin_last_link(line, facts, waiter, is_first)
                .text("this process: the other end is its descriptor ")
                .int(other)
                .text("\n");
        }
        Blocker::Unknown | Blocker::Thread { .. } if is_first => together(line, facts, waiter),
        Blocker::Unknown | Blocker::Thread { .. } => {
            line.text(", which ");
            doing_without_id(line, facts, waiter);
            line.text("\n");
        }
    }
}

/// Ends the line with `process 77 "psql" in state S and 2 others`.
fn process(line: &mut TextSlice, blocker: &Blocker) {
    let Blocker::Process {
        pid,
        name,
        state,
        others,
    } = blocker
    else {
        return;
    };
    line.text("process ").int(*pid);
    if !name.as_str().is_empty() {
        line.text(" ").quoted(name.as_str());
    }
    if *state != 0 {
        line.text(" in state ")
            .text(char::from(*state).encode_utf8(&mut [0; 4]));
    }
    match others {
        0 => {}
        1 => {
            line.text(" and 1 other");
        }
        others => {
            line.text(" and ")
                .number(u64::from(*others))
                .text(" others");
        }
    }
    line.text("\n");
}

/// Threads that are named as waiting for the same.
const TOGETHER: usize = 3;

/// Names the other threads that wait for the same lock or condition, where its holder is not
/// known.
fn together(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    let with = facts.threads.waiting_with(thread);
    if with.is_empty() {
        return;
    }
    line.text("deadstop:   it waits for the same lock or condition as ");
    thread_names(line, facts, &mut with.iter(), TOGETHER);
    line.text("\n");
}

/// Begins the last link of a chain whose end is no thread: it says what the last thread does.
/// The first thread has a line of its own for that.
fn begin_last_link<'a>(
    line: &'a mut TextSlice,
    facts: &Facts<'_>,
    waiter: &Thread,
    is_first: bool,
) -> &'a mut TextSlice {
    if is_first {
        return line.text("deadstop:   it waits for ");
    }
    line.text(", which ");
    doing_without_id(line, facts, waiter);
    line.text(", and waits for ")
}

/// Returns `true` if the line of the first culprit's chain has the thread.
pub(super) fn is_in_first_chain(facts: &Facts<'_>, thread: &Thread) -> bool {
    let mut waiter = 0;
    let mut first = |task: &TaskReading<'_>| {
        if waiter == 0 {
            waiter = task.tid;
        }
    };
    facts.roster.each_unfinished(&mut first);
    facts.roster.each_stall(&mut first);
    for _ in 0..LINKS {
        match facts.threads.find(waiter).map(|waiter| &waiter.blocker) {
            Some(Blocker::Thread { tid, .. }) if *tid == thread.tid => return true,
            Some(Blocker::Thread { tid, .. }) => waiter = *tid,
            _ => return false,
        }
    }
    false
}

const fn hold_words(hold: Hold) -> &'static str {
    match hold {
        Hold::Joined => "the end of ",
        Hold::OtherEnd => "the other end of its descriptor, in use by ",
        Hold::Owns => "a lock of ",
        Hold::Refers => "a lock that is on the stack of ",
    }
}
