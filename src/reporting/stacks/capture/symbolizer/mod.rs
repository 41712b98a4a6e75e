//! `deadstop-symbols`, the thread that finds the names of functions and the files
//! that code is mapped from.
//!
//! It allocates, locks and reads files, so it may hang for good: the allocator is
//! dead, or a library's file is on a disk that is. The reporter waits for it no
//! longer than there is time. While it hangs, stacks have addresses and no names,
//! and nothing else is lost.
//!
//! A large program's debug information takes seconds to read in a debug build. So
//! the thread reads it when a shutdown begins to take long, or a phase or a task has used half of
//! its time, before the report. A report that is requested meanwhile waits for its names as
//! long as it has time. The thread is started then, or for the first report that is requested:
//! nothing needs it before. `deadstop-run` starts it, since that allocates.

mod job;
mod preload;
mod shared;
mod start;
#[cfg(test)]
mod tests;
mod thread;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use self::job::Job;
use self::shared::Shared;
use super::files::Modules;
use super::unwind::SharedUnwinder;
use crate::process::{RUN_WAKEUPS, WATCH};
use crate::reporting::stacks::LookUp;
use deadstop_core::Nanos;
use deadstop_core::stack::Stack;

pub(crate) use self::start::SymbolizerStart;

/// The thread, for the reporter. Dropped only by an `install` that failed later,
/// and by tests.
pub(super) struct Symbolizer {
    shared: Arc<Shared>,
    /// Set if a look-up has waited for the thread to start: no other one does.
    has_waited_for_start: AtomicBool,
}

impl Symbolizer {
    pub(super) fn prepare(modules: Modules, unwinder: Arc<SharedUnwinder>) -> Self {
        Self {
            shared: Arc::new(Shared::new(modules, unwinder)),
            has_waited_for_start: AtomicBool::new(false),
        }
    }

    pub(super) fn starting(&self) -> SymbolizerStart {
        SymbolizerStart::new(Arc::clone(&self.shared))
    }

    /// Has the modules read again, and waits for that up to `until`: for the thread to
    /// start as well, if it has not.
    #[cold]
    pub(super) fn refresh(&self, until: impl Fn() -> Nanos) {
        let shared = &*self.shared;
        self.wait_for_start(&until);
        if shared.is_running() && shared.is_idle() {
            shared.give(Job::Refresh);
            self.wait(|| shared.is_idle(), until);
        }
    }

    /// Has the thread started, and waits for that up to `until`.
    #[cold]
    fn wait_for_start(&self, until: impl Fn() -> Nanos) {
        let shared = &*self.shared;
        if !shared.is_start_over() {
            shared.is_requested.store(true, Ordering::Release);
            RUN_WAKEUPS.advance();
            self.wait(|| shared.is_start_over(), until);
        }
    }

    /// Has the names or lines of `stack` filled in, as many as are found before `until`,
    /// which is asked again whenever the deadline changes. Allocates nothing and
    /// waits for no lock.
    #[cold]
    pub(super) fn look_up(&self, stack: &mut Stack, what: LookUp, until: impl Fn() -> Nanos) {
        let shared = &*self.shared;
        // `refresh` does not wait long. `deadstop-run` may hang: then only one look-up waits.
        if !shared.is_running() && !self.has_waited_for_start.swap(true, Ordering::Relaxed) {
            self.wait_for_start(&until);
        }
        // If the thread has an earlier look-up, it hangs in that. If it has a refresh, it reads
        // names ahead and gets to the refresh when it has read a file. Each look-up begins
        // with a refresh, so this one replaces it.
        let is_free = matches!(shared.job(), None | Some(Job::Refresh));
        if !shared.is_running() || !is_free {
            return;
        }
        match shared.try_slot() {
            Some(mut slot) => slot.clone_from(stack),
            None => return,
        }
        shared.give(Job::LookUp(what));
        self.wait(|| shared.is_idle(), until);
        if let Some(slot) = shared.try_slot() {
            stack.clone_from(&slot);
        }
    }

    fn wait(&self, is_over: impl Fn() -> bool, until: impl Fn() -> Nanos) {
        let deadline = WATCH.deadline();
        loop {
            let seen = deadline.change_count();
            let until = until();
            if is_over() || until <= deadstop_core::now() {
                return;
            }
            deadline.wait_for_change(seen, Some(until));
        }
    }
}

impl Drop for Symbolizer {
    fn drop(&mut self) {
        self.shared.is_retired.store(true, Ordering::Release);
        WATCH.notify();
    }
}
