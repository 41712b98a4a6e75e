//! The threads that run tasks.
//!
//! A task has a thread for as long as it runs, and a thread that is stuck in a task
//! is left to it. A thread whose task has returned takes the next, so that ten
//! thousand short tasks do not cost ten thousand threads. One thread is started at
//! install; if the system refuses more, it runs the tasks one by one.
//!
//! Foreign calls (wakers, and drops of what skipped tasks would have used) run on the same
//! threads, but never on the last one while tasks wait.

use std::io;
use std::sync::Arc;

use super::coordinator::{Coordinator, State};
use super::execute::{Executor, Finished};
use super::guard::Guard;
use super::machine::Started;
use super::name_threads::{NAME_AFTER, THREAD_NAME};
use super::work::Work;
use crate::coordinator::machine::{RunId, TaskId};
use crate::current_task::{self, TaskOwner};
use crate::process::{self, ROSTER};
use crate::report::Outcome;
use crate::sys;
use crate::threads;
use deadstop_core::Nanos;
use deadstop_core::roster::Entry;
use deadstop_core::sys::SignalMask;

impl State {
    /// Takes a piece of work for thread `tid`, whose last task was of `last_run`.
    fn take_work(&mut self, now: Nanos, tid: i32, last_run: Option<RunId>) -> Option<Work> {
        if let Some(start) = self.machine.start_next(now) {
            start.shared.set_thread(tid);
            self.naming_due = self.naming_due.min(now.saturating_add(NAME_AFTER));
            if let Some(published) = &mut self.published {
                published.start(start.task);
            }
            let cause = match last_run == Some(start.run) {
                true => None,
                false => self.machine.cause_of(start.run).cloned(),
            };
            return Some(Work::Task(Started { start, cause }));
        }
        match self.may_take_call() {
            true => self.calls.take().map(Work::Call),
            false => None,
        }
    }
}

impl Coordinator {
    /// Starts up to `most` threads, for as long as work waits for one. Returns
    /// `false` if the system refuses one.
    pub(super) fn start_task_threads(self: &Arc<Self>, most: usize) -> bool {
        for _ in 0..most {
            if !self.lock().state.is_short() {
                break;
            }
            if self.start_task_thread().is_err() {
                self.lock().state.threads_refused = true;
                return false;
            }
        }
        true
    }

    pub(super) fn start_task_thread(self: &Arc<Self>) -> io::Result<()> {
        // Counted before it runs: no second thread is started because this one has
        // not run yet.
        self.lock().state.threads.add_idle();
        let coordinator = Arc::clone(self);
        let mask = SignalMask::block_all();
        let thread = threads::spawn_std(THREAD_NAME, Box::new(move || coordinator.work()));
        mask.restore();
        if thread.is_err() {
            self.lock().state.threads.remove_idle();
        }
        thread
    }

    /// Runs a task thread, which is counted as idle at first.
    fn work(self: &Arc<Self>) {
        self.mask.restore();
        if self.settings.is_attached {
            ROSTER.running.touch();
        }
        let tid = deadstop_core::tid();
        let mut executor = Executor::new(self.deadline_handle());
        let mut now = deadstop_core::now();
        let mut guard = self.lock();
        loop {
            let Some(work) = guard.state.take_work(now, tid, executor.last_run()) else {
                match self.idle(guard, now, &mut executor) {
                    Some(locked) => guard = locked,
                    None => return,
                }
                now = deadstop_core::now();
                continue;
            };
            guard.state.threads.remove_idle();
            if let Work::Task(started) = &work {
                self.list(started, tid);
            }
            guard.carry_out_and_wake(now);
            guard.release();
            (guard, now) = match work {
                Work::Task(started) => self.run_task(&mut executor, started),
                Work::Call(call) => {
                    call.run();
                    let mut guard = self.lock();
                    guard.state.calls.note_returned();
                    (guard, deadstop_core::now())
                }
            };
            guard.state.threads.add_idle();
        }
    }

    /// Does what a task thread without work does: ends the shutdown, takes its own name back,
    /// or waits. Returns `None` if the thread must end.
    fn idle<'a>(
        &'a self,
        mut guard: Guard<'a>,
        now: Nanos,
        executor: &mut Executor,
    ) -> Option<Guard<'a>> {
        if let Some(report) = guard.carry_out_and_take_end(now) {
            guard.state.threads.remove_idle();
            guard.release();
            self.end(report);
            guard = self.lock();
            guard.state.threads.add_idle();
            return Some(guard);
        }
        if guard.state.threads.must_end() {
            guard.state.threads.remove_idle();
            return None;
        }
        if std::mem::take(&mut executor.is_thread_named) {
            guard.release();
            sys::thread::set_name(THREAD_NAME);
            return Some(self.lock());
        }
        guard.state.threads.begin_waiting();
        guard = guard.wait_for_work();
        guard.state.threads.end_waiting();
        Some(guard)
    }

    /// Lists a task in the roster that thread `tid` runs next. The caller holds the lock:
    /// a task is not abandoned before it is listed.
    fn list(&self, started: &Started, tid: i32) {
        if self.settings.is_attached {
            let start = &started.start;
            let entry = Entry {
                name: start.shared.name(),
                phase: self.plan.phases()[start.phase].name.as_str(),
                file: start.site.file(),
                line: start.site.line(),
                started: start.started,
                budget: start.ends.since(start.started),
            };
            start.shared.list(&entry, tid);
        }
    }

    /// Runs a task, and tells the machine that it has ended. Returns the time after it.
    fn run_task<'a>(
        self: &'a Arc<Self>,
        executor: &mut Executor,
        started: Started,
    ) -> (Guard<'a>, Nanos) {
        let task = started.start.task;
        let finished = self.execute(executor, started);
        let now = finished.at;
        let mut guard = self.lock();
        guard.state.machine.task_ended(task, finished.outcome, now);
        let Some(payload) = finished.panic_payload else {
            return (guard, now);
        };
        guard.carry_out_and_wake(now);
        guard.release();
        // Dropping what a panic carried is foreign code too, and may never return.
        drop(payload);
        let now = deadstop_core::now();
        (self.lock(), now)
    }

    fn execute(self: &Arc<Self>, executor: &mut Executor, started: Started) -> Finished {
        let task = started.start.task.number();
        let finished = current_task::enter(self, task, || executor.run(started));
        if !self.is_here_still() {
            // The task called `fork`, and this is the child. It must not run the
            // tasks that are its parent's to run.
            let status = i32::from(finished.outcome.is_failure());
            deadstop_core::sys::terminate(status);
        }
        finished
    }
}

impl TaskOwner for Coordinator {
    fn give_up(&self, id: u128, outcome: Outcome) {
        if self.is_here() {
            let task = TaskId::from_number(id);
            self.change(|machine, now| machine.task_ended(task, outcome, now));
            process::wake_for_trigger();
        }
    }
}
