//! The report for tools: one JSON object.
//!
//! The schema is documented with `HangReport`, and its version is in it. Times
//! are numbers of seconds; points in time are counted from the instant at which
//! the watchdog was armed. What is not known is `null`.

use ::core::convert::From;
use ::core::iter::Iterator;
use ::core::option::Option::{self, None, Some};
use ::core::time::Duration;

use super::super::census::Thread;
use super::super::line::Line;
use super::super::roster::{Buffer, Reading};
use super::super::sizes::PHASE;
use super::super::stack::{Captured, Stack};
use super::super::sys::Nanos;
use super::words::{self, number};
use super::{Facts, Kind};

/// How much is told. Less is told if it does not fit: half an object is of no
/// use to a tool.
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
    /// Whether anything but the tasks that hang is told.
    others: bool,
    is_complete: bool,
}

/// Renders the report, whole if it fits.
pub(crate) fn json<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>) {
    for level in &LEVELS {
        line.clear();
        object(line, facts, level);
        if !line.is_full() {
            return;
        }
    }
    line.clear();
}

fn object<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, level: &Level) {
    line.text("{\n\"format\": \"deadstop hang report\",\n\"version\": 1,\n\"kind\": ");
    line.text(match facts.kind {
        Kind::Deadline => "\"deadline\"",
        Kind::Dump => "\"dump\"",
    });
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
    line.text(",\n\"complete\": ");
    line.text(if level.is_complete { "true" } else { "false" });
    line.text(",\n\"phases\": [");
    phases(line, facts);
    line.text("],\n\"tasks\": [");
    tasks(line, facts, level);
    line.text("],\n\"threads\": [");
    if level.others {
        threads(line, facts, level);
    }
    line.text("],\n\"unlisted\": {\"running\": ");
    line.number(u64::from(facts.roster.running.unlisted()))
        .text(", \"waiting\": ")
        .number(u64::from(facts.roster.waiting.unlisted()))
        .text(", \"phases\": ")
        .number(u64::from(facts.roster.phases.unlisted()))
        .text(", \"threads\": ")
        .number(facts.unlisted_threads())
        .text("}\n}\n");
}

fn phases<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>) {
    let mut buffer = [0; PHASE];
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

fn tasks<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, level: &Level) {
    let mut items = Items::none();
    facts.roster.hung(|task| {
        items.next(line);
        self::task(line, task, words::state(task.is));
        times(line, facts, (task.started, facts.now), task.budget);
        line.text(", \"thread\": ");
        match task.tid {
            tid @ 1.. => line.number(number(tid)),
            _ => line.text("null"),
        };
        line.text(", \"says\": ").json(task.says).text("}");
    });
    if !level.others {
        return;
    }
    let mut buffer = Buffer::new();
    for slot in facts.roster.waiting.slots() {
        if let Some(task) = slot.read(&mut buffer) {
            items.next(line);
            self::task(line, &task, "waiting");
            line.text("}");
        }
    }
    facts.roster.over(|task| {
        items.next(line);
        self::task(line, task, words::state(task.is));
        times(line, facts, (task.started, task.ended), task.budget);
        line.text("}");
    });
}

fn task<const N: usize>(line: &mut Line<N>, task: &Reading<'_>, state: &str) {
    line.text("{\"name\": ")
        .json(task.name)
        .text(", \"phase\": ")
        .json(task.phase)
        .text(", \"state\": ")
        .json(state)
        .text(", \"file\": ")
        .json(task.file)
        .text(", \"line\": ")
        .number(u64::from(task.line));
}

fn times<const N: usize>(
    line: &mut Line<N>,
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

fn threads<const N: usize>(line: &mut Line<N>, facts: &Facts<'_>, level: &Level) {
    let mut items = Items::none();
    for thread in facts.census.threads() {
        items.next(line);
        self::thread(line, thread);
        if let Some(stack) = facts.stack(thread.tid) {
            self::stack(line, stack, level.frames);
        }
        line.text("}");
    }
}

fn thread<const N: usize>(line: &mut Line<N>, thread: &Thread) {
    line.text("{\"id\": ")
        .number(number(thread.tid))
        .text(", \"name\": ")
        .json(thread.name.as_str())
        .text(", \"state\": \"");
    // One letter, or a question mark.
    line.text(char::from(thread.state).encode_utf8(&mut [0; 4]))
        .text("\", \"place\": ")
        .json(thread.place.as_str())
        .text(", \"doing\": ")
        .json(words::doing(thread).as_str())
        .text(", \"cpu\": ");
    length(line, thread.cpu);
    line.text(", \"busy\": ");
    match thread.busy {
        Some(busy) => line.number(u64::from(busy)),
        None => line.text("null"),
    };
}

fn stack<const N: usize>(line: &mut Line<N>, stack: &Stack, frames: usize) {
    if stack.captured != Captured::Yes {
        line.text(", \"no_stack\": ")
            .json(words::no_stack(stack.captured));
        return;
    }
    line.text(", \"stack\": [");
    let mut items = Items::none();
    for frame in stack.frames().take(frames) {
        items.next(line);
        line.text("{\"address\": \"0x").hex(frame.address as u64);
        line.text("\", \"module\": ").json(frame.module.as_str());
        line.text(", \"offset\": \"0x").hex(frame.offset);
        line.text("\", \"function\": ")
            .json(frame.function.as_str());
        line.text(", \"site\": ").json(frame.site.as_str());
        line.text("}");
    }
    line.text("], \"frames_left_out\": ")
        .number(stack.left_out as u64);
}

/// A length of time; `null` if it is not known, or without end.
fn length<const N: usize>(line: &mut Line<N>, length: Option<Duration>) {
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
    fn next<const N: usize>(&mut self, line: &mut Line<N>) {
        line.text(if self.is_first { "\n" } else { ",\n" });
        self.is_first = false;
    }
}
