//! Waits for the end of the shutdown, and ends the process after it.

use super::completion::ShutdownResult;
use super::coordinator::Coordinator;
use super::milestone::Milestone;
use crate::coordinator::machine::{CleanExit, TaskId};
use crate::current_task;
use crate::error::WaitError;
use crate::process::{self, WATCH};
use crate::sys::exit;
use crate::trigger::panic;
use deadstop_core::Nanos;

/// Counts as a waiter for the end until it is dropped.
pub(crate) struct WaiterGuard<'a>(&'a Coordinator);

impl Drop for WaiterGuard<'_> {
    fn drop(&mut self) {
        self.0.remove_waiter();
    }
}

impl Coordinator {
    /// Counts in a waiter.
    pub(crate) fn waiter(&self) -> WaiterGuard<'_> {
        self.add_waiter();
        WaiterGuard(self)
    }

    pub(in crate::coordinator) fn add_waiter(&self) {
        // The end waits for panic hooks: the caller's own would wait for itself.
        panic::count_out_own();
        self.change(|machine, _| machine.add_waiter());
    }

    /// Counts a waiter out, unless this is the main thread and the shutdown is over:
    /// then it goes on to end the process.
    pub(in crate::coordinator) fn remove_waiter(&self) {
        if !self.is_here() {
            return;
        }
        let is_main = deadstop_core::tid() == deadstop_core::pid();
        if is_main && self.completion.get().is_some() {
            return;
        }
        self.change(|machine, now| machine.remove_waiter(now));
    }

    /// Waits for the end, counted as a waiter.
    ///
    /// # Errors
    ///
    /// Fails in a child of `fork`, and in a task of the shutdown.
    pub(crate) fn wait_for_end(&self) -> Result<ShutdownResult, WaitError> {
        self.may_wait()?;
        self.check_handlers(Milestone::Ended);
        let _waiter = self.waiter();
        loop {
            if let Some(end) = self.completion.wait_until(None) {
                return Ok(end);
            }
        }
    }

    pub(in crate::coordinator) fn wait_for_end_until(
        &self,
        until: Nanos,
    ) -> Result<Option<ShutdownResult>, WaitError> {
        self.may_wait()?;
        self.check_handlers(Milestone::Ended);
        let _waiter = self.waiter();
        Ok(self.completion.wait_until(Some(until)))
    }

    /// Returns an error where waiting for the end would never end.
    pub(crate) fn may_wait(&self) -> Result<(), WaitError> {
        if !self.is_here() {
            process::warn_if_forked();
            return Err(WaitError::Forked);
        }
        match self.task_on_this_thread() {
            Some(_) => Err(WaitError::FromTask),
            None => Ok(()),
        }
    }

    /// Returns the task of this coordinator that the calling thread runs.
    pub(in crate::coordinator) fn task_on_this_thread(&self) -> Option<TaskId> {
        current_task::task_of(self).map(TaskId::from_number)
    }
}

/// Ends the process after a shutdown that ended as `end` says.
///
/// `atexit` handlers run, and may hang: the watchdog is armed.
pub(crate) fn exit_with(clean_exit: CleanExit, end: &ShutdownResult) -> ! {
    let signal = end.report.cause().signal();
    // Neither a signal nor `_exit` runs the exit handler that does it otherwise.
    process::kill_cgroups_and_remove_files();
    WATCH.terminal().restore();
    if matches!(clean_exit, CleanExit::Reraise | CleanExit::Immediate) {
        // The program's exit handlers do not run, and nothing else ends the children.
        WATCH.run_exit_actions();
    }
    match (clean_exit, signal.filter(|_| end.report.is_clean())) {
        (CleanExit::Reraise, Some(signal)) => deadstop_core::sys::end_by_signal(signal.number()),
        (CleanExit::Immediate, _) => deadstop_core::sys::terminate(end.status().into()),
        // Exit handlers are the program's.
        _ => crate::threads::with_program_mask(|| exit::exit(end.status())),
    }
}
