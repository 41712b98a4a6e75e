//! Work for task threads and for `deadstop-run`.

use super::coordinator::State;
use super::foreign_calls::ForeignCall;
use super::machine::Started;
use crate::coordinator::machine::STARTUP_DELAY;
use deadstop_core::Nanos;

/// A piece of work for a task thread.
pub(super) enum Work {
    Task(Started),
    Call(ForeignCall),
}

impl State {
    /// Returns the amount of work that a thread could take.
    pub(super) fn work(&self) -> usize {
        let calls = usize::from(!self.calls.is_empty() && self.may_take_call());
        self.machine.startable() + calls
    }

    /// Returns `true` if an idle thread may take a foreign call, which may hang: not the last
    /// thread while tasks wait.
    pub(super) fn may_take_call(&self) -> bool {
        self.threads.idle() > 1 || !self.machine.has_waiting_tasks()
    }

    /// Returns `true` if work waits for a thread, or the next piece of work would.
    pub(super) fn is_short(&self) -> bool {
        let work = self.machine.startable() + usize::from(!self.calls.is_empty());
        (self.machine.is_active() || work > 0) && self.threads.idle() <= work
    }

    /// Returns the latest time at which `deadstop-run` must look again.
    pub(super) fn wants_run_thread(&self, now: Nanos) -> Nanos {
        let due = self.run_thread_due();
        match self.wants_look_soon() {
            true => due.min(soon(now)),
            false => due,
        }
    }

    /// Returns the latest time at which `deadstop-run` must look again, if it would sleep for
    /// longer: the caller then wakes it.
    pub(super) fn wants_run_thread_earlier(&self, now: Nanos) -> Option<Nanos> {
        let due = self.run_thread_due();
        // For each task: what follows is of interest only if it can change the answer.
        if self.sleeps_until <= due.min(soon(now)) {
            return None;
        }
        let wants = self.wants_run_thread(now);
        (wants < self.sleeps_until).then_some(wants)
    }

    /// Returns the time at which `deadstop-run` has something to do.
    fn run_thread_due(&self) -> Nanos {
        if self.ended.is_some() || self.exit || self.warn_no_waiter {
            return Nanos(0);
        }
        let machine = self.machine.next_wakeup().unwrap_or(Nanos::LAST);
        machine.min(self.naming_due)
    }

    /// Returns `true` if there may soon be threads to start, or tasks to publish.
    fn wants_look_soon(&self) -> bool {
        let needs_threads = self.is_short() && self.scaling.has_steps();
        let needs_names =
            self.machine.phase().is_some() && self.machine.is_active() && self.published.is_none();
        needs_threads || needs_names
    }
}

/// Returns the time of the next look.
fn soon(now: Nanos) -> Nanos {
    Nanos(now.0.max(1)).saturating_add(STARTUP_DELAY)
}
