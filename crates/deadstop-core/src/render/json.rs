//! The report for programs: one JSON object.
//!
//! `deadstop::report::HangReport` is the same as a serde model, and its JSON Schema
//! describes each key. Times are numbers of seconds; points in time count from
//! the instant at which the watchdog was armed. Unknown values are `null`. Each
//! key is always there.

use core::ffi::c_int;
use core::time::Duration;

use super::words::{self, number};
use super::{Facts, Still};
use crate::buffer::TextSlice;
use crate::roster::{Polls, TaskBuffer, TaskReading};
use crate::sizes::{LABEL_LEN, PHASE_NAME_LEN};
use crate::stack::{Captured, Frame, Stack};
use crate::sys::Nanos;
use crate::threads::{Blocker, Thread};

/// The levels of detail. If a report does not fit, the renderer tries the next level: half an
/// object is of no use to a program.
const LEVELS: [Level; 3] = [
    Level {
        frames: usize::MAX,
        others: true,
        is_complete: true,
    },
    Level {
        frames: 0,
        others: true,
        is_complete: false,
    },
    Level {
        frames: 0,
        others: false,
        is_complete: false,
    },
];

struct Level {
    frames: usize,
    /// Set if more is rendered than the hung tasks and the stalled heartbeats.
    others: bool,
    is_complete: bool,
}

/// Renders the report, whole if it fits. Leaves `line` empty if not even the
/// hung tasks fit.
pub fn json(line: &mut TextSlice, facts: &Facts<'_>) {
    for level in &LEVELS {
        line.clear();
        object(line, facts, level);
        if !line.is_full() {
            return;
        }
    }
    line.clear();
}

fn object(line: &mut TextSlice, facts: &Facts<'_>, level: &Level) {
    line.text("{\n\"format\": \"deadstop hang report\",\n\"version\": 1,\n\"kind\": ");
    line.json(facts.kind.word());
    line.text(",\n\"number\": ").number(u64::from(facts.number));
    line.text(",\n\"pid\": ").number(number(facts.pid));
    let begun = facts.begun;
    line.text(",\n\"cause\": ");
    match facts.cause.filter(|_| begun.is_some()) {
        Some(cause) => line.json(cause),
        None => line.text("null"),
    };
    let since = |begun: Nanos, at: Nanos| at.since(begun);
    line.text(",\n\"now\": ");
    length(line, begun.map(|begun| since(begun, facts.now)));
    line.text(",\n\"grace\": ");
    length(
        line,
        begun.zip(facts.at).map(|(begun, at)| since(begun, at)),
    );
    line.text(",\n\"deadline_in\": ");
    length(line, facts.at.map(|at| at.since(facts.now)));
    line.text(",\n\"exit_status\": ");
    optional_number(line, facts.exit_status.map(u64::from));
    line.text(",\n\"replaced_signals\": ");
    optional(line, facts.replaced);
    line.text(",\n\"complete\": ");
    line.text(if level.is_complete { "true" } else { "false" });
    line.text(",\n\"phases\": [");
    phases(line, facts);
    line.text("],\n\"tasks\": [");
    tasks(line, facts, level);
    line.text("],\n\"stalls\": [");
    stalls(line, facts);
    line.text("],\n\"threads\": [");
    if level.others {
        threads(line, facts, level);
    }
    line.text("],\n\"unlisted\": {\"running\": ");
    line.number(u64::from(facts.roster.running.unlisted()))
        .text(", \"waiting\": ")
        .number(u64::from(facts.roster.pending.unlisted()))
        .text(", \"phases\": ")
        .number(u64::from(facts.roster.phases.unlisted()))
        .text(", \"threads\": ")
        .number(facts.unlisted_threads())
        .text(", \"stalls\": ")
        .number(u64::from(facts.roster.stalls.unlisted()))
        .text("},\n\"threads_refused\": ");
    let refused = Some(facts.threads.proc_error).filter(|refused| *refused != 0);
    optional_number(line, refused.map(number));
    line.text("\n}\n");
}

fn phases(line: &mut TextSlice, facts: &Facts<'_>) {
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

fn tasks(line: &mut TextSlice, facts: &Facts<'_>, level: &Level) {
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
    optional_number(line, by.map(number));
    line.text(", \"is_polled\": ")
        .text(if is_polled { "true" } else { "false" })
        .text("}");
}

/// The end of a task: the thread that it hangs on, and what it said.
fn thread_and_words(line: &mut TextSlice, thread: Option<c_int>, says: &str) {
    line.text(", \"thread\": ");
    optional_number(line, thread.map(number));
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
fn stalls(line: &mut TextSlice, facts: &Facts<'_>) {
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
        optional_number(line, Some(beat.tid).filter(|tid| *tid > 0).map(number));
        line.text(", \"policy\": ").json(beat.phase).text("}");
    });
}

fn threads(line: &mut TextSlice, facts: &Facts<'_>, level: &Level) {
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
        .number(number(thread.tid))
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
    optional_number(line, thread.busy.map(u64::from));
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
        .number(number(id))
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
        line.number(number(other.tid));
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

/// A number; `null` if there is none.
#[inline(never)]
fn optional_number(line: &mut TextSlice, number: Option<u64>) {
    match number {
        Some(number) => line.number(number),
        None => line.text("null"),
    };
}

/// A text; `null` if it is empty.
#[inline(never)]
fn optional(line: &mut TextSlice, text: &str) {
    match text {
        "" => line.text("null"),
        text => line.json(text),
    };
}

/// A length of time; `null` if it is not known, or without end.
#[inline(never)]
fn length(line: &mut TextSlice, length: Option<Duration>) {
    match length.filter(|length| *length < super::text::NO_END) {
        Some(length) => line.decimal_seconds(length),
        None => line.text("null"),
    };
}

/// The commas between the items of an array.
struct Items {
    is_first: bool,
}

impl Items {
    fn none() -> Self {
        Self { is_first: true }
    }

    /// Another one follows.
    fn next(&mut self, line: &mut TextSlice) {
        line.text(if self.is_first { "\n" } else { ",\n" });
        self.is_first = false;
    }
}
