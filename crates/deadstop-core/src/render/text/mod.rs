//! The report for people.
//!
//! ```text
//! deadstop: deadline in 0.5 s: 1 task has not returned: "flush the log" (phase flush, 9.2 s of 3.0 s, abandoned)
//! deadstop:   it says "segment 12 of 40"
//! deadstop:   it is in server::log::flush (src/log.rs:120): thread 4242 writes to descriptor 7 (pipe), 0 % busy
//! deadstop:   it has not moved for 8.9 s: it did not run between 36 samples
//! deadstop:   not begun: "close the pool" (close)
//! deadstop:   cause: SIGTERM from pid 1, uid 0, 9.5 s ago; grace 10.0 s
//! deadstop:   at the deadline the process ends with status 124
//! deadstop: details:
//! ...
//! deadstop: end of hang report 1
//! ```
//!
//! The number at the end is that of the report in its process.
//!
//! The first screen has ten lines at most and stands first, because a reader or a
//! platform may show no more than the beginning. Programs read the JSON.

mod chain;
mod details;
mod doing;
mod heartbeats;
mod label;
mod polls;
mod process;
mod screen;
mod span;
mod stacks;
mod threads;

pub(crate) use self::span::NO_END;

use core::ffi::c_int;

use super::Facts;
use super::suspects::Roles;
use crate::buffer::TextSlice;

pub use self::process::{ChildProcess, Process, process};

/// The last line of a report that did not fit.
const CUT: &str = "deadstop: the report is cut off here\n";

/// Renders the report, with at most `frames` of each stack.
pub fn text(line: &mut TextSlice, facts: &Facts<'_>, frames: usize) {
    line.clear();
    let roles = Roles::of(facts);
    screen::render(line, facts, &roles);
    line.text("deadstop: details:\n");
    details::render(line, facts, &roles, frames);
    line.text("deadstop: end of hang report ")
        .number(u64::from(facts.number))
        .text("\n");
    if line.is_full() {
        line.end_with(CUT);
    }
}

/// Renders the first screen alone.
pub fn first_screen(line: &mut TextSlice, facts: &Facts<'_>) {
    line.clear();
    screen::render(line, facts, &Roles::of(facts));
    if line.is_full() {
        line.end_with(CUT);
    }
}

/// Adds what the thread `tid` does, and its stack, each line after four spaces. Adds
/// nothing if the thread is not in the table.
pub fn thread(line: &mut TextSlice, facts: &Facts<'_>, tid: c_int) {
    threads::indented(line, facts, tid);
}
