//! Reports the end of the shutdown, and announces it to the threads that wait for it.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use super::coordinator::Coordinator;
use crate::process::TRIGGERED;
use crate::report::{ShutdownReport, Tenths};
use crate::reporting;
#[cfg(feature = "fault")]
use crate::reporting::Event;
use crate::trigger::panic;
use deadstop_core::Nanos;

/// The longest wait of the end for the reports of abandoned tasks.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);

/// The longest wait of the end for panic hooks.
const HOOK_PATIENCE: Duration = Duration::from_secs(5);

/// The wait for panic hooks after which the log says what the shutdown waits for.
const HOOK_NOTICE: Duration = Duration::from_secs(2);

impl Coordinator {
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
            self.wait_for_panic_hooks();
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

    /// Waits for panic hooks: for a short time, and half of the time up to the deadline.
    fn wait_for_panic_hooks(&self) {
        let now = deadstop_core::now();
        let patience = HOOK_PATIENCE.min(self.deadline().since(now) / 2);
        let first = patience.min(HOOK_NOTICE);
        let running = panic::wait_for_hooks(now.saturating_add(first));
        if running == 0 {
            return;
        }
        let rest = patience.saturating_sub(first);
        if !rest.is_zero() {
            self.reporting.alert(format!(
                "no task is running; the shutdown waits for {}, for at most {} more",
                hooks(running),
                Tenths(rest)
            ));
        }
        let running = panic::wait_for_hooks(now.saturating_add(patience));
        if running > 0 {
            let have = if running == 1 { "has" } else { "have" };
            self.reporting.alert(format!(
                "{} {have} not returned after {}; the shutdown ends without waiting for more",
                hooks(running),
                Tenths(patience)
            ));
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

    /// Announces the end.
    pub(super) fn announce(&self, report: Arc<ShutdownReport>) {
        self.completion.complete(report);
        let mut guard = self.lock();
        let state = &mut *guard.state;
        let now = deadstop_core::now();
        state.machine.conclude(now);
        state.wakers.take_ended(&mut state.calls);
        // No task runs. `deadstop-run` may have been promised a wake-up that was not needed:
        // see `begin_and_wait_briefly`.
        state.naming_due = Nanos::LAST;
        state.sleeps_until = Nanos::LAST;
        guard.carry_out_and_wake(now);
        guard.release();
        // Wakes the callers that wait for the request, or for a scope, which has ended with
        // the whole shutdown.
        TRIGGERED.advance();
    }
}

/// Returns the number of panic hooks in words.
fn hooks(running: u32) -> String {
    match running {
        1 => "1 panic hook".to_owned(),
        _ => format!("{running} panic hooks"),
    }
}
