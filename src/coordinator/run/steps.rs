//! The steps of a run, all taken under its lock.

use std::cmp::Reverse;
use std::collections::VecDeque;
use std::sync::Arc;

use super::ramp::RAMP;
use super::turn::Turn;
use super::{Run, Stage};
use crate::coordinator::current::Seat;
use crate::coordinator::outcome::{Outcome, Skip};
use crate::coordinator::phase::OnFailure;
use crate::coordinator::plan::Planned;
use crate::coordinator::registry::Registry;
use crate::coordinator::scope::Position;
use crate::coordinator::shutdown_report::{PhaseReport, TaskReport, Times};
use crate::coordinator::task::{Body, Task};
use crate::kill_path::{self, Nanos};
use crate::report::ROSTER;

impl Run {
    pub(super) fn phase(&self, stage: &Stage) -> &Planned {
        &self.core.plan.phases()[stage.place]
    }

    pub(super) fn is_over(&self, stage: &Stage) -> bool {
        stage.place == self.core.plan.phases().len()
    }

    /// When the phase's time is over, as the deadline stands.
    pub(super) fn ends(&self, stage: &Stage) -> Nanos {
        let deadline = self.clock.deadline();
        self.phase(stage).ends(stage.started, deadline)
    }

    /// How many more tasks might be at work.
    pub(super) fn backlog(&self, stage: &Stage) -> usize {
        let at_once = self.core.settings.at_once;
        let free = at_once.saturating_sub(stage.seats.taken());
        stage.held_back.len().min(free)
    }

    /// Lets the pool know that there is work, if there is.
    pub(super) fn offer(self: &Arc<Self>, stage: &mut Stage) {
        if !stage.offered && !self.is_over(stage) && self.backlog(stage) > 0 {
            stage.offered = true;
            self.core.pool.offer(self);
        }
    }

    /// The next task to run, with all steps taken that lead to it.
    pub(super) fn next(&self, stage: &mut Stage, now: Nanos) -> Option<Turn> {
        let place = stage.place;
        loop {
            if stage.held_back.is_empty() || now >= self.ends(stage) {
                self.step(stage, now);
            }
            if self.is_over(stage) || self.backlog(stage) == 0 {
                return None;
            }
            let task = stage.held_back.pop_front()?;
            let Some(body) = task.start(now) else {
                self.note(stage, task, Outcome::Cancelled, now);
                continue;
            };
            if stage.place != place && stage.next_look > now.saturating_add(RAMP) {
                // The coordinator is asleep over the phase before.
                self.bell.ring();
            }
            return Some(self.seat(stage, task, body, now));
        }
    }

    fn seat(&self, stage: &mut Stage, task: Arc<Task>, body: Body, now: Nanos) -> Turn {
        if let Some(waiting) = &mut stage.waiting {
            waiting.start(&task);
        }
        let mut ends = self.ends(stage);
        let seat = stage.seats.enter(Arc::clone(&task));
        if let Some(budget) = task.budget {
            ends = ends.min(now.saturating_add(budget));
            stage.ends.push(Reverse((ends, seat.task, seat.at)));
            if ends < stage.next_look {
                self.bell.ring();
            }
        }
        Turn {
            seat,
            task,
            body,
            phase: stage.place,
            started: now,
            ends,
        }
    }

    /// Takes all steps that are due.
    pub(super) fn step(&self, stage: &mut Stage, now: Nanos) {
        while !self.is_over(stage) {
            let ends = self.ends(stage);
            if now >= ends {
                self.give_up_all(stage, now);
                self.end_phase(stage, now, ends);
                self.enter(stage, now);
                continue;
            }
            self.give_up_late(stage, now);
            self.let_go_of_cancelled(stage, now);
            if stage.seats.taken() > 0 || !stage.held_back.is_empty() {
                return;
            }
            // Nobody of the phase runs; a task may have come meanwhile.
            if self.leave_if_done(stage) {
                self.end_phase(stage, now, ends);
                self.enter(stage, now);
            }
        }
    }

    /// Those at the front would keep the phase from ending; the others come to
    /// the front.
    fn let_go_of_cancelled(&self, stage: &mut Stage, now: Nanos) {
        while stage
            .held_back
            .front()
            .is_some_and(|task| !task.is_waiting())
        {
            if let Some(task) = stage.held_back.pop_front() {
                self.note(stage, task, Outcome::Cancelled, now);
            }
        }
    }

    /// The phase at the stage's place begins, and those that are skipped end.
    pub(super) fn enter(&self, stage: &mut Stage, now: Nanos) {
        while !self.is_over(stage) {
            let phase = self.phase(stage);
            let skip = if stage.place < self.first {
                Some(Skip::BeforeStart)
            } else if phase.disabled {
                Some(Skip::Disabled)
            } else if stage.sequence_ended && !phase.always {
                Some(Skip::SequenceEnded)
            } else {
                None
            };
            stage.started = now;
            let Some(why) = skip else {
                if self.is_of_whole() {
                    let ends = self.ends(stage);
                    ROSTER.phases.begin(phase.name.as_str(), now, ends);
                }
                self.take_and_move_to(stage);
                return;
            };
            self.leave(stage);
            let tasks = stage.held_back.len();
            if why == Skip::Disabled && tasks > 0 {
                let name = &phase.name;
                let line = format!("phase {name} is disabled: {tasks} tasks are not run");
                self.core.log.info(line);
            }
            while let Some(task) = stage.held_back.pop_front() {
                let report = self.pass_over(task, why, now);
                stage.has_failure |= report.outcome().is_failure();
                stage.reports.push(report);
            }
            self.close_phase(stage, now, now);
        }
        // Tasks are refused from here on.
        let _registry = self.core.registry.lock();
        self.node.set_position(Position::Over);
    }

    /// The phase at the stage's place has run, and its time or its tasks are
    /// over.
    fn end_phase(&self, stage: &mut Stage, now: Nanos, ends: Nanos) {
        if self.is_of_whole() {
            ROSTER.phases.end(now);
        }
        self.close_phase(stage, now, ends);
    }

    /// The phase at the stage's place is over, and `ends` is when it had to be.
    fn close_phase(&self, stage: &mut Stage, now: Nanos, ends: Nanos) {
        if let Some(waiting) = stage.waiting.take() {
            waiting.leave();
        }
        stage.ends.clear();
        let phase = self.phase(stage);
        let report = PhaseReport::new(
            Arc::clone(&phase.label),
            stage.started,
            now,
            ends,
            self.clock.begun(),
            std::mem::take(&mut stage.reports),
            stage.has_failure,
        );
        stage.sequence_ended |= phase.on_failure == OnFailure::End && stage.has_failure;
        stage.has_failure = false;
        stage.phases.push(report);
        stage.place += 1;
    }

    /// Gives up the tasks whose own budget is over.
    fn give_up_late(&self, stage: &mut Stage, now: Nanos) {
        while let Some(&Reverse((ends, task, at))) = stage.ends.peek() {
            if ends > now {
                return;
            }
            stage.ends.pop();
            if stage.seats.get(Seat { at, task }).is_some() {
                self.give_up(stage, at, now);
            }
        }
    }

    /// The phase's time is over.
    fn give_up_all(&self, stage: &mut Stage, now: Nanos) {
        for seat in 0..stage.seats.room() {
            self.give_up(stage, seat, now);
        }
        self.leave(stage);
        while let Some(task) = stage.held_back.pop_front() {
            let outcome = task.give_up(Outcome::Skipped(Skip::NoTime));
            self.core.discard(Arc::clone(&task));
            self.note(stage, task, outcome.unwrap_or(Outcome::Cancelled), now);
        }
    }

    /// Gives up a task that a thread is at.
    fn give_up(&self, stage: &mut Stage, at: usize, now: Nanos) {
        let Some(task) = stage.seats.leave(at) else {
            return;
        };
        // It has started, and it ends under the lock that is held here.
        let outcome = task.give_up(Outcome::OverBudget);
        self.note(stage, task, outcome.unwrap_or(Outcome::OverBudget), now);
    }

    /// A task has returned, or is known never to. Nothing happens if it was
    /// given up before.
    pub(super) fn settle(&self, stage: &mut Stage, seat: Seat, outcome: Outcome, at: Nanos) {
        if stage.seats.get(seat).is_some_and(|task| task.end()) {
            if let Some(task) = stage.seats.leave(seat.at) {
                self.note(stage, task, outcome, at);
            }
        }
    }

    /// Notes what became of a task.
    fn note(&self, stage: &mut Stage, task: Arc<Task>, outcome: Outcome, at: Nanos) {
        if outcome.is_failure() {
            stage.has_failure = true;
            let name = &task.name;
            self.core.log.warn(format!("task {name:?} {outcome}"));
        }
        let of_phase = self.ends(stage);
        let started = task.started().unwrap_or(at);
        let own = task.budget.map(|budget| started.saturating_add(budget));
        let times = Times {
            begun: self.clock.begun(),
            started,
            ended: at,
            ends: own.map_or(of_phase, |own| own.min(of_phase)),
        };
        stage.reports.push(TaskReport::new(task, outcome, times));
        stage.settled += 1;
    }

    /// Passes over a task, which may have been cancelled this moment.
    fn pass_over(&self, task: Arc<Task>, why: Skip, now: Nanos) -> TaskReport {
        let outcome = task.give_up(Outcome::Skipped(why));
        let outcome = outcome.unwrap_or(Outcome::Cancelled);
        self.core.discard(Arc::clone(&task));
        TaskReport::new(task, outcome, self.never_ran(now))
    }

    /// The times of a task that was passed over at `now`.
    fn never_ran(&self, now: Nanos) -> Times {
        Times {
            begun: self.clock.begun(),
            started: now,
            ended: now,
            ends: now,
        }
    }

    /// Counts in the tasks of scopes that nobody asked to stop.
    pub(super) fn sweep(&self, phases: &mut [PhaseReport]) {
        let now = kill_path::now();
        if self.core.registry.lock().is_empty() {
            return;
        }
        for (place, phase) in phases.iter_mut().enumerate() {
            let mut left = VecDeque::new();
            self.core.registry.lock().take(place, |_| true, &mut left);
            for task in left {
                phase.add(self.pass_over(task, Skip::NotRequested, now));
            }
        }
    }

    /// Takes the run's own tasks of the stage's phase.
    pub(super) fn take(&self, stage: &mut Stage) {
        self.take_from(&mut self.core.registry.lock(), stage);
    }

    /// Moves on to the stage's phase: tasks for it are accepted, and for later
    /// ones.
    fn take_and_move_to(&self, stage: &mut Stage) {
        let mut registry = self.core.registry.lock();
        self.move_to(stage.place);
        self.take_from(&mut registry, stage);
        stage.reports.reserve_exact(stage.held_back.len());
    }

    /// Leaves the stage's phase, unless there are tasks for it, which are
    /// taken. Whether it was left.
    ///
    /// Under one lock: a task that is accepted has its turn, and one that comes
    /// later is refused.
    fn leave_if_done(&self, stage: &mut Stage) -> bool {
        let mut registry = self.core.registry.lock();
        self.take_from(&mut registry, stage);
        let done = stage.held_back.is_empty();
        if done {
            self.move_to(stage.place + 1);
        }
        done
    }

    /// Leaves the stage's phase, with the tasks that are left in it.
    fn leave(&self, stage: &mut Stage) {
        let mut registry = self.core.registry.lock();
        self.take_from(&mut registry, stage);
        self.move_to(stage.place + 1);
    }

    fn take_from(&self, registry: &mut Registry, stage: &mut Stage) {
        if registry.is_empty_at(stage.place) {
            return;
        }
        let to = &mut stage.held_back;
        match self.node.is_root() && self.core.scopes.lock().is_empty() {
            true => registry.take(stage.place, |_| true, to),
            false => registry.take(stage.place, |task| task.scope.joins(&self.node), to),
        }
    }

    fn move_to(&self, place: usize) {
        self.node.move_to(place, &self.bell);
    }
}
