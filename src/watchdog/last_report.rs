//! The report with which level 1 ends a process: a vanished process should not be
//! silent. First what its threads do, and then one line.
//!
//! A thread of its own writes it shortly before the deadline, since a write can
//! block, and the watchdog must not. It neither allocates nor locks.
//!
//! # Orderings
//!
//! `STATUS` is set before the watchdog can be armed, which the thread waits for by
//! the deadline's count of changes.

use std::sync::atomic::{AtomicU8, Ordering};
use std::time::Duration;

use crate::error::InstallError;
use crate::install::Installation;
use crate::pieces::first_piece;
use crate::process::WATCH;
use crate::sys::standard_error;
use crate::threads;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::render::{self, Process};
use deadstop_core::sys::ThreadSource;
use deadstop_core::threads::ThreadTable;

/// The time before the exit at which the threads are inspected, and at which the line is written:
/// a busy machine may start the thread late. A shorter grace has a quarter and an eighth of
/// itself.
const THREADS_BEFORE_EXIT: Duration = Duration::from_millis(300);
const LINE_BEFORE_EXIT: Duration = Duration::from_millis(100);

/// The stack: the table of threads has some 75 KiB, and more in a debug build.
const STACK: usize = 512 * 1024;

/// `deadstop-watch` and `deadstop-report`, which the report does not list.
const OWN_THREADS: u32 = 2;

/// Bytes of the report.
const TEXT: usize = 16 * 1024;

/// The status that the line names; 0 if no line is wanted.
static STATUS: AtomicU8 = AtomicU8::new(0);

/// Starts `deadstop-report`, if the line is wanted. An `install` that failed later
/// may have left the thread.
pub(super) fn start(
    installation: &mut Installation,
    wanted: bool,
    status: u8,
) -> Result<(), InstallError> {
    STATUS.store(if wanted { status } else { 0 }, Ordering::Release);
    if wanted {
        installation.once_for_last_report(|| threads::spawn_of("deadstop-report", STACK, run))?;
    }
    Ok(())
}

fn run() {
    deadstop_core::sys::request_real_time();
    wait_until_before(THREADS_BEFORE_EXIT, 4);
    write_threads();
    let grace = wait_until_before(LINE_BEFORE_EXIT, 8);
    let mut line = TextBuffer::<128>::new();
    line.text("deadstop: deadline reached ")
        .seconds(grace)
        .text(" after ")
        .text(trigger().unwrap_or("arm()"))
        .text("; exit status ")
        .number(STATUS.load(Ordering::Acquire).into())
        .text("\n");
    standard_error::write_line(line.as_bytes());
}

/// Returns the name of the signal that armed the watchdog, if one did.
fn trigger() -> Option<&'static str> {
    #[cfg(feature = "signals")]
    {
        let signal = crate::process::FIRST.signaled()?.signal()?;
        Some(signal.name().unwrap_or("a signal"))
    }
    #[cfg(not(feature = "signals"))]
    None
}

/// Waits until `before` the exit, or a part of the grace if that is less, and returns
/// the grace.
fn wait_until_before(before: Duration, part: u32) -> Duration {
    let deadline = WATCH.deadline();
    loop {
        let seen = deadline.change_count();
        let is_wanted = STATUS.load(Ordering::Acquire) != 0;
        let Some(exit) = deadline.exit_at().filter(|_| is_wanted) else {
            deadline.wait_for_change(seen, None);
            continue;
        };
        let grace = deadline.grace().unwrap_or_default();
        let due = exit.saturating_sub(before.min(grace / part));
        let now = deadstop_core::now();
        if due <= now {
            return grace;
        }
        let next = deadstop_core::kill_path::next_wakeup(now, due);
        deadline.wait_for_change(seen, Some(next));
    }
}

/// Writes what the threads do, as far as standard error takes it at once.
fn write_threads() {
    let deadline = WATCH.deadline();
    let (Some(begun), Some(at)) = (deadline.begun(), deadline.exit_at()) else {
        return;
    };
    let mut threads = ThreadTable::empty();
    // Half of the time, so that there is time to write.
    let now = deadstop_core::now();
    let until = now.saturating_add(at.since(now) / 2);
    threads.collect(&ThreadSource::open(), std::iter::empty(), until);
    let main = threads.find(deadstop_core::pid());
    let process = Process {
        name: main.map_or("", |main| main.name.as_str()),
        pid: deadstop_core::pid(),
        cause: trigger().unwrap_or("the watchdog was armed"),
        begun,
        now: deadstop_core::now(),
        at,
        exit_status: STATUS.load(Ordering::Acquire),
        threads: threads.total.saturating_sub(OWN_THREADS),
        proc_error: threads.proc_error,
        stacks: &[],
        note: "",
    };
    let mut text = TextBuffer::<TEXT>::new();
    let no_children = std::iter::empty();
    render::process(&mut text, &process, threads.iter(), |_| None, no_children);
    let mut rest = text.as_bytes();
    while !rest.is_empty() {
        let (piece, others) = rest.split_at(first_piece(rest));
        if !standard_error::write_line(piece) {
            return;
        }
        rest = others;
    }
}
