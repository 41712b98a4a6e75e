//! Unit tests of the crate, which allocate and panic.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    clippy::zombie_processes,
    reason = "a test runs itself again as its victim, and the deadline ends the child"
)]

mod backup_timer;
mod buffer;
mod duration;
mod escape;
mod files;
mod isolated;
mod kill_list;
mod nanos;
mod progress;
mod report;
mod roster;
mod search;
mod shared_text;
mod signals;
mod stack;
mod terminal;
mod threads;
mod watchdog;

use std::time::Duration;

use crate::Nanos;
use crate::buffer::TextBuffer;
use crate::render::{Facts, Kind, Layout, progress, text};
use crate::roster::{Entry, Roster};
use crate::threads::ThreadTable;

fn nanos(seconds: u64) -> Nanos {
    Nanos(seconds * 1_000_000_000)
}

/// A roster of its own for each test; tables hand out slots for good.
fn roster() -> &'static Roster {
    Box::leak(Box::new(Roster::empty()))
}

fn entry(name: &str) -> Entry<'_> {
    Entry {
        name,
        phase: "flush",
        file: "src/main.rs",
        line: 41,
        started: nanos(100),
        budget: Duration::from_secs(3),
    }
}

fn render(roster: &'static Roster) -> String {
    let mut line = TextBuffer::<4096>::new();
    let (threads, now) = (ThreadTable::empty(), Nanos(109_500_000_000));
    let facts = Facts {
        cause: Some("SIGTERM from pid 1, uid 0"),
        begun: Some(nanos(100)),
        at: Some(nanos(110)),
        exit_status: Some(124),
        ..Facts::for_test(Kind::Deadline, roster, &threads, now)
    };
    text(&mut line, &facts, 8);
    line.as_str().to_owned()
}

fn render_progress(roster: &'static Roster, now: Nanos, at: Nanos) -> String {
    let mut line = TextBuffer::<2048>::new();
    progress(&mut line, roster, now, at, &Layout::ONE_LINE);
    line.as_str().to_owned()
}
