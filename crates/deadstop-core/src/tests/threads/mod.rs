//! The thread table: what `/proc` says, in format, and of real threads.

mod descriptors;
mod format;
mod order;
mod other_ends;
mod parse;
mod waits;

use std::time::Duration;

use crate::Nanos;
use crate::buffer::TextBuffer;
use crate::sys::ThreadSource;
use crate::threads::ThreadTable;

/// Time enough for any table.
fn in_a_while() -> Nanos {
    crate::now().saturating_add(Duration::from_secs(10))
}

fn collect(proc: &ThreadSource, tasks: &[i32]) -> Box<ThreadTable> {
    let mut table = Box::new(ThreadTable::empty());
    table.collect(proc, tasks.iter().copied(), in_a_while());
    table
}

/// Returns the report's text about thread `tid`.
fn said(table: &ThreadTable, tid: i32) -> String {
    let mut line = TextBuffer::<512>::new();
    match table.find(tid) {
        Some(thread) => crate::threads::format::thread(&mut line, thread),
        None => return "not listed".to_owned(),
    }
    line.as_str().to_owned()
}
