//! One run: the phases in their order, each until its tasks have ended or its
//! time has.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use crossbeam::channel::{Receiver, Sender, unbounded};

use crate::cause::Cause;
use crate::kill_path::{self, Nanos, Place};
use crate::report::ROSTER;
use crate::sys;
use crate::trigger::panic::message;

use super::clock::Clock;
use super::core::Core;
use super::current;
use super::outcome::{Outcome, Skip};
use super::phase::OnFailure;
use super::plan::Planned;
use super::scope::{Node, Position};
use super::shutdown_report::{PhaseReport, ShutdownReport, TaskReport, Times};
use super::task::{Task, TaskContext};

/// What the coordinator hears of.
pub(super) enum Event {
    /// A task was registered for a phase that has not ended.
    Added,
    /// A task that waited for its thread was cancelled.
    Cancelled(u64),
    /// A task with a budget of its own has started, and is over it then.
    Started { id: u64, ends: Nanos },
    /// A task has returned, or is known never to.
    Ended {
        id: u64,
        outcome: Outcome,
        at: Nanos,
    },
}

/// How long the coordinator waits for an event at most. The deadline may be
/// brought forward meanwhile, which is no event.
const LOOK: Duration = Duration::from_millis(250);

/// How long the pool may be short of threads without any event before it gets
/// more: one, and twice as many each time that this has brought no event
/// either. Tasks that are done at once cost no threads, and a thousand that
/// block have theirs after ten steps.
const RAMP: Duration = Duration::from_micros(200);

/// A run of all phases, for the whole process or for one scope.
pub(super) struct Run<'a> {
    core: &'a Arc<Core>,
    node: &'a Arc<Node>,
    clock: Clock,
    cause: &'a Arc<Cause>,
    events: (Sender<Event>, Receiver<Event>),
}

impl<'a> Run<'a> {
    pub(super) fn new(
        core: &'a Arc<Core>,
        node: &'a Arc<Node>,
        clock: Clock,
        cause: &'a Arc<Cause>,
    ) -> Self {
        Self {
            core,
            node,
            clock,
            cause,
            events: unbounded(),
        }
    }

    /// Runs the phases from the one at `first` on.
    pub(super) fn run(self, first: usize) -> ShutdownReport {
        let mut phases = Vec::new();
        let mut ended = false;
        for (place, phase) in self.core.plan.phases().iter().enumerate() {
            let skip = if place < first {
                Some(Skip::BeforeStart)
            } else if phase.disabled {
                Some(Skip::Disabled)
            } else if ended && !phase.always {
                Some(Skip::SequenceEnded)
            } else {
                None
            };
            let report = match skip {
                Some(why) => self.skip(place, phase, why),
                None => PhaseRun::new(&self, place, phase).run(),
            };
            ended |= phase.on_failure == OnFailure::End && report.has_failure();
            phases.push(report);
        }
        self.close();
        if self.node.is_root() {
            self.core.wait_for_scopes();
            self.sweep(&mut phases);
        }
        let refused = self.core.refused_in(self.node);
        ShutdownReport::new(
            (**self.cause).clone(),
            phases,
            refused,
            kill_path::now().since(self.clock.begun()),
            self.core.pool.was_refused(),
        )
    }

    /// Moves on to `place`: tasks for it are accepted, and for later phases.
    fn move_to(&self, place: usize) {
        let _registry = self.core.registry.lock();
        self.node.set_position(self.at(place));
    }

    /// The run's own tasks of the phase at `place`.
    fn take(&self, place: usize) -> Vec<Arc<Task>> {
        let mut registry = self.core.registry.lock();
        registry.take(place, |task| task.scope.joins(self.node))
    }

    /// Leaves the phase at `place`, unless there are tasks for it, which are
    /// returned.
    ///
    /// Under one lock: a task that is accepted has its turn, and one that comes
    /// later is refused.
    fn leave_if_done(&self, place: usize) -> Vec<Arc<Task>> {
        let mut registry = self.core.registry.lock();
        let left = registry.take(place, |task| task.scope.joins(self.node));
        if left.is_empty() {
            self.node.set_position(self.at(place + 1));
        }
        left
    }

    /// Leaves the phase at `place`, and returns the tasks that are left in it.
    fn leave(&self, place: usize) -> Vec<Arc<Task>> {
        let mut registry = self.core.registry.lock();
        let left = registry.take(place, |task| task.scope.joins(self.node));
        self.node.set_position(self.at(place + 1));
        left
    }

    fn at(&self, place: usize) -> Position {
        Position::At {
            phase: place,
            events: self.events.0.clone(),
        }
    }

    fn skip(&self, place: usize, phase: &Planned, why: Skip) -> PhaseReport {
        let now = kill_path::now();
        let tasks = self.leave(place);
        if why == Skip::Disabled && !tasks.is_empty() {
            self.core.log.info(format!(
                "phase {} is disabled: {} tasks are not run",
                phase.name,
                tasks.len()
            ));
        }
        let reports = tasks
            .into_iter()
            .map(|task| self.pass_over(task, why, now))
            .collect();
        PhaseReport::new(&phase.name, now, now, now, self.clock.begun(), reports)
    }

    /// Passes over a task, which may have been cancelled this moment.
    fn pass_over(&self, task: Arc<Task>, why: Skip, now: Nanos) -> TaskReport {
        let outcome = task.give_up(Outcome::Skipped(why));
        let outcome = outcome.unwrap_or(Outcome::Cancelled);
        let report = TaskReport::new(&task, outcome, self.never_ran(now));
        self.core.discard(task);
        report
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

    /// After the last phase: tasks are refused from here on.
    fn close(&self) {
        let _registry = self.core.registry.lock();
        self.node.set_position(Position::Over);
    }

    /// Counts in the tasks of scopes that nobody asked to stop.
    fn sweep(&self, phases: &mut [PhaseReport]) {
        let now = kill_path::now();
        for (place, phase) in phases.iter_mut().enumerate() {
            let left = self.core.registry.lock().take(place, |_| true);
            for task in left {
                phase.add(self.pass_over(task, Skip::NotRequested, now));
            }
        }
    }

    /// Lists, for the hang report, those whose turn has not come.
    fn list_waiting(&self, place: usize) -> Waiting {
        if !self.node.is_root() {
            return Waiting {
                places: Vec::new(),
                beyond: 0,
            };
        }
        let registry = self.core.registry.lock();
        let (waiting, beyond) = registry.from(place + 1, ROSTER.waiting.room());
        ROSTER.waiting.crowd(beyond);
        let list = |task: &Arc<Task>| {
            ROSTER.waiting.enter(&kill_path::Entry {
                name: &task.name,
                phase: self.core.plan.phases()[task.phase].name.as_str(),
                file: task.site.file(),
                line: task.site.line(),
                started: Nanos(0),
                budget: Duration::ZERO,
            })
        };
        let places = waiting.into_iter().map(list).collect();
        Waiting { places, beyond }
    }
}

/// The tasks whose turn has not come, on the roster's list of them.
struct Waiting {
    places: Vec<Option<Place>>,
    beyond: usize,
}

impl Waiting {
    fn leave(self) {
        for place in self.places {
            ROSTER.waiting.leave(place);
        }
        ROSTER.waiting.uncrowd(self.beyond);
    }
}

/// A phase that runs.
struct PhaseRun<'a> {
    run: &'a Run<'a>,
    place: usize,
    phase: &'a Planned,
    started: Nanos,
    /// Taken, and not handed to a thread yet.
    held_back: VecDeque<Arc<Task>>,
    /// Handed to a thread, and not heard of.
    out: HashMap<u64, Arc<Task>>,
    /// When those with a budget of their own are over it.
    ends: BinaryHeap<Reverse<(Nanos, u64)>>,
    reports: Vec<TaskReport>,
    /// How many threads the pool gets next, if it is short of them; none if the
    /// system refuses them.
    step: usize,
    /// The tasks of later phases, as the hang report lists them; only if the
    /// phase takes long enough to be in one.
    waiting: Option<Waiting>,
}

impl<'a> PhaseRun<'a> {
    fn new(run: &'a Run<'a>, place: usize, phase: &'a Planned) -> Self {
        Self {
            run,
            place,
            phase,
            started: kill_path::now(),
            held_back: VecDeque::new(),
            out: HashMap::new(),
            ends: BinaryHeap::new(),
            reports: Vec::new(),
            step: 1,
            waiting: None,
        }
    }

    fn run(mut self) -> PhaseReport {
        self.run.move_to(self.place);
        self.held_back.extend(self.run.take(self.place));
        loop {
            if kill_path::now() >= self.ends() {
                self.give_up_all();
                break;
            }
            self.hand_out();
            if self.out.is_empty() {
                // Nobody of the phase runs; a task may have come meanwhile.
                self.held_back.extend(self.run.leave_if_done(self.place));
                if self.held_back.is_empty() {
                    break;
                }
                continue;
            }
            self.wait();
        }
        if let Some(waiting) = self.waiting.take() {
            waiting.leave();
        }
        let now = kill_path::now();
        let begun = self.run.clock.begun();
        let ends = self.ends();
        PhaseReport::new(
            &self.phase.name,
            self.started,
            now,
            ends,
            begun,
            self.reports,
        )
    }

    /// When the phase's time is over, as the deadline stands.
    fn ends(&self) -> Nanos {
        self.phase.ends(self.started, self.run.clock.deadline())
    }

    /// Hands tasks to threads, as many at once as is allowed.
    fn hand_out(&mut self) {
        let at_once = self.run.core.settings.at_once;
        let ends = self.ends();
        while self.out.len() < at_once {
            let Some(task) = self.held_back.pop_front() else {
                return;
            };
            let turn = Turn {
                phase: self.phase.name.as_str().to_owned(),
                clock: self.run.clock,
                ends,
                reserved_later: self.phase.reserved_later,
                cause: Arc::clone(self.run.cause),
                events: self.run.events.0.clone(),
                task: Arc::clone(&task),
            };
            if !task.dispatch(turn.events.clone()) {
                // Cancelled between the taking and this: nobody told us.
                self.report(&task, Outcome::Cancelled, kill_path::now());
                continue;
            }
            self.out.insert(task.id, task);
            self.run.core.pool.submit(Box::new(move || turn.take()));
        }
    }

    /// Waits for something to happen, and takes in all that has.
    fn wait(&mut self) {
        let now = kill_path::now();
        let mut until = self.ends();
        if let Some(Reverse((ends, _))) = self.ends.peek() {
            until = until.min(*ends);
        }
        let short = self.step > 0 && self.run.core.pool.is_short();
        let look = match short || self.waiting.is_none() {
            true => RAMP,
            false => LOOK,
        };
        match self.run.events.1.recv_timeout(until.since(now).min(look)) {
            Ok(event) => {
                self.step = self.step.min(1);
                self.hear(event);
            }
            Err(_) => self.take_time(short),
        }
        while let Ok(event) = self.run.events.1.try_recv() {
            self.hear(event);
        }
        self.give_up_late();
    }

    /// Nothing has happened for a moment: this phase takes longer.
    fn take_time(&mut self, short: bool) {
        if short {
            let staffed = self.run.core.pool.staff(self.step);
            // Refused once, threads will hardly be had in this phase.
            self.step = if staffed { self.step * 2 } else { 0 };
        }
        if self.waiting.is_none() {
            self.waiting = Some(self.run.list_waiting(self.place));
        }
    }

    fn hear(&mut self, event: Event) {
        match event {
            Event::Added => {
                let added = self.run.take(self.place);
                self.held_back.extend(added);
            }
            Event::Cancelled(id) => {
                if let Some(task) = self.out.remove(&id) {
                    self.report(&task, Outcome::Cancelled, kill_path::now());
                }
            }
            Event::Started { id, ends } => {
                if self.out.contains_key(&id) {
                    self.ends.push(Reverse((ends, id)));
                }
            }
            Event::Ended { id, outcome, at } => {
                if let Some(task) = self.out.remove(&id) {
                    self.report(&task, outcome, at);
                }
            }
        }
    }

    /// Gives up the tasks whose own budget is over.
    fn give_up_late(&mut self) {
        let now = kill_path::now();
        while let Some(&Reverse((ends, id))) = self.ends.peek() {
            if ends > now {
                return;
            }
            self.ends.pop();
            if let Some(task) = self.out.get(&id).cloned() {
                self.give_up(&task, now);
            }
        }
    }

    /// The phase's time is over.
    fn give_up_all(&mut self) {
        // What has happened up to now counts.
        while let Ok(event) = self.run.events.1.try_recv() {
            self.hear(event);
        }
        let now = kill_path::now();
        let out: Vec<_> = self.out.values().cloned().collect();
        for task in out {
            self.give_up(&task, now);
        }
        self.held_back.extend(self.run.leave(self.place));
        while let Some(task) = self.held_back.pop_front() {
            let outcome = task.give_up(Outcome::Skipped(Skip::NoTime));
            self.report(&task, outcome.unwrap_or(Outcome::Cancelled), now);
            self.run.core.discard(task);
        }
    }

    /// Gives up a task that is out. If it has just ended, its event is on the
    /// way, and is waited for a moment: the thread has only to send it.
    fn give_up(&mut self, task: &Arc<Task>, now: Nanos) {
        if let Some(outcome) = task.give_up(Outcome::Skipped(Skip::NoTime)) {
            self.out.remove(&task.id);
            self.report(task, outcome, now);
            self.run.core.discard(Arc::clone(task));
            return;
        }
        while self.out.contains_key(&task.id) {
            match self.run.events.1.recv_timeout(LOOK) {
                Ok(event) => self.hear(event),
                Err(_) => {
                    self.out.remove(&task.id);
                    self.report(task, Outcome::OverBudget, now);
                }
            }
        }
    }

    fn report(&mut self, task: &Arc<Task>, outcome: Outcome, at: Nanos) {
        if outcome.is_failure() {
            self.run
                .core
                .log
                .warn(format!("task {:?} {outcome}", task.name));
        }
        let started = task.started().unwrap_or(at);
        let own = task.budget.map(|budget| started.saturating_add(budget));
        let times = Times {
            begun: self.run.clock.begun(),
            started,
            ended: at,
            ends: own.map_or(self.ends(), |own| own.min(self.ends())),
        };
        self.reports.push(TaskReport::new(task, outcome, times));
    }
}

/// A task's turn: what the thread that runs it needs to know.
struct Turn {
    task: Arc<Task>,
    phase: String,
    clock: Clock,
    ends: Nanos,
    reserved_later: Duration,
    cause: Arc<Cause>,
    events: Sender<Event>,
}

impl Turn {
    /// Runs the task on the calling thread.
    fn take(self) {
        let task = self.task;
        let started = kill_path::now();
        let Some(body) = task.start(started) else {
            return;
        };
        let mut ends = self.ends;
        if let Some(budget) = task.budget {
            ends = ends.min(started.saturating_add(budget));
            // The coordinator is there for as long as the task is out.
            let _ = self.events.send(Event::Started { id: task.id, ends });
        }
        sys::thread::set_name(&task.name);
        let place = ROSTER.running.enter(&kill_path::Entry {
            name: &task.name,
            phase: &self.phase,
            file: task.site.file(),
            line: task.site.line(),
            started,
            budget: ends.since(started),
        });
        if let Some(place) = place {
            place.runs_on(kill_path::tid());
            task.is_listed(place);
        }
        let context = TaskContext {
            task: Arc::clone(&task),
            clock: self.clock,
            ends,
            reserved_later: self.reserved_later,
            cause: self.cause,
            place,
        };
        let result = current::run(&task, &self.events, || {
            // What a panic leaves behind is the task's own, and the task is
            // over.
            catch_unwind(AssertUnwindSafe(|| body(&context)))
        });
        ROSTER.running.leave(place);
        let at = kill_path::now();
        let (outcome, payload) = match result {
            Ok(outcome) => (outcome, None),
            Err(payload) => (Outcome::Panicked(message(&*payload)), Some(payload)),
        };
        if task.end() {
            let _ = self.events.send(Event::Ended {
                id: task.id,
                outcome,
                at,
            });
        }
        // Dropping what a panic carried is the user's code too, and may panic.
        let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
    }
}
