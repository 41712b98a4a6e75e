//! The thread census: what `/proc` says, in words, and of real threads.

mod alone;
mod descriptors;
mod order;
mod said;
mod texts;
mod waits;

use std::time::Duration;

use crate::kill_path::{self, Census, Line, Nanos, Proc, words};

/// Time enough for any census.
fn in_a_while() -> Nanos {
    kill_path::now().saturating_add(Duration::from_secs(10))
}

fn take(proc: &Proc, tasks: &[i32]) -> Box<Census> {
    let mut census = Box::new(Census::empty());
    census.take(proc, tasks.iter().copied(), in_a_while());
    census
}

/// What the report would say of thread `tid`.
fn said(census: &Census, tid: i32) -> String {
    let mut line = Line::<512>::new();
    match census.of(tid) {
        Some(thread) => words::thread(&mut line, thread),
        None => return "not listed".to_owned(),
    }
    line.as_str().to_owned()
}
