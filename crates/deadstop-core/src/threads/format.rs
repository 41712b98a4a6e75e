//! Text about a thread, for the hang report.
//!
//! # Grammar
//!
//! Outside of quotes, a comma and a space separate the fields. Text from outside the
//! library is in quotes, so that no name can be taken for a field.
//!
//! ```text
//! thread     = tid " " quoted " " state " " where ", " activity [", " seconds " s of CPU" [", " number " % busy"]]
//! state      = one ASCII letter, or "?"
//! where      = "running" | identifier | "-"        the kernel's function; "running" where state is R
//! activity   = "runs" | "waits (lock, channel, condition or join)" | "sleeps" | "polls"
//!            | "waits for a child process" | "waits for a signal"
//!            | "reads" [" from " descriptor]
//!            | "writes" [" to " descriptor]
//!            | call
//!            | "in uninterruptible sleep" [", " call]
//!            | "stopped" | "ended" | "not known"
//! call       = ("in " identifier | "in system call " number) [" on " descriptor] [" of " quoted]
//! descriptor = "descriptor " number [" (" kind [" " quoted] ")"]
//! kind       = "pipe" | "socket" | "file" | "directory" | "terminal"
//!            | "device" | "disk" | "object" | "closed"
//! quoted     = '"' { character | '\"' | '\\' | '\n' | '\r' | '\t' | '\u{' hex '}' } '"'
//! seconds    = number "." digit
//! identifier = letters, digits, "_", "." and "$", not beginning with a digit
//! number, tid = digits
//! ```
//!
//! [`TextSlice::quoted`] writes `quoted`: it escapes control characters, `"` and `\`, and
//! keeps parentheses and commas. Only `in uninterruptible sleep` may be followed by a
//! second field of the same thing, `call`, which begins with `in `.
//!
//! The processor time is rounded to the nearest tenth. If it is not known, the line ends
//! before it.

use super::activity::{Activity, Descriptor, SystemCall};
use super::thread::Thread;
use crate::buffer::TextSlice;

/// Adds `thread`, from its id to how busy it is.
pub fn thread(line: &mut TextSlice, thread: &Thread) {
    line.int(thread.tid)
        .text(" ")
        .quoted(thread.name.as_str())
        .text(" ")
        .text(state(thread.state).encode_utf8(&mut [0; 4]))
        .text(" ")
        .text(wait_channel(thread))
        .text(", ");
    activity(line, &thread.activity);
    if let Some(cpu) = thread.cpu {
        line.text(", ").seconds(cpu).text(" of CPU");
        if let Some(busy) = thread.busy {
            line.text(", ").number(u64::from(busy)).text(" % busy");
        }
    }
}

/// Adds the activity of a thread.
pub fn activity(line: &mut TextSlice, activity: &Activity) {
    match activity {
        Activity::Runs => line.text("runs"),
        Activity::WaitsForLock => line.text("waits (lock, channel, condition or join)"),
        Activity::Reads(from) => on(line.text("reads"), " from ", from),
        Activity::Writes(to) => on(line.text("writes"), " to ", to),
        Activity::Sleeps => line.text("sleeps"),
        Activity::WaitsForChild => line.text("waits for a child process"),
        Activity::WaitsForSignal => line.text("waits for a signal"),
        Activity::Polls => line.text("polls"),
        Activity::Calls {
            call,
            descriptor,
            path,
        } => {
            self::call(line, call, descriptor);
            match path.as_str() {
                "" => line,
                path => line.text(" of ").quoted(path),
            }
        }
        Activity::Uninterruptible { call, descriptor } => {
            line.text("in uninterruptible sleep");
            match call {
                Some(call) => self::call(line.text(", "), call, descriptor),
                None => line,
            }
        }
        Activity::Stopped => line.text("stopped"),
        Activity::Ended => line.text("ended"),
        Activity::Unknown => line.text("not known"),
    };
}

fn call<'a>(
    line: &'a mut TextSlice,
    call: &SystemCall,
    descriptor: &Option<Descriptor>,
) -> &'a mut TextSlice {
    let line = match call.name {
        "" => line
            .text("in system call ")
            .number(u64::try_from(call.number).unwrap_or(0)),
        name => line.text("in ").text(name),
    };
    on(line, " on ", descriptor)
}

fn on<'a>(
    line: &'a mut TextSlice,
    how: &str,
    descriptor: &Option<Descriptor>,
) -> &'a mut TextSlice {
    let Some(descriptor) = descriptor else {
        return line;
    };
    line.text(how).text("descriptor ").int(descriptor.number);
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

fn wait_channel(thread: &Thread) -> &str {
    match thread.wait_channel.as_str() {
        _ if thread.state == b'R' => "running",
        "" => "-",
        wait_channel => wait_channel,
    }
}
