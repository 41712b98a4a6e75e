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

use core::ffi::c_int;

use super::Facts;
use crate::buffer::TextSlice;

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
    shutdown(line, facts);
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
    line.text("],\n\"unlisted\": ");
    unlisted(line, facts);
    line.text(",\n\"threads_refused\": ");
    let refused = Some(facts.threads.proc_error).filter(|refused| *refused != 0);
    optional_number(line, refused);
    line.text("\n}\n");
}

/// The beginning of the object: the report, and the shutdown.
fn shutdown(line: &mut TextSlice, facts: &Facts<'_>) {
    line.text("{\n\"format\": \"deadstop hang report\",\n\"version\": 1,\n\"kind\": ");
    line.json(facts.kind.word());
    line.text(",\n\"number\": ").number(u64::from(facts.number));
    line.text(",\n\"pid\": ").int(facts.pid);
    let begun = facts.begun;
    line.text(",\n\"cause\": ");
    match facts.cause.filter(|_| begun.is_some()) {
        Some(cause) => line.json(cause),
        None => line.text("null"),
    };
    line.text(",\n\"now\": ");
    length(line, begun.map(|begun| facts.now.since(begun)));
    line.text(",\n\"grace\": ");
    length(line, begun.zip(facts.at).map(|(begun, at)| at.since(begun)));
    line.text(",\n\"deadline_in\": ");
    length(line, facts.at.map(|at| at.since(facts.now)));
    line.text(",\n\"exit_status\": ");
    optional_number(line, facts.exit_status.map(c_int::from));
    line.text(",\n\"replaced_signals\": ");
    optional(line, facts.replaced);
}

/// The numbers of what had no room in a table.
fn unlisted(line: &mut TextSlice, facts: &Facts<'_>) {
    line.text("{\"running\": ")
        .number(u64::from(facts.roster.running.unlisted()))
        .text(", \"waiting\": ")
        .number(u64::from(facts.roster.pending.unlisted()))
        .text(", \"phases\": ")
        .number(u64::from(facts.roster.phases.unlisted()))
        .text(", \"threads\": ")
        .number(facts.unlisted_threads())
        .text(", \"stalls\": ")
        .number(u64::from(facts.roster.stalls.unlisted()))
        .text("}");
}
