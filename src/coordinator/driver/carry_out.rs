//! Carries out what the machine has decided.

use super::coordinator::{Coordinator, State};
use super::machine::Action;
use crate::process::{ROSTER, TRIGGERED};
use crate::reporting::Event;

impl Coordinator {
    pub(super) fn carry_out(&self, state: &mut State, action: Action) {
        let reporting = &self.reporting;
        match action {
            Action::ScopeBegan { path, cause } => {
                reporting.consume(Event::ScopeBegan { path, cause });
                state
                    .wakers
                    .take_requested(&state.machine, &mut state.calls);
                TRIGGERED.advance();
            }
            Action::ScopeEnded { path, report } => {
                reporting.consume(Event::ScopeEnded { path, report });
                TRIGGERED.advance();
            }
            Action::PhaseBegan { phase, now, ends } => {
                if self.settings.is_attached {
                    let name = self.plan.phases()[phase].name.as_str();
                    ROSTER.phases.begin(name, now, ends);
                }
                if state.wakers.take_reached(phase, &mut state.calls) || state.wakers.has_threads()
                {
                    TRIGGERED.advance();
                }
            }
            Action::PhaseEnded { now } => {
                if self.settings.is_attached {
                    ROSTER.phases.end(now);
                }
                if let Some(published) = state.published.take() {
                    published.remove();
                }
            }
            Action::PhaseDisabled { phase, tasks } => {
                let phase = self.plan.phases()[phase].name.clone();
                reporting.consume(Event::PhaseDisabled { phase, tasks });
            }
            Action::TaskRefused { name, site } => {
                reporting.consume(Event::TaskRefused { name, site });
            }
            Action::Abandon { task } => task.abandon(),
            Action::TaskFailed { name, outcome } => {
                reporting.consume(Event::TaskFailed { name, outcome });
            }
            Action::Discard { body } => state.calls.discard(body),
            Action::AllEnded(report) => state.ended = Some(report),
            Action::WarnNoWaiter => state.warn_no_waiter = true,
            Action::Exit => state.exit = true,
        }
    }
}
