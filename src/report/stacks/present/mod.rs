//! Stacks, by a signal to the thread and an unwinder in its handler.

mod file;
mod handler;
mod namer;
mod names;
mod ready;
mod request;
#[cfg(test)]
mod tests;
mod words;

use std::ffi::c_int;

use self::namer::Namer;
use self::ready::Ready;
use crate::error::InstallError;
use crate::kill_path::{Nanos, Stack};

/// What `install` has made ready to capture stacks with.
pub(crate) struct Stacks {
    ready: Result<Ready, &'static str>,
    namer: Option<Namer>,
}

impl Stacks {
    /// Takes a real-time signal that nobody handles, and captures one stack of
    /// the calling thread, so that all it takes is in memory and in place.
    /// Starts `deadstop-names`.
    ///
    /// Where stacks cannot be had, it says why instead, and every stack is
    /// `NotAsked`.
    pub(crate) fn prepare() -> Result<Self, InstallError> {
        let ready = Ready::prepare();
        let namer = ready.is_ok().then(Namer::start).transpose()?;
        Ok(Self { ready, namer })
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

    /// Has the names of functions and places in the source found, if that is
    /// done before `until`, which is asked again whenever the deadline changes.
    ///
    /// Allocates nothing and takes no lock, as another thread does it. For every
    /// 10 MB of each file that is met for the first time it takes some 4 ms, or
    /// 30 in a debug build.
    pub(crate) fn look_up(&self, stack: &mut Stack, until: impl Fn() -> Nanos) {
        if let Some(namer) = &self.namer {
            namer.look_up(stack, until);
        }
    }
}
