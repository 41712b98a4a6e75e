//! The side of the thread that asks.

use std::ffi::{CStr, OsStr, c_int};
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::file;
use super::handler::{ANSWERED, answer, ask};
use super::names::{PROGRAM, REPLACED};
use super::request::Seen;
use crate::kill_path::{self, Captured, Mask, Nanos, SignalSet, Stack};
use crate::sys::stacks::loader::Loader;
use crate::sys::stacks::proc_status::status;
use crate::sys::stacks::signal::Signal;
use crate::sys::stacks::unwind;

/// How long a thread has for its answer. One that runs, or wakes up for it,
/// takes some 20 µs; one that has to wait for a processor, a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(20);

/// Everything that a capture needs.
pub(super) struct Ready {
    pub(super) signal: Signal,
    loader: Loader,
    /// A child of `fork` has none of these threads.
    pub(super) home: c_int,
    /// The program's own file, which the loader has no name for.
    program: Box<str>,
}

impl Ready {
    /// The error is why there can be no captures.
    pub(super) fn prepare() -> Result<Self, &'static str> {
        let loader = Loader::find().ok_or("this glibc has no _dl_find_object")?;
        let program = fs::read_link(PROGRAM).unwrap_or_default();
        let program = last_part(program.as_os_str().as_bytes());
        if !unwinds_without_a_lock(loader) {
            return Err("the unwinder takes the loader's lock");
        }
        let ready = Self {
            signal: Signal::take(answer).ok_or("no real-time signal is free")?,
            loader,
            home: kill_path::pid(),
            program: program.strip_suffix(REPLACED).unwrap_or(program).into(),
        };
        // The first capture binds symbols and fills tables, under locks.
        let mut stack = Stack::empty();
        let until = kill_path::now().saturating_add(PATIENCE);
        match ready.capture(kill_path::tid(), &mut stack, until) {
            Captured::Yes if stack.frames().count() > 1 => Ok(ready),
            _ => Err("a stack was asked for and could not be had"),
        }
    }

    /// What [`Stacks::capture`](super::Stacks::capture) does.
    pub(super) fn capture(&self, tid: c_int, stack: &mut Stack, until: Nanos) -> Captured {
        if kill_path::pid() != self.home {
            return Captured::NotAsked;
        }
        if !self.signal.is_ours() {
            return Captured::SignalTaken;
        }
        if tid == kill_path::tid() {
            // It may block every signal, like the threads of this library.
            let mask = Mask::current();
            Mask::hear(SignalSet::EMPTY.with(self.signal.number()));
            let captured = self.request(tid, stack, until);
            mask.restore();
            return captured;
        }
        match status(tid) {
            Some(status) if status.has_ended => Captured::Gone,
            Some(status) if status.blocks(self.signal.number()) => Captured::Blocked,
            _ => self.request(tid, stack, until),
        }
    }

    pub(super) fn request(&self, tid: c_int, stack: &mut Stack, until: Nanos) -> Captured {
        let until = until.min(kill_path::now().saturating_add(PATIENCE));
        let Some(request) = ask(tid) else {
            return Captured::NoAnswer;
        };
        let sent = self.signal.send(tid);
        while sent.is_ok() {
            let seen = ANSWERED.read();
            if request.is_done(tid) || until <= kill_path::now() {
                break;
            }
            ANSWERED.wait_past(seen, Some(until));
        }
        if !request.is_done(tid) && !request.give_up(tid) {
            return match sent.map_err(|error| error.raw_os_error()) {
                Err(Some(libc::ESRCH)) => Captured::Gone,
                _ => Captured::NoAnswer,
            };
        }
        let (frames, more) = request.answer();
        for frame in frames {
            self.push(frame, stack);
        }
        stack.left_out = stack.left_out.saturating_add(more);
        request.free_again();
        // None at all: the thread had no room to look.
        match stack.frames().next() {
            Some(_) => Captured::Yes,
            None => Captured::NoAnswer,
        }
    }

    fn push(&self, seen: Seen, stack: &mut Stack) {
        let address = seen.address as usize;
        let Some(frame) = stack.push(address) else {
            return;
        };
        frame.is_call = seen.is_call;
        // A call may be a function's last instruction, and of a file's.
        let code = address.wrapping_sub(usize::from(seen.is_call));
        self.loader.module(code, |path, moved| {
            frame.offset = address.wrapping_sub(moved) as u64;
            frame.module.text(match path.to_bytes() {
                [] => &self.program,
                path => last_part(path),
            });
        });
    }
}

/// The last part of a path, as far as it is text.
fn last_part(path: &[u8]) -> &str {
    let last = path.rsplit(|byte| *byte == b'/').next().unwrap_or(path);
    match std::str::from_utf8(last) {
        Ok(last) => last,
        Err(error) => std::str::from_utf8(&last[..error.valid_up_to()]).unwrap_or(""),
    }
}

/// Whether the unwinder asks the loader by `_dl_find_object`. One that was built
/// for an older glibc asks by `dl_iterate_phdr`, under its lock, also where the
/// newer function is there.
fn unwinds_without_a_lock(loader: Loader) -> bool {
    let path = loader.module(unwind::address(), |path, _| path_of(path));
    path.is_some_and(|path| file::imports(&path, b"_dl_find_object"))
}

fn path_of(path: &CStr) -> PathBuf {
    match path.to_bytes() {
        [] => PROGRAM.into(),
        path => Path::new(OsStr::from_bytes(path)).into(),
    }
}
