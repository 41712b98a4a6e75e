//! The words that a report has for states, for people and for tools alike.

use ::core::convert::TryFrom;
use ::core::ffi::c_int;

use super::super::census::Thread;
use super::super::line::Line;
use super::super::roster::Is;
use super::super::stack::Captured;

/// How it stands with a task.
pub(super) const fn state(is: Is) -> &'static str {
    match is {
        Is::Abandoned => "abandoned",
        Is::Done => "done",
        Is::Failed => "failed",
        Is::Late => "late",
        Is::Running => "running",
    }
}

/// Why there is no stack; empty if there is one.
pub(super) const fn no_stack(captured: Captured) -> &'static str {
    match captured {
        Captured::Yes | Captured::NotAsked => "",
        Captured::Blocked => "the thread blocks the signal",
        Captured::Gone => "the thread is gone",
        Captured::NoAnswer => "the thread did not answer",
        Captured::SignalTaken => "the signal is somebody else's",
    }
}

/// What a thread is doing.
pub(super) fn doing(thread: &Thread) -> Line<256> {
    let mut line = Line::new();
    super::super::census::words::doing(&mut line, &thread.doing);
    line
}

/// An id, which is never negative.
pub(super) fn number(id: c_int) -> u64 {
    u64::try_from(id).unwrap_or(0)
}
