//! The warning that all tasks are done and nothing waits for the end.

use std::fs;

use super::coordinator::Coordinator;
use crate::reporting::Event;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::threads::{Activity, format, infer, parse};

/// Room for what `main` does, in bytes.
const MAIN_LEN: usize = 128;

impl Coordinator {
    /// Says what is missing when nothing waits for the end.
    pub(super) fn warn_no_waiter(&self) {
        self.reporting.consume(Event::NoWaiter {
            left: self.deadline().since(deadstop_core::now()),
            main: main_thread(),
        });
    }
}

/// Returns the activity of the main thread, if the system gives it.
fn main_thread() -> Option<String> {
    let tid = deadstop_core::pid();
    let read = |file| fs::read(format!("/proc/self/task/{tid}/{file}")).unwrap_or_default();
    let (stat, wchan) = (read("stat"), read("wchan"));
    let syscall = parse::syscall(&read("syscall"));
    let wait_channel = parse::wait_channel(&wchan);
    let activity = infer::activity(parse::state(&stat), wait_channel, syscall.as_ref());
    if matches!(activity, Activity::Unknown) {
        return None;
    }
    let mut text = TextBuffer::<MAIN_LEN>::new();
    format::activity(&mut text, &activity);
    Some(text.as_str().to_owned())
}
