//! The report for programs: one JSON object.
//!
//! `deadstop::report::HangReport` is the same as a serde model, and its JSON Schema
//! describes each key. Times are numbers of seconds; points in time count from
//! the instant at which the watchdog was armed. Unknown values are `null`. Each
//! key is always there.

mod level;
mod tasks;
mod threads;
mod values;

use super::Facts;
use super::words::number;
use crate::buffer::TextSlice;
use crate::sys::Nanos;

use self::level::{LEVELS, Level};
use self::tasks::{phases, stalls, tasks};
use self::threads::threads;
use self::values::{length, optional, optional_number};

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
