//! Stacks, by a signal to the thread and an unwinder in its handler.

mod file;
mod handler;
mod names;
mod ready;
mod request;
#[cfg(test)]
mod tests;
mod words;

use std::ffi::c_int;
use std::panic::{self, AssertUnwindSafe};

use self::names::Names;
use self::ready::Ready;
use crate::kill_path::{Nanos, Stack};

/// What `install` has made ready to capture stacks with.
pub(crate) struct Stacks {
    ready: Result<Ready, &'static str>,
    names: Names,
}

impl Stacks {
    /// Takes a real-time signal that nobody handles, and captures one stack of
    /// the calling thread, so that all it takes is in memory and in place.
    ///
    /// Where stacks cannot be had, it says why instead, and every stack is
    /// `NotAsked`.
    pub(crate) fn prepare() -> Self {
        Self {
            ready: Ready::prepare(),
            names: Names::none(),
        }
    }

    /// Why no stack can be had here, if it is so.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        self.ready.as_ref().err().copied()
    }

    /// Has the thread `tid` write its stack into `stack`: addresses, and where
    /// that is in which file. Waits for 20 ms at most, and never past `until`.
    ///
    /// Allocates nothing and takes no lock. The thread's system call is taken
    /// up again, or if it is of the few that cannot be (`poll`, `nanosleep`)
    /// returns `EINTR`.
    pub(crate) fn capture(&self, tid: c_int, stack: &mut Stack, until: Nanos) {
        stack.clear(tid);
        if let Ok(ready) = &self.ready {
            stack.captured = ready.capture(tid, stack, until);
        }
    }

    /// Finds the names of functions and places in the source.
    ///
    /// It allocates and locks, and for every 10 MB of each file that it meets
    /// for the first time takes some 4 ms, or 30 in a debug build. Its thread
    /// needs a stack like any other's, not one of the smallest.
    pub(crate) fn look_up(&self, stack: &mut Stack) {
        // What is read is whatever files there are, by code that is not ours.
        let _ = panic::catch_unwind(AssertUnwindSafe(|| self.names.look_up(stack)));
    }
}
