//! Threads, what each waits for, and its stack.

use core::ffi::c_int;

use super::level::Level;
use super::values::{Items, length, optional, optional_number};
use crate::buffer::TextSlice;
use crate::render::words;
use crate::render::{Facts, Still};
use crate::sizes::LABEL_LEN;
use crate::stack::{Captured, Frame, Stack};
use crate::threads::{Blocker, Thread};

pub(super) fn threads(line: &mut TextSlice, facts: &Facts<'_>, level: &Level) {
    let mut items = Items::none();
    for thread in facts.threads.iter() {
        items.next(line);
        self::thread(line, facts, thread);
        waits_for(line, facts, &thread.blocker);
        waits_with(line, facts, thread);
        stack(line, facts.stack(thread.tid), level.frames);
        line.text("}");
    }
}

fn thread(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    line.text("{\"id\": ")
        .int(thread.tid)
        .text(", \"name\": ")
        .json(thread.name.as_str());
    let mut buffer = [0; LABEL_LEN];
    let label = facts.roster.labels.of(thread.tid, &mut buffer);
    optional(line.text(", \"label\": "), label.unwrap_or(""));
    line.text(", \"state\": \"");
    // One letter, or a question mark.
    line.text(char::from(thread.state).encode_utf8(&mut [0; 4]))
        .text("\", \"place\": ")
        .json(thread.wait_channel.as_str())
        .text(", \"doing\": ")
        .json(words::doing(thread).as_str())
        .text(", \"cpu\": ");
    length(line, thread.cpu);
    line.text(", \"busy\": ");
    optional_number(line, thread.busy.map(c_int::from));
    line.text(", \"still_for\": ");
    let still = facts.still.iter().find(|still| still.tid == thread.tid);
    let still = still.filter(|still| still.samples > 1);
    length(line, still.map(|still| still.last.since(still.since)));
    samples(line, facts, thread.tid, still);
}

/// The result of repeated looks at the thread.
fn samples(line: &mut TextSlice, facts: &Facts<'_>, tid: c_int, still: Option<&Still>) {
    line.text(", \"samples\": ");
    let Some(still) = still else {
        line.text("null");
        return;
    };
    line.text("{\"taken\": ")
        .number(u64::from(still.samples))
        .text(", \"shares\": [");
    let mut items = Items::none();
    for share in still.shares.iter() {
        items.next(line);
        line.number(u64::from(share));
    }
    let repeats = facts.repeats.filter(|repeats| repeats.tid == tid);
    let (stacks, distinct) = repeats.map_or((0, 0), |it| (it.samples, it.distinct));
    line.text("], \"stacks\": ")
        .number(u64::from(stacks))
        .text(", \"different_stacks\": ")
        .number(u64::from(distinct))
        .text("}");
}

fn waits_for(line: &mut TextSlice, facts: &Facts<'_>, blocker: &Blocker) {
    line.text(", \"waits_for\": ");
    let mut more = 0;
    let (kind, id, name) = match blocker {
        Blocker::Unknown => {
            line.text("null");
            return;
        }
        Blocker::Thread { tid, hold } => {
            let holder = facts.threads.find(*tid);
            let name = holder.map_or("", |holder| holder.name.as_str());
            (words::hold(*hold), *tid, name)
        }
        Blocker::Process {
            pid, name, others, ..
        } => {
            more = *others;
            ("process", *pid, name.as_str())
        }
        Blocker::OwnDescriptor { number } => ("own_descriptor", *number, ""),
    };
    line.text("{\"kind\": ")
        .json(kind)
        .text(", \"id\": ")
        .int(id)
        .text(", \"name\": ")
        .json(name)
        .text(", \"others\": ")
        .number(u64::from(more))
        .text("}");
}

/// The other threads that wait for the same lock or condition.
fn waits_with(line: &mut TextSlice, facts: &Facts<'_>, thread: &Thread) {
    line.text(", \"waits_with\": [");
    let mut items = Items::none();
    for other in facts.threads.waiting_with(thread).iter() {
        items.next(line);
        line.int(other.tid);
    }
    line.text("]");
}

fn stack(line: &mut TextSlice, stack: Option<&Stack>, most: usize) {
    line.text(", \"stack\": [");
    let mut left_out = 0_usize;
    if let Some(stack) = stack.filter(|stack| stack.captured == Captured::Yes) {
        let mut items = Items::none();
        for frame in stack.frames().take(most) {
            items.next(line);
            self::frame(line, frame);
        }
        let not_rendered = stack.frames().count().saturating_sub(most);
        left_out = stack.left_out.saturating_add(not_rendered);
    }
    line.text("], \"frames_left_out\": ")
        .number(left_out as u64)
        .text(", \"no_stack\": ");
    optional(
        line,
        stack.map_or("", |stack| words::no_stack(stack.captured)),
    );
}

/// No absolute address if the place in a file is known: the difference of the
/// two would tell where the file is loaded, which `ASLR` keeps secret.
fn frame(line: &mut TextSlice, frame: &Frame) {
    line.text("{\"function\": ");
    optional(line, frame.function.as_str());
    line.text(", \"module\": ");
    let module = frame.module.as_str();
    optional(line, module);
    line.text(", \"offset\": \"0x").hex(match module {
        "" => frame.address as u64,
        _ => frame.offset,
    });
    line.text("\", \"site\": ");
    optional(line, frame.site.as_str());
    line.text(", \"source\": ");
    optional(line, words::source(frame.source));
    line.text("}");
}
