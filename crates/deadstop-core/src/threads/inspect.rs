//! Inspects one thread through its files in `/proc`.

use core::ffi::c_int;

use super::activity::Activity;
use super::describe::describe;
use super::parse::{Arguments, Syscall};
use super::thread::Thread;
use super::{infer, parse, sanitize};
use crate::buffer::TextBuffer;
use crate::sizes::DETAIL_LEN;
use crate::sys::{RevealingCall, ThreadFile, ThreadReader, read_memory, revealing_call};

/// More than is read of any file: the state is within the first 64 bytes of
/// `stat`.
const FILE: usize = 256;

/// The longest path that is read: a page, or less where the next is not there.
const PATH: usize = 1024;

/// The result of reading a thread's name.
pub(crate) enum Presence {
    Yes,
    Gone,
    /// The kernel refused; its `errno`.
    Refused(c_int),
    NotAsked,
}

/// Reads the name of `thread`.
pub(crate) fn name(thread: &mut Thread, folder: &ThreadReader<'_>) -> Presence {
    match folder.read(thread.tid, ThreadFile::Name, &mut [0; FILE]) {
        Ok(comm) => {
            sanitize::lossy(&mut thread.name, parse::name(comm));
            Presence::Yes
        }
        Err(libc::ENOENT | libc::ESRCH) => Presence::Gone,
        Err(proc_error) => Presence::Refused(proc_error),
    }
}

/// Reads the activity of `thread`.
pub(crate) fn rest(thread: &mut Thread, folder: &ThreadReader<'_>) {
    let mut buffer = [0; FILE];
    if let Ok(stat) = folder.read(thread.tid, ThreadFile::Stat, &mut buffer) {
        thread.state = parse::state(stat);
    }
    // Only a waiting thread has a wait channel and a system call.
    let syscall = match thread.state {
        b'R' | b'T' | b't' | b'Z' | b'X' => None,
        _ => wait(thread, folder),
    };
    thread.activity = infer::activity(thread.state, thread.wait_channel.as_str(), syscall.as_ref());
    if let Some(descriptor) = thread.activity.descriptor_mut() {
        describe(descriptor, thread.tid, folder);
    }
    if let (Activity::Calls { path, .. }, Some(call)) = (&mut thread.activity, &thread.call) {
        opened_path(path, call);
    }
}

/// The path that a system call opens: opening a FIFO waits for its other end, and the
/// call has no descriptor yet.
fn opened_path(path: &mut TextBuffer<DETAIL_LEN>, call: &Arguments) {
    let [first, second, ..] = call.arguments;
    let address = match revealing_call(call.number) {
        Some(RevealingCall::Openat) => second,
        Some(RevealingCall::Open) => first,
        _ => return,
    };
    let mut buffer = [0; PATH];
    let len = read_memory(usize::try_from(address).unwrap_or(0), &mut buffer);
    let bytes = buffer.get(..len).unwrap_or(&[]);
    // A path that does not end here is longer, or other memory.
    if let Some(end) = bytes.iter().position(|byte| *byte == 0) {
        sanitize::path(path, bytes.get(..end).unwrap_or(&[]));
    }
}

fn wait(thread: &mut Thread, folder: &ThreadReader<'_>) -> Option<Syscall> {
    let mut buffer = [0; FILE];
    if let Ok(wchan) = folder.read(thread.tid, ThreadFile::WaitChannel, &mut buffer) {
        thread.wait_channel.text(parse::wait_channel(wchan));
    }
    // Last, since it can take a while: it waits for an `exec` that is under way, and
    // for a thread that is about to sleep.
    let text = folder
        .read(thread.tid, ThreadFile::Syscall, &mut buffer)
        .ok();
    let syscall = text.and_then(parse::syscall);
    thread.call = text.and_then(parse::arguments);
    if let Some(Syscall::Running) = syscall {
        // It has gone on meanwhile.
        thread.state = b'R';
        thread.wait_channel.clear();
    }
    syscall
}
