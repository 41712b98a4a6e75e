//! The machine under a virtual clock.

mod completion;
mod phases;
mod random;
mod scale;
mod scopes;

use std::collections::HashMap;
use std::panic::Location;
use std::sync::Arc;
use std::time::Duration;

use super::*;
use crate::cause::Cause;
use crate::coordinator::phase::Phase;
use crate::coordinator::plan::Plan;
use crate::report::{Ending, Outcome, ShutdownReport, Site, Skip, TaskReport};
use deadstop_core::Nanos;

const SECOND: u64 = 1_000_000_000;

/// A machine and its clock. What a task shares and what it runs is its name.
struct World {
    machine: Machine<&'static str, &'static str>,
    now: Nanos,
    ids: HashMap<&'static str, TaskId>,
    /// The machine's decisions, in brief.
    said: Vec<String>,
    ended: Option<Arc<ShutdownReport>>,
}

impl Shared for &'static str {
    fn report(self, ending: Ending) -> TaskReport {
        TaskReport::new(self.into(), Site::default(), ending)
    }
}

fn rules() -> Rules {
    Rules {
        max_concurrent_tasks: usize::MAX,
        when_done: WhenDone::Wait,
        clean_exit: CleanExit::Success,
        failure_status: 1,
    }
}

impl World {
    fn new() -> Self {
        Self::with(Vec::new(), rules())
    }

    fn with(phases: Vec<Phase>, rules: Rules) -> Self {
        let plan = Plan::new(phases, Duration::from_secs(10)).unwrap();
        Self {
            machine: Machine::new(Arc::new(plan), rules),
            now: Nanos(100 * SECOND),
            ids: HashMap::new(),
            said: Vec::new(),
            ended: None,
        }
    }

    fn index_of(&self, phase: Phase) -> usize {
        self.machine.plan.index_of(&phase.into()).unwrap()
    }

    fn try_task(
        &mut self,
        name: &'static str,
        phase: Phase,
        scope: ScopeId,
    ) -> Result<(), Refusal> {
        self.try_task_with_budget(name, phase, scope, None)
    }

    fn try_task_with_budget(
        &mut self,
        name: &'static str,
        phase: Phase,
        scope: ScopeId,
        budget: Option<Duration>,
    ) -> Result<(), Refusal> {
        let new = NewTask {
            site: Location::caller(),
            scope,
            phase: self.index_of(phase),
            budget,
        };
        let registered = self.machine.register(new, name, name, self.now);
        self.note();
        let id = registered.map_err(|(why, _)| why)?;
        self.ids.insert(name, id);
        Ok(())
    }

    fn task(&mut self, name: &'static str, phase: Phase) {
        self.try_task(name, phase, ScopeId::ROOT).unwrap();
    }

    fn scope(&mut self, name: &str) -> ScopeId {
        self.machine.open_scope(ScopeId::ROOT, name, false).0
    }

    /// Begins the whole shutdown with a grace of so many seconds.
    fn begin(&mut self, grace: u64) {
        let deadline = Nanos(self.now.0 + grace * SECOND);
        self.machine.set_deadline(deadline, self.now);
        self.machine.begin(Cause::Finished, self.now, 0, self.now);
        self.note();
    }

    fn request_scope(&mut self, scope: ScopeId, grace: u64) -> Request {
        let deadline = Nanos(self.now.0 + grace * SECOND);
        let request = self
            .machine
            .request_scope(scope, Cause::Finished, deadline, self.now);
        self.note();
        request
    }

    /// Starts all that may start, and returns their names.
    fn start(&mut self) -> Vec<&'static str> {
        let mut started = Vec::new();
        while let Some(start) = self.machine.start_next(self.now) {
            started.push(start.shared);
        }
        self.note();
        started
    }

    fn end(&mut self, name: &'static str, outcome: Outcome) {
        let id = self.ids[name];
        self.machine.task_ended(id, outcome, self.now);
        self.note();
    }

    fn done(&mut self, name: &'static str) {
        self.end(name, Outcome::Done);
    }

    /// Passes so many milliseconds, waking the machine exactly when it asks to be.
    fn pass(&mut self, millis: u64) {
        let until = Nanos(self.now.0 + millis * 1_000_000);
        while let Some(wakeup) = self.machine.next_wakeup().filter(|at| *at <= until) {
            self.now = self.now.max(wakeup);
            self.machine.advance(self.now);
            self.note();
        }
        self.now = until;
        self.machine.advance(self.now);
        self.note();
    }

    fn note(&mut self) {
        for action in self.machine.take_actions(Vec::new()) {
            self.said.push(match action {
                Action::ScopeBegan { path, .. } => format!("{path} begins"),
                Action::ScopeEnded { path, .. } => format!("{path} ends"),
                Action::PhaseBegan { phase, .. } => {
                    format!("phase {}", self.machine.plan.phases()[phase].name)
                }
                Action::Abandon { task } => format!("abandon {task}"),
                Action::Discard { body } => format!("discard {body}"),
                Action::AllEnded(report) => {
                    self.ended = Some(report);
                    "all ended".to_owned()
                }
                Action::WarnNoWaiter => "warn".to_owned(),
                Action::Exit => "exit".to_owned(),
                Action::TaskRefused { name, .. } => format!("refuse {}", &*name),
                Action::PhaseEnded { .. }
                | Action::PhaseDisabled { .. }
                | Action::TaskFailed { .. } => continue,
            });
        }
    }

    fn report(&self) -> &ShutdownReport {
        self.ended.as_ref().expect("it is over")
    }

    fn outcome(&self, name: &str) -> &Outcome {
        self.report().task(name).expect("it is reported").outcome()
    }

    fn has_said(&self, what: &str) -> bool {
        self.said.iter().any(|said| said == what)
    }
}
