//! The words that a report has for states, for people and for tools alike.

use crate::buffer::TextBuffer;
use crate::roster::{TaskKind, TaskStatus};
use crate::stack::{Captured, Source};
use crate::threads::{Hold, Thread};

/// The state of a task.
pub(crate) const fn state(is: TaskStatus) -> &'static str {
    match is {
        TaskStatus::Abandoned => "abandoned",
        TaskStatus::Done => "done",
        TaskStatus::Failed => "failed",
        TaskStatus::Late => "late",
        TaskStatus::Running => "running",
    }
}

/// The kind of work that a task stands for.
pub(crate) const fn kind(kind: TaskKind) -> &'static str {
    match kind {
        TaskKind::Task => "task",
        TaskKind::Child => "child",
        TaskKind::Gate => "gate",
        TaskKind::Pool => "pool",
        TaskKind::Resource => "resource",
        TaskKind::Thread => "thread",
    }
}

/// The way in which a thread holds up another.
pub(crate) const fn hold(hold: Hold) -> &'static str {
    match hold {
        Hold::OtherEnd => "other_end",
        Hold::Joined => "thread_end",
        Hold::Owns => "lock_owner",
        Hold::Refers => "lock_on_stack",
    }
}

/// The origin of a frame's source; empty if it is not known.
pub(crate) const fn source(source: Source) -> &'static str {
    match source {
        Source::Application => "application",
        Source::Dependency => "dependency",
        Source::Std => "std",
        Source::Unknown => "",
    }
}

/// The reason why there is no stack; empty if there is one.
pub(crate) const fn no_stack(captured: Captured) -> &'static str {
    match captured {
        Captured::Yes | Captured::NotAsked => "",
        Captured::Blocked => "the thread blocks the signal",
        Captured::Gone => "the thread is gone",
        Captured::NoAnswer => "the thread did not answer",
        Captured::SignalTaken => "another handler replaced ours for this signal",
        Captured::Unavailable => {
            "this process cannot capture stacks; the log of its start says why"
        }
    }
}

/// The activity of a thread.
pub(crate) fn doing(thread: &Thread) -> TextBuffer<256> {
    let mut line = TextBuffer::new();
    crate::threads::format::activity(&mut line, &thread.activity);
    line
}
