//! The thread `deadstop-run`: tells the machine the time and the deadline, starts
//! threads, and ends the shutdown.

use std::fs;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::coordinator::Coordinator;
use super::end;
use super::name_threads::{THREAD_NAME, Unnamed};
use super::publish_pending::PublishedPending;
use crate::coordinator::machine::STARTUP_DELAY;
use crate::error::InstallError;
use crate::process::RUN_WAKEUPS;
use crate::report::ShutdownReport;
use crate::reporting::{self, Event, SymbolizerStart};
use crate::threads;
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;
use deadstop_core::threads::{Activity, format, infer, parse};

/// The longest wait of the end for the reports of abandoned tasks.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// Room for what `main` does, in bytes.
const MAIN_LEN: usize = 128;

/// The thread's next action outside of the lock.
enum Step {
    NotifyTriggers,
    End(Arc<ShutdownReport>),
    Exit,
    WarnNoWaiter,
    StartThreads(usize),
    NameThreads(Vec<Unnamed>),
    StartLog,
    StartSymbolizer,
    Return,
    Wait { until: Nanos },
}

fn run(coordinator: &Arc<Coordinator>) {
    loop {
        // Before the look: what changes after it cuts the wait short.
        let seen = RUN_WAKEUPS.read();
        match coordinator.next_step() {
            Step::NotifyTriggers => crate::trigger::note_shutdown_begun(),
            Step::End(report) => coordinator.end(report),
            Step::Exit => {
                if let Some(end) = coordinator.completion.get() {
                    end::exit_with(coordinator.settings.clean_exit, &end);
                }
            }
            Step::WarnNoWaiter => coordinator.warn_no_waiter(),
            Step::StartThreads(most) => {
                if !coordinator.start_task_threads(most) {
                    coordinator.lock().state.scaling.mark_refused();
                }
            }
            Step::NameThreads(threads) => coordinator.name_threads(&threads),
            Step::StartLog => {
                coordinator.reporting.start_log();
            }
            Step::StartSymbolizer => {
                if let Some(start) = coordinator.symbolizer() {
                    coordinator.reporting.start_symbolizer(start);
                }
            }
            Step::Return => return,
            Step::Wait { until } => RUN_WAKEUPS.wait_past(seen, Some(until)),
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

    fn next_step(&self) -> Step {
        let mut guard = self.lock();
        let now = deadstop_core::now();
        // `settle` must not wake this thread, which is awake.
        guard.state.sleeps_until = Nanos(0);
        if guard.state.machine.has_begun() {
            guard.state.machine.set_deadline(self.deadline(), now);
        }
        guard.state.machine.advance(now);
        guard.settle(now, 0);
        let state = &mut *guard.state;
        let is_new =
            self.settings.is_attached && state.machine.has_begun() && !state.has_notified_triggers;
        if is_new {
            state.has_notified_triggers = true;
            return Step::NotifyTriggers;
        }
        if let Some(report) = state.ended.take() {
            return Step::End(report);
        }
        if std::mem::take(&mut state.exit) {
            return Step::Exit;
        }
        if std::mem::take(&mut state.warn_no_waiter) {
            return Step::WarnNoWaiter;
        }
        if state.threads.is_retired() {
            return Step::Return;
        }
        if state.naming_due <= now {
            let threads = state.unnamed_threads(now);
            if !threads.is_empty() {
                return Step::NameThreads(threads);
            }
        }
        let log_due = self.reporting.log_start_due();
        if log_due <= now {
            return Step::StartLog;
        }
        let symbolizer_due = self.symbolizer().and_then(SymbolizerStart::due);
        if symbolizer_due.is_some_and(|due| due <= now) {
            return Step::StartSymbolizer;
        }
        let is_short = state.is_short();
        let (settled, phases_begun) = state.machine.progress();
        let progress = settled + state.calls.returned();
        let decision = state.scaling.sample(phases_begun, progress, now, is_short);
        if decision.is_slow && state.published.is_none() && state.machine.is_active() {
            state.published = Some(match self.settings.is_attached {
                true => PublishedPending::publish(&state.machine, &self.plan),
                false => PublishedPending::nothing(),
            });
        }
        if decision.more > 0 {
            return Step::StartThreads(decision.more);
        }
        let mut until = state.wants_run_thread(now);
        if state.scaling.due() > now && until > now {
            // The scaling knows when the next sample is due.
            let soon = until < now.saturating_add(2 * STARTUP_DELAY);
            if soon && state.machine.next_wakeup().is_none_or(|at| at > until) {
                until = state.scaling.due();
            }
        }
        until = until
            .min(log_due)
            .min(symbolizer_due.unwrap_or(Nanos::LAST));
        state.sleeps_until = until;
        Step::Wait { until }
    }

    fn symbolizer(&self) -> Option<&SymbolizerStart> {
        self.reporting.reporter.as_ref()?.symbolizer()
    }

    /// Reports the end, and announces it.
    pub(super) fn end(&self, mut report: Arc<ShutdownReport>) {
        let threads_refused = self.lock().state.threads_refused;
        #[cfg(feature = "fault")]
        let missed = (self.settings.missed_faults)();
        #[cfg(not(feature = "fault"))]
        let missed: Vec<String> = Vec::new();
        if threads_refused || !missed.is_empty() {
            let report = Arc::make_mut(&mut report);
            report.threads_refused = threads_refused;
            #[cfg(feature = "fault")]
            {
                report.missed_faults = missed;
            }
        }
        if self.settings.is_attached {
            reporting::wait_for_abandoned(REPORT_PATIENCE);
        }
        self.report_end(&report);
        if self.deadline() <= deadstop_core::now() {
            // The deadline ends the process, with its status: what comes from here
            // now would be late, and say something else.
            self.stay_until_deadline();
        }
        self.announce(report);
        if !self.settings.is_attached {
            self.retire();
        }
    }

    fn stay_until_deadline(&self) {
        if !self.settings.is_attached {
            return;
        }
        loop {
            thread::park();
        }
    }

    /// Has the summary written, and waits for that for a short time.
    fn report_end(&self, report: &Arc<ShutdownReport>) {
        #[cfg(feature = "fault")]
        for fault in report.missed_faults() {
            let fault = fault.clone();
            self.reporting.consume(Event::FaultMissed { fault });
        }
        let (had_tasks, is_waited_for) = {
            let guard = self.lock();
            let machine = &guard.state.machine;
            (machine.had_tasks(), machine.is_waited_for())
        };
        if !had_tasks && !is_waited_for {
            // There were no tasks. What the program itself still does goes on,
            // and so do the progress lines.
            return;
        }
        self.reporting.summarize(report, self.deadline());
    }

    /// Says what is missing when nothing waits for the end.
    fn warn_no_waiter(&self) {
        self.reporting.consume(Event::NoWaiter {
            left: self.deadline().since(deadstop_core::now()),
            main: main_thread(),
        });
    }
}

/// Returns the activity of the main thread, if the system gives it.
fn main_thread() -> Option<String> {
    let tid = deadstop_core::pid();
    let read = |file| fs::read(format!("/proc/self/task/{tid}/{file}")).unwrap_or_default();
    let (stat, wchan) = (read("stat"), read("wchan"));
    let syscall = parse::syscall(&read("syscall"));
    let wait_channel = parse::wait_channel(&wchan);
    let activity = infer::activity(parse::state(&stat), wait_channel, syscall.as_ref());
    if matches!(activity, Activity::Unknown) {
        return None;
    }
    let mut text = TextBuffer::<MAIN_LEN>::new();
    format::activity(&mut text, &activity);
    Some(text.as_str().to_owned())
}
