//! Heartbeats that are late.

use super::chain::chain;
use super::doing::{doing_without_id, movement, thread_name};
use super::span::span;
use crate::buffer::TextSlice;
use crate::render::Facts;
use crate::roster::TaskReading;

/// Heartbeats that the first line names.
const NAMED: usize = 3;

/// Names the late heartbeats: `heartbeat "consumer loop" has not ticked for 6.2 s`.
pub(super) fn late_heartbeats(line: &mut TextSlice, facts: &Facts<'_>) {
    let mut named = 0_usize;
    facts.roster.each_stall(|beat| {
        if named < NAMED {
            line.text(if named == 0 { "heartbeat " } else { ", " })
                .quoted(beat.name)
                .text(" has not ticked for ")
                .seconds(facts.now.since(beat.started));
        }
        named = named.saturating_add(1);
    });
    line.text(match named {
        0 => "the heartbeat ticks again\n",
        1..=NAMED => "\n",
        _ => ", ...\n",
    });
}

/// Writes what a late heartbeat's thread does; for the first heartbeat also what the thread waits
/// for.
pub(super) fn late_heartbeat(
    line: &mut TextSlice,
    facts: &Facts<'_>,
    beat: &TaskReading<'_>,
    is_first: bool,
) {
    line.text("deadstop:   heartbeat ")
        .quoted(beat.name)
        .text(", no tick for ")
        .seconds(facts.now.since(beat.started))
        .text(" of ");
    span(line, beat.budget);
    line.text(": ");
    let Some(thread) = facts.threads.find(beat.tid) else {
        match beat.tid {
            0 => line.text("it has no thread of its own\n"),
            tid => line.text("thread ").int(tid).text(" is gone\n"),
        };
        return;
    };
    thread_name(line, facts, thread);
    line.text(" ");
    doing_without_id(line, facts, thread);
    line.text("\n");
    if is_first {
        movement(line, facts, thread);
        chain(line, facts, thread);
    }
}
