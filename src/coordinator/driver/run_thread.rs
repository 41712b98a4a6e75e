//! The thread `deadstop-run`: tells the machine the time and the deadline, and does what
//! [`Situation::duty`] says is next.

use std::sync::Arc;
use std::time::Duration;

use super::coordinator::{Coordinator, State};
use super::end;
use super::guard::Guard;
use super::name_threads::THREAD_NAME;
use super::publish_pending::PublishedPending;
use super::run_duty::{Due, Duty, Situation};
use crate::error::InstallError;
use crate::process::{ROSTER, RUN_WAKEUPS};
use crate::reporting::SymbolizerStart;
use crate::threads;
use deadstop_core::Nanos;

/// The time after which `deadstop-run` tries again to take the lock.
const RETRY_DELAY: Duration = Duration::from_micros(50);

/// The number of times that it tries before it waits for the lock.
const TRIES: u32 = 8;

fn run(coordinator: &Arc<Coordinator>) {
    if coordinator.settings.is_attached {
        ROSTER.set_coordinator(deadstop_core::tid());
    }
    loop {
        // Before the look: what changes after it cuts the sleep short.
        let seen = RUN_WAKEUPS.read();
        let mut guard = coordinator.lock_between_tasks(seen);
        let situation = coordinator.look(&mut guard);
        match situation.duty() {
            Duty::NotifyTriggers => {
                guard.state.has_notified_triggers = true;
                guard.release();
                crate::trigger::note_shutdown_begun();
            }
            Duty::End => {
                let report = guard.state.ended.take();
                guard.release();
                if let Some(report) = report {
                    coordinator.end(report);
                }
            }
            Duty::Exit => {
                guard.state.exit = false;
                guard.release();
                if let Some(end) = coordinator.completion.get() {
                    end::exit_with(coordinator.settings.clean_exit, &end);
                }
            }
            Duty::WarnNoWaiter => {
                guard.state.warn_no_waiter = false;
                guard.release();
                coordinator.warn_no_waiter();
            }
            Duty::Return => return,
            Duty::NameThreads => {
                let threads = guard.state.unnamed_threads(situation.now);
                guard.release();
                coordinator.name_threads(&threads);
            }
            Duty::StartLog => {
                guard.release();
                coordinator.reporting.start_log();
            }
            Duty::StartSymbolizer => {
                guard.release();
                if let Some(start) = coordinator.symbolizer() {
                    coordinator.reporting.start_symbolizer(start);
                }
            }
            Duty::ScaleThreads => coordinator.scale_threads(guard, &situation, seen),
        }
    }
}

impl Coordinator {
    /// Starts a task thread, which is there if the system refuses more, and
    /// `deadstop-run`.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), InstallError> {
        self.start_task_thread()
            .map_err(|source| InstallError::Thread {
                name: THREAD_NAME,
                source,
            })?;
        let coordinator = Arc::clone(self);
        threads::spawn_deep("deadstop-run", move || run(&coordinator))
            .inspect_err(|_| self.retire())
    }

    /// Takes the lock, and lets a thread that runs short tasks keep it for some microseconds.
    /// That thread takes the lock twice for each task. If this one waited for the lock, every
    /// release would be a system call that wakes it, mostly to find the lock taken again. An
    /// event past `seen` ends the delay.
    fn lock_between_tasks(&self, seen: u32) -> Guard<'_> {
        for _ in 0..TRIES {
            if let Some(guard) = self.try_lock() {
                return guard;
            }
            let until = deadstop_core::now().saturating_add(RETRY_DELAY);
            RUN_WAKEUPS.wait_past(seen, Some(until));
        }
        self.lock()
    }

    /// Tells the machine the time and the deadline, and returns what `deadstop-run` then finds.
    fn look(&self, guard: &mut Guard<'_>) -> Situation {
        let now = deadstop_core::now();
        // `wake_threads` must not wake this thread, which is awake.
        guard.state.sleeps_until = Nanos(0);
        if guard.state.machine.has_begun() {
            guard.state.machine.set_deadline(self.deadline(), now);
        }
        guard.state.machine.advance(now);
        guard.carry_out_and_wake(now);
        let state = &*guard.state;
        let symbolizer = self
            .symbolizer()
            .and_then(|start| start.due(state.machine.half_time()));
        Situation {
            now,
            must_notify_triggers: self.settings.is_attached
                && state.machine.has_begun()
                && !state.has_notified_triggers,
            has_ended: state.ended.is_some(),
            must_exit: state.exit,
            must_warn_no_waiter: state.warn_no_waiter,
            is_retired: state.threads.is_retired(),
            due: Due {
                naming: state.naming_due,
                log: self.reporting.log_start_due(),
                symbolizer: symbolizer.unwrap_or(Nanos::LAST),
                machine: state.machine.next_wakeup().unwrap_or(Nanos::LAST),
            },
        }
    }

    /// Starts task threads if they are short; else sleeps until something is due, or until
    /// `RUN_WAKEUPS` has advanced past `seen`.
    fn scale_threads(self: &Arc<Self>, mut guard: Guard<'_>, situation: &Situation, seen: u32) {
        let now = situation.now;
        let state = &mut *guard.state;
        let is_short = state.is_short();
        let (settled, phases_begun) = state.machine.progress();
        let progress = settled + state.calls.returned();
        let decision = state.scaling.sample(phases_begun, progress, now, is_short);
        if decision.is_slow {
            self.publish_pending(state);
        }
        if decision.more > 0 {
            guard.release();
            if !self.start_task_threads(decision.more) {
                self.lock().state.scaling.mark_refused();
            }
            return;
        }
        let wants = state.wants_run_thread(now);
        let until = situation.sleeps_until(wants, state.scaling.due());
        state.sleeps_until = until;
        guard.release();
        RUN_WAKEUPS.wait_past(seen, Some(until));
    }

    /// Publishes the tasks that have not started, once in a phase.
    fn publish_pending(&self, state: &mut State) {
        if state.published.is_none() && state.machine.is_active() {
            state.published = Some(match self.settings.is_attached {
                true => PublishedPending::publish(&state.machine, &self.plan),
                false => PublishedPending::nothing(),
            });
        }
    }

    fn symbolizer(&self) -> Option<&SymbolizerStart> {
        self.reporting.reporter.as_ref()?.symbolizer()
    }
}
