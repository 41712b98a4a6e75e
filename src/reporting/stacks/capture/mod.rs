//! Stacks by a signal to the thread, which copies its stack in the handler.

mod copy;
mod files;
mod memory_limit;
mod names;
mod symbolizer;
#[cfg(test)]
mod tests;
mod unwind;
#[cfg(test)]
mod victims_tests;

use std::ffi::c_int;
use std::sync::Arc;
use std::time::Duration;

use self::copy::Requester;
use self::files::Modules;
use self::symbolizer::Symbolizer;
use self::unwind::{SharedUnwinder, Unwinder};
use crate::reporting::stacks::LookUp;
use deadstop_core::Nanos;
use deadstop_core::stack::{Captured, Stack};

/// The reporter's longest wait for the symbolizer to read newly loaded libraries. It takes less
/// than a millisecond, or forever if the allocator is dead.
const REFRESH_PATIENCE: Duration = Duration::from_millis(50);

pub(crate) use self::symbolizer::SymbolizerStart;

/// The state that `install` has prepared for capturing stacks.
pub(crate) struct Stacks {
    requester: Result<Requester, &'static str>,
    symbolizer: Option<Symbolizer>,
}

impl Stacks {
    /// Handles `SIGURG`, reads where code is mapped, and opens the files: later they may
    /// not be there, or may not be opened. They are read when there is a report.
    ///
    /// Where stacks cannot be captured, it says why instead, and every stack is
    /// `Unavailable`.
    pub(crate) fn prepare() -> Self {
        let mut modules = Modules::default();
        modules.read();
        let unwinder = Unwinder::new(&modules);
        let unwinder = Arc::new(SharedUnwinder::new(unwinder));
        let requester = Requester::prepare(Arc::clone(&unwinder));
        let symbolizer = match &requester {
            Ok(_) => Some(Symbolizer::prepare(modules, unwinder)),
            Err(_) => None,
        };
        Self {
            requester,
            symbolizer,
        }
    }

    /// Returns the starter of `deadstop-symbols`, for a thread that may allocate.
    pub(crate) fn starting(&self) -> Option<SymbolizerStart> {
        Some(self.symbolizer.as_ref()?.starting())
    }

    /// Returns why no stack can be captured; `None` if they can.
    pub(crate) fn why_not(&self) -> Option<&'static str> {
        self.requester.as_ref().err().copied()
    }

    /// Has the symbolizer look for libraries that were loaded since, and waits for
    /// that, for 50 ms at most and never past `until`. Allocates nothing and waits
    /// for no lock.
    pub(crate) fn refresh(&self, until: Nanos) {
        if let Some(symbolizer) = &self.symbolizer {
            let patience = deadstop_core::now().saturating_add(REFRESH_PATIENCE);
            symbolizer.refresh(|| until.min(patience));
        }
    }

    /// Has the thread `tid` copy its stack, and writes the frames into `stack`:
    /// addresses, and the modules they are in. Waits for 20 ms at most, and never
    /// past `until`.
    ///
    /// Allocates nothing and waits for no lock. The kernel restarts the thread's
    /// system call, except for the few that cannot be restarted (`poll`,
    /// `nanosleep`): these return `EINTR`.
    pub(crate) fn capture(&self, tid: c_int, stack: &mut Stack, until: Nanos) {
        stack.clear(tid);
        stack.captured = match &self.requester {
            Ok(requester) => requester.capture(tid, stack, until),
            Err(_) => Captured::Unavailable,
        };
    }

    /// Has the symbolizer find the names of functions or the places in the source, as
    /// many as it can before `until`, which is asked again whenever the deadline
    /// changes.
    ///
    /// Allocates nothing and waits for no lock. The first look-up in a file takes
    /// some 4 ms for every 10 MB, or 30 ms in a debug build.
    pub(crate) fn look_up(&self, stack: &mut Stack, what: LookUp, until: impl Fn() -> Nanos) {
        if let Some(symbolizer) = &self.symbolizer {
            symbolizer.look_up(stack, what, until);
        }
    }
}
