//! The stack of a thread that runs code which a runtime has generated (JIT).
//!
//! The signal that asks for it goes only to a thread that runs, in a process with such
//! code, and not to one that may be in a signal handler: its alternate stack may have no
//! room for a second one.

use core::ffi::{CStr, c_int};

use deadstop_core::buffer::TextBuffer;
use deadstop_core::stack::{Captured, MAX_FRAMES, Stack};
use deadstop_core::sys::thread_status;
use deadstop_core::threads::sanitize;
use deadstop_core::{Nanos, pid};

use crate::host;
use crate::mapping::{self, Mapping};
use crate::perf_map::{self, Function};
use crate::settings::SETTINGS;
use crate::sys::descriptor::{self, Refused};
use crate::sys::{interrupted, lines};

/// Bytes of the line that says why there are no names.
pub(crate) const NOTE: usize = 256;

/// The frames that are generated code.
type Generated = [bool; MAX_FRAMES];

/// Writes the stack of thread `tid` to `stack` if it runs generated code, and to `note` why
/// that has no names.
pub(crate) fn capture(tid: c_int, until: Nanos, stack: &mut Stack, note: &mut TextBuffer<NOTE>) {
    stack.clear(tid);
    if !has_generated_code(until) || may_be_in_handler(tid) {
        return;
    }
    let mut is_call = false;
    let answered = interrupted::addresses(tid, until, |address| {
        if let Some(frame) = stack.push(address) {
            frame.is_call = is_call;
        }
        is_call = true;
    });
    let generated = locate(stack, until);
    if !answered || !generated.contains(&true) {
        stack.clear(tid);
        return;
    }
    stack.captured = Captured::Yes;
    let mut path = TextBuffer::<48>::new();
    perf_map::path(&mut path, pid());
    let named = name(stack, &generated, path.as_str(), until);
    if named != Ok(true) {
        explain(note, stack, &generated, path.as_str(), named);
    }
}

fn has_generated_code(until: Nanos) -> bool {
    let mut found = false;
    let _ = lines::each(mapping::LIST, until, |line| {
        found = Mapping::parse(line).is_some_and(|mapping| mapping.is_generated());
        !found
    });
    found
}

/// A handler runs with its signal blocked, unless it asked for the contrary.
fn may_be_in_handler(tid: c_int) -> bool {
    let Some(status) = thread_status(tid) else {
        return true;
    };
    let blocks = |signal| status.blocked.has(signal);
    status.has_ended || blocks(libc::SIGURG) || SETTINGS.signals().numbers().any(blocks)
}

/// Finds the mapping of each frame, and drops the frames from the first on that is in no
/// code: there the frame pointer was none.
fn locate(stack: &mut Stack, until: Nanos) -> Generated {
    let mut generated = [false; MAX_FRAMES];
    // The file of the last mapping, and where it begins.
    let (mut inode, mut start) = (0, 0);
    let _ = lines::each(mapping::LIST, until, |line| {
        let Some(mapping) = Mapping::parse(line) else {
            return true;
        };
        if mapping.offset == 0 || inode != mapping.inode {
            (inode, start) = (mapping.inode, mapping.start);
        }
        for (frame, generated) in stack.frames_mut().zip(&mut generated) {
            if mapping.is_code && mapping.has(frame.address) {
                let base = match mapping.inode != 0 && is_fixed(start) {
                    true => 0,
                    false => start,
                };
                sanitize::lossy(&mut frame.module, mapping.name());
                frame.offset = frame.address.saturating_sub(base) as u64;
                *generated = mapping.is_generated();
            }
        }
        true
    });
    let known = stack
        .frames()
        .take_while(|frame| !frame.module.as_str().is_empty());
    let known = known.count();
    stack.truncate(known);
    for generated in generated.iter_mut().skip(known) {
        *generated = false;
    }
    generated
}

/// Returns `true` if the program that is mapped at `start` has fixed addresses, from which its
/// symbols count: the third word of its header begins with `ET_EXEC`.
fn is_fixed(start: usize) -> bool {
    let Some(memory) = descriptor::open_memory() else {
        return false;
    };
    let words = descriptor::two_words(memory, start.saturating_add(16));
    descriptor::close(memory);
    words.is_some_and(|[word, _]| word & 0xffff == 2)
}

/// Names the frames of generated code. Returns whether one of them has a name now.
fn name(
    stack: &mut Stack,
    generated: &Generated,
    path: &str,
    until: Nanos,
) -> Result<bool, Refused> {
    let mut terminated = TextBuffer::<48>::new();
    terminated.text(path).text("\0");
    let path = CStr::from_bytes_with_nul(terminated.as_bytes()).unwrap_or(c"");
    let mut is_named = false;
    lines::each(path, until, |line| {
        let Some(function) = Function::parse(line) else {
            return true;
        };
        for (frame, _) in stack.frames_mut().zip(generated).filter(|(_, it)| **it) {
            if function.has(frame) {
                function.name(frame);
                is_named = true;
            }
        }
        true
    })?;
    Ok(is_named)
}

fn explain(
    note: &mut TextBuffer<NOTE>,
    stack: &Stack,
    generated: &Generated,
    path: &str,
    named: Result<bool, Refused>,
) {
    let first = stack.frames().zip(generated).find(|(_, it)| **it);
    let module = first.map_or("", |(frame, _)| frame.module.as_str());
    note.text("it runs generated code (JIT, in ")
        .word(module)
        .text("), whose functions have no names: ");
    match named {
        Ok(_) => note.text(path).text(" does not have them"),
        Err(Refused::Error(libc::ENOENT)) => note.text("there is no ").text(path),
        Err(Refused::Error(error)) => note.text(path).text(" cannot be read, error ").int(error),
        Err(Refused::NotRegular) => note.text(path).text(" is no regular file"),
        Err(Refused::NotOwn) => note.text(path).text(" is of another user"),
    };
    note.text(match (host::is_jvm(), SETTINGS.dumps_jvm()) {
        (true, true) => "; the JVM's own stacks are on standard output",
        (true, false) => "; DEADSTOP_JVM_DUMP=1 prints the JVM's own stacks",
        (false, _) => "; node --perf-basic-prof and python3 -X perf write one",
    });
}
