//! A thread in words, as the hang report has it.
//!
//! # Grammar
//!
//! A parser can read it back without knowing the words: outside of quotes, a
//! comma and a space part the fields, and what came from outside the library is
//! in quotes.
//!
//! ```text
//! thread     = tid " " quoted " " state " " where ", " doing [", " seconds " s of CPU" [", " number " % busy"]]
//! state      = one ASCII letter, or "?"
//! where      = "running" | identifier | "-"        the kernel's function; "running" where state is R
//! doing      = "runs" | "waits for a lock" | "sleeps" | "polls"
//!            | "waits for a child process" | "waits for a signal"
//!            | "reads" [" from " descriptor]
//!            | "writes" [" to " descriptor]
//!            | call
//!            | "in uninterruptible sleep" [", " call]
//!            | "stopped" | "ended" | "not known"
//! call       = ("in " identifier | "in system call " number) [" on " descriptor]
//! descriptor = "descriptor " number [" (" kind [" " quoted] ")"]
//! kind       = "pipe" | "socket" | "file" | "directory" | "terminal"
//!            | "device" | "disk" | "object" | "closed"
//! quoted     = '"' { character | '\"' | '\\' | '\n' | '\r' | '\t' | '\u{' hex '}' } '"'
//! seconds    = number "." digit
//! identifier = letters, digits, "_", "." and "$", not beginning with a digit
//! number, tid = digits
//! ```
//!
//! `quoted` is [`Line::quoted`]'s: no control character, `"` or `\` stands for
//! itself in it; parentheses and commas do. `in uninterruptible sleep` is the
//! one field that may be followed by a second of its own; that one begins with
//! `in `, which no other field does.
//!
//! The time is to the nearest tenth. It is left out if it is not known, and
//! with it how busy the thread was.

use ::core::convert::{From, TryFrom};
use ::core::ffi::c_int;
use ::core::option::Option::{self, Some};

use super::super::line::Line;
use super::{Call, Descriptor, Doing, Thread};

/// Adds `thread`, from its id to how busy it is.
pub(crate) fn thread<const N: usize>(line: &mut Line<N>, thread: &Thread) {
    line.number(positive(thread.tid))
        .text(" ")
        .quoted(thread.name.as_str())
        .text(" ")
        .text(state(thread.state).encode_utf8(&mut [0; 4]))
        .text(" ")
        .text(place(thread))
        .text(", ");
    doing(line, &thread.doing);
    if let Some(cpu) = thread.cpu {
        line.text(", ").seconds(cpu).text(" of CPU");
        if let Some(busy) = thread.busy {
            line.text(", ").number(u64::from(busy)).text(" % busy");
        }
    }
}

/// Adds what a thread is doing.
pub(crate) fn doing<const N: usize>(line: &mut Line<N>, doing: &Doing) {
    match doing {
        Doing::Runs => line.text("runs"),
        Doing::WaitsForLock => line.text("waits for a lock"),
        Doing::Reads(from) => on(line.text("reads"), " from ", from),
        Doing::Writes(to) => on(line.text("writes"), " to ", to),
        Doing::Sleeps => line.text("sleeps"),
        Doing::WaitsForChild => line.text("waits for a child process"),
        Doing::WaitsForSignal => line.text("waits for a signal"),
        Doing::Polls => line.text("polls"),
        Doing::Calls { call, descriptor } => self::call(line, call, descriptor),
        Doing::Uninterruptible { call, descriptor } => {
            line.text("in uninterruptible sleep");
            match call {
                Some(call) => self::call(line.text(", "), call, descriptor),
                Option::None => line,
            }
        }
        Doing::Stopped => line.text("stopped"),
        Doing::Ended => line.text("ended"),
        Doing::Unknown => line.text("not known"),
    };
}

fn call<'a, const N: usize>(
    line: &'a mut Line<N>,
    call: &Call,
    descriptor: &Option<Descriptor>,
) -> &'a mut Line<N> {
    let line = match call.name {
        "" => line
            .text("in system call ")
            .number(u64::try_from(call.number).unwrap_or(0)),
        name => line.text("in ").text(name),
    };
    on(line, " on ", descriptor)
}

fn on<'a, const N: usize>(
    line: &'a mut Line<N>,
    how: &str,
    descriptor: &Option<Descriptor>,
) -> &'a mut Line<N> {
    let Some(descriptor) = descriptor else {
        return line;
    };
    line.text(how)
        .text("descriptor ")
        .number(positive(descriptor.number));
    match (descriptor.kind.word(), descriptor.detail.as_str()) {
        ("", _) => line,
        (kind, "") => line.text(" (").text(kind).text(")"),
        (kind, detail) => line
            .text(" (")
            .text(kind)
            .text(" ")
            .quoted(detail)
            .text(")"),
    }
}

fn state(state: u8) -> char {
    match state {
        b'A'..=b'Z' | b'a'..=b'z' => char::from(state),
        _ => '?',
    }
}

fn place(thread: &Thread) -> &str {
    match thread.place.as_str() {
        _ if thread.state == b'R' => "running",
        "" => "-",
        place => place,
    }
}

/// Ids and descriptors are never negative.
fn positive(number: c_int) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
