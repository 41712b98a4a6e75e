//! The lock of the coordinator, and the calls that change the machine under it.
//!
//! A caller that changes the machine calls [`Guard::carry_out_and_wake`] before it releases
//! the lock. That carries the actions out, and decides whether a task thread must wake for
//! work, and `deadstop-run` because it would sleep too long. The guard wakes them once the
//! lock is free. So no wake-up is lost.

use std::mem;
use std::sync::Arc;
use std::time::Duration;

use super::coordinator::{Coordinator, State};
use super::machine::Machine;
use crate::cause::Cause;
use crate::coordinator::machine::{NewTask, Refusal, TaskId};
use crate::coordinator::task_context::Body;
use crate::coordinator::task_shared::TaskShared;
use crate::lock::MutexGuard;
use crate::process::{self, FIRST, RUN_WAKEUPS, TRIGGERED, WATCH};
use crate::report::ShutdownReport;
use crate::reporting::Event;
use deadstop_core::Nanos;
use deadstop_core::sys::SignalMask;

/// The time for which a thread that waits for the end looks for it before it sleeps: twice the
/// time of a wake-up.
const BRIEFLY: Duration = Duration::from_micros(100);

/// The longest time for which a thread that exits waits for the lock. Threads that start have it
/// for a moment.
const PATIENCE: Duration = Duration::from_millis(100);

/// The lock, held.
pub(in crate::coordinator) struct Guard<'a> {
    coordinator: &'a Coordinator,
    pub(super) state: MutexGuard<'a, State>,
    /// Set if the caller wakes `deadstop-run` itself, a little later.
    leaves_run_thread_asleep: bool,
    /// Dropped after the lock: a thread that was woken under it would have to wait for it.
    to_wake: ToWake<'a>,
}

/// The threads to wake.
struct ToWake<'a> {
    coordinator: &'a Coordinator,
    task_thread: bool,
    run_thread: bool,
}

impl ToWake<'_> {
    #[inline(never)] // Twenty callers.
    fn wake(&mut self) {
        if mem::take(&mut self.task_thread) {
            self.coordinator.work.notify_one();
        }
        if mem::take(&mut self.run_thread) {
            RUN_WAKEUPS.advance();
        }
    }
}

impl Drop for ToWake<'_> {
    fn drop(&mut self) {
        if self.task_thread || self.run_thread {
            self.wake();
        }
    }
}

impl Guard<'_> {
    /// Returns the time; zero before the shutdown has begun, when nothing depends on it.
    fn now_if_begun(&self) -> Nanos {
        match self.state.machine.is_active() {
            true => deadstop_core::now(),
            false => Nanos(0),
        }
    }

    fn begin_triggered(&mut self) {
        let Some(cause) = FIRST.cause() else { return };
        let now = deadstop_core::now();
        let begun = WATCH.deadline().begun().unwrap_or(now);
        self.begin(cause, begun, FIRST.first_phase(), now);
        self.carry_out_and_wake(now);
    }

    fn begin(&mut self, cause: Cause, begun: Nanos, first: usize, now: Nanos) {
        let coordinator = self.coordinator;
        coordinator.reporting.consume(Event::ShutdownBegan {
            cause: cause.clone(),
            grace: coordinator.settings.grace,
        });
        let state = &mut *self.state;
        state.machine.set_deadline(coordinator.deadline(), now);
        state.machine.begin(cause, begun, first, now);
        state
            .wakers
            .take_requested(&state.machine, &mut state.calls);
        // `wake_threads` then wakes `deadstop-run`.
        state.sleeps_until = Nanos::LAST;
    }

    /// Carries out what the machine has decided, and wakes the threads that have
    /// something to do.
    pub(super) fn carry_out_and_wake(&mut self, now: Nanos) {
        self.carry_out_actions();
        self.wake_threads(now);
    }

    /// Does the same on a task thread that has no other work. Returns the report if
    /// the shutdown has ended: the caller ends it, and no other thread has to wake for
    /// that.
    pub(super) fn carry_out_and_take_end(&mut self, now: Nanos) -> Option<Arc<ShutdownReport>> {
        self.carry_out_actions();
        let ended = self.state.ended.take();
        self.wake_threads(now);
        ended
    }

    /// Releases the lock, and wakes threads.
    #[inline(never)] // Twenty callers.
    pub(in crate::coordinator) fn release(self) {}

    /// Waits for work, without the lock.
    pub(super) fn wait_for_work(mut self) -> Self {
        self.to_wake.wake();
        self.state = self.coordinator.work.wait(self.state);
        self
    }

    fn carry_out_actions(&mut self) {
        let state = &mut *self.state;
        if !state.machine.has_actions() {
            return;
        }
        let mut actions = mem::take(&mut state.actions);
        actions = state.machine.take_actions(actions);
        for action in actions.drain(..) {
            self.coordinator.carry_out(state, action);
        }
        state.actions = actions;
    }

    fn wake_threads(&mut self, now: Nanos) {
        let state = &mut *self.state;
        if state.work() > 0 && state.threads.wakes_one() {
            self.to_wake.task_thread = true;
        }
        if let Some(wants) = state.wants_run_thread_earlier(now) {
            state.sleeps_until = wants;
            self.to_wake.run_thread |= !self.leaves_run_thread_asleep;
        }
    }
}

impl Coordinator {
    /// Takes the lock, and lets the machine know of a trigger and of the deadline.
    /// Only where [`is_here`](Self::is_here).
    #[inline(never)] // Twenty callers.
    pub(in crate::coordinator) fn lock(&self) -> Guard<'_> {
        self.guard(self.state.lock(), false)
    }

    /// Does the same, and returns `None` if another thread has the lock.
    pub(super) fn try_lock(&self) -> Option<Guard<'_>> {
        let state = self.state.try_lock()?;
        Some(self.guard(state, false))
    }

    fn guard<'a>(
        &'a self,
        state: MutexGuard<'a, State>,
        leaves_run_thread_asleep: bool,
    ) -> Guard<'a> {
        let mut guard = Guard {
            coordinator: self,
            state,
            leaves_run_thread_asleep,
            to_wake: ToWake {
                coordinator: self,
                task_thread: false,
                run_thread: false,
            },
        };
        if self.settings.is_attached && FIRST.is_some() && !guard.state.machine.has_begun() {
            guard.begin_triggered();
        }
        guard
    }

    /// Calls `change` with the machine, and carries out what it decides.
    pub(in crate::coordinator) fn change<R>(
        &self,
        change: impl FnOnce(&mut Machine, Nanos) -> R,
    ) -> R {
        let mut guard = self.lock();
        let now = deadstop_core::now();
        let result = change(&mut guard.state.machine, now);
        guard.carry_out_and_wake(now);
        result
    }

    /// Registers a task, or gives back what it would have run.
    pub(in crate::coordinator) fn register(
        &self,
        new: NewTask,
        shared: Arc<TaskShared>,
        body: Body,
    ) -> Result<TaskId, (Refusal, Body)> {
        let mut guard = self.lock();
        let now = guard.now_if_begun();
        let registered = guard.state.machine.register(new, shared, body, now);
        guard.carry_out_and_wake(now);
        registered
    }

    /// Cancels a task; returns what it would have run if this call cancelled it.
    #[inline] // It has one caller.
    pub(in crate::coordinator) fn cancel(&self, task: TaskId) -> Option<Body> {
        let mut guard = self.lock();
        let now = guard.now_if_begun();
        let cancelled = guard.state.machine.cancel(task, now);
        guard.carry_out_and_wake(now);
        cancelled
    }

    /// Removes a task that has nothing left to do, unless it is requested. Returns its closure.
    #[cfg(feature = "tokio")]
    pub(in crate::coordinator) fn remove_before_request(&self, task: TaskId) -> Option<Body> {
        self.change(|machine, now| machine.remove_before_request(task, now))
    }

    /// Makes the shutdown hold its tasks until [`release_tasks`](Self::release_tasks), or
    /// for a short time.
    pub(crate) fn hold_tasks(&self) {
        self.change(|machine, _| machine.hold());
    }

    /// Lets the tasks of a shutdown that holds them start.
    pub(crate) fn release_tasks(&self) {
        self.change(|machine, now| machine.release(now));
    }

    /// Begins a shutdown that was triggered, on the calling thread.
    pub(crate) fn begin_now(&self) {
        drop(self.lock());
        // The lock has woken `deadstop-run`.
        TRIGGERED.advance();
    }

    /// Does the same for a caller that waits for the end next. Where the tasks return at
    /// once, it is over when this returns: `deadstop-run` did not have to wake to watch over
    /// them, and the caller did not sleep.
    pub(crate) fn begin_and_wait_briefly(self: &Arc<Self>) {
        // A handler that interrupts this and never returns would leave tasks that
        // `deadstop-run` does not know of.
        let mask = SignalMask::block_all();
        let mut guard = self.guard(self.state.lock(), true);
        let ended = guard.state.ended.take();
        guard.release();
        // The end wakes the threads that wait for the request, if it comes first.
        if ended.is_none() && !self.completion.is_complete_within(BRIEFLY) {
            process::wake_for_trigger();
        }
        mask.restore();
        if let Some(report) = ended {
            self.end(report);
        }
    }

    /// Begins the shutdown of a detached coordinator. Returns whether this was the
    /// first request.
    pub(crate) fn begin_detached(&self, cause: Cause, first: usize) -> bool {
        if self.settings.is_attached || !self.is_here() {
            return false;
        }
        let now = deadstop_core::now();
        let mut guard = self.lock();
        if guard.state.machine.has_begun() {
            return false;
        }
        let deadline = now.saturating_add(self.settings.grace);
        // Not `LAST`, which is for none.
        let deadline = deadline.min(Nanos(Nanos::LAST.0 - 1));
        self.deadline_handle().set_own(deadline);
        guard.begin(cause, now, first, now);
        guard.carry_out_and_wake(now);
        guard.release();
        process::wake_for_trigger();
        true
    }

    /// Returns the number of registered tasks if no shutdown was requested. Returns `None` once
    /// one has begun. Also returns `None` if other threads keep the lock: the caller exits, and
    /// must not wait for them.
    pub(crate) fn never_requested(&self) -> Option<usize> {
        if self.is_requested() || !self.is_here() {
            return None;
        }
        let state = self.state.try_lock_within(PATIENCE)?;
        Some(state.machine.pending_count())
    }

    /// Ends the threads of a coordinator that has no more use.
    pub(crate) fn retire(&self) {
        self.lock().state.threads.retire();
        self.work.notify_all();
        RUN_WAKEUPS.advance();
    }
}
