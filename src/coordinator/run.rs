//! One run: the phases in their order, each until its tasks have ended or its
//! time has.
//!
//! How far a run is stands behind a lock, the stage. Whoever has news for it
//! takes the lock and all steps that are due: the thread whose task has
//! returned, with the next task of the phase, or the first of the next phase,
//! as its reward; and the coordinator, when time is up. So a chain of tasks
//! that are done at once costs no hand-over between threads.
//!
//! Under the lock there is nothing of the user's. The coordinator itself only
//! watches: for budgets that are over, and for work that waits because all
//! threads are stuck in theirs.

use std::any::Any;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;

use crate::cause::Cause;
use crate::kill_path::{self, EventCount, Nanos, Place};
use crate::report::ROSTER;
use crate::sys;
use crate::trigger::panic::message;

use super::clock::Clock;
use super::core::Core;
use super::current::{self, Seat};
use super::outcome::{Outcome, Skip};
use super::phase::OnFailure;
use super::plan::Planned;
use super::registry::Registry;
use super::scope::{Node, Position};
use super::shutdown_report::{PhaseReport, ShutdownReport, TaskReport, Times};
use super::task::{Body, Task, TaskContext};

/// How long the coordinator sleeps at most. The deadline may be brought forward
/// meanwhile, of which it is not told.
const LOOK: Duration = Duration::from_millis(250);

/// How long the pool may be short of threads without any progress before it
/// gets more: one, and twice as many each time that this has brought none
/// either. Tasks that are done at once cost no threads, and a thousand that
/// block have theirs after ten steps.
const RAMP: Duration = Duration::from_micros(200);

/// How long the pool may be short of threads with progress all the time: tasks
/// that wait for a disk or a peer are each done soon, but need not wait for one
/// another.
const CROWDED: Duration = Duration::from_millis(5);

/// Wakes the coordinator of a run.
pub(super) struct Bell {
    rung: EventCount,
    added: AtomicBool,
}

impl Bell {
    /// Something has changed.
    pub(super) fn ring(&self) {
        self.rung.advance();
    }

    /// A task was registered for a phase that has not ended.
    pub(super) fn ring_for_added(&self) {
        self.added.store(true, Ordering::Release);
        self.rung.advance();
    }
}

/// A run of all phases, for the whole process or for one scope.
pub(super) struct Run {
    core: Arc<Core>,
    node: Arc<Node>,
    clock: Clock,
    cause: Arc<Cause>,
    /// The phases before this one are skipped.
    first: usize,
    bell: Arc<Bell>,
    stage: Mutex<Stage>,
}

/// How far a run is.
struct Stage {
    /// The place of the phase that runs; behind the last if all is over.
    place: usize,
    started: Nanos,
    /// Taken, and not handed to a thread yet.
    held_back: VecDeque<Arc<Task>>,
    /// Handed to a thread.
    seats: Seats,
    /// When those with a budget of their own are over it.
    ends: BinaryHeap<Reverse<(Nanos, u64, usize)>>,
    reports: Vec<TaskReport>,
    /// Whether one of these has left something undone.
    has_failure: bool,
    phases: Vec<PhaseReport>,
    sequence_ended: bool,
    /// Counts tasks that have got an outcome.
    settled: u64,
    /// Whether the pool knows that there is work.
    offered: bool,
    /// When the coordinator looks next.
    next_look: Nanos,
    /// The tasks of later phases, as the hang report lists them; only if the
    /// phase takes long enough to be in one.
    waiting: Option<Waiting>,
}

/// The tasks that threads are at.
#[derive(Default)]
struct Seats {
    seats: Vec<Option<Arc<Task>>>,
    free: Vec<usize>,
}

impl Seats {
    fn taken(&self) -> usize {
        self.seats.len() - self.free.len()
    }

    fn enter(&mut self, task: Arc<Task>) -> Seat {
        let id = task.id;
        let at = match self.free.pop() {
            Some(at) => {
                self.seats[at] = Some(task);
                at
            }
            None => {
                self.seats.push(Some(task));
                self.seats.len() - 1
            }
        };
        Seat { at, task: id }
    }

    /// The task in that seat, if it is still there.
    fn get(&self, seat: Seat) -> Option<&Arc<Task>> {
        let task = self.seats.get(seat.at)?.as_ref()?;
        (task.id == seat.task).then_some(task)
    }

    fn leave(&mut self, at: usize) -> Option<Arc<Task>> {
        let task = self.seats.get_mut(at)?.take();
        if task.is_some() {
            self.free.push(at);
        }
        task
    }
}

impl Run {
    pub(super) fn new(
        core: &Arc<Core>,
        node: &Arc<Node>,
        clock: Clock,
        cause: Cause,
        first: usize,
    ) -> Arc<Self> {
        Arc::new(Self {
            core: Arc::clone(core),
            node: Arc::clone(node),
            clock,
            cause: Arc::new(cause),
            first,
            bell: Arc::new(Bell {
                rung: EventCount::new(),
                added: AtomicBool::new(false),
            }),
            stage: Mutex::new(Stage {
                place: 0,
                started: clock.begun(),
                held_back: VecDeque::new(),
                seats: Seats::default(),
                ends: BinaryHeap::new(),
                reports: Vec::new(),
                has_failure: false,
                phases: Vec::with_capacity(core.plan.phases().len()),
                sequence_ended: false,
                settled: 0,
                offered: false,
                next_look: Nanos(0),
                waiting: None,
            }),
        })
    }

    pub(super) fn cause(&self) -> &Arc<Cause> {
        &self.cause
    }

    pub(super) fn clock(&self) -> Clock {
        self.clock
    }

    pub(super) fn bell(&self) -> &Bell {
        &self.bell
    }

    pub(super) fn is_of_whole(&self) -> bool {
        self.node.is_root()
    }

    /// Begins with the first phase.
    pub(super) fn begin(self: &Arc<Self>) {
        let mut stage = self.stage.lock();
        let now = kill_path::now();
        self.enter(&mut stage, now);
        self.step(&mut stage, now);
        self.offer(&mut stage);
    }

    /// Watches over the run until its last phase has ended. For a thread that
    /// does nothing else.
    pub(super) fn watch(self: &Arc<Self>) {
        let mut ramp = Ramp {
            place: 0,
            settled: 0,
            step: 1,
            due: kill_path::now().saturating_add(RAMP),
            short_since: None,
            crowd: 1,
        };
        loop {
            let rung = self.bell.rung.read();
            let now = kill_path::now();
            let mut stage = self.stage.lock();
            if self.bell.added.swap(false, Ordering::AcqRel) && !self.is_over(&stage) {
                self.take(&mut stage);
            }
            self.step(&mut stage, now);
            self.offer(&mut stage);
            if self.is_over(&stage) {
                return;
            }
            let backlog = self.backlog(&stage);
            let short = self.core.pool.is_short(backlog);
            let more = ramp.look(self, &mut stage, now, short);
            let mut until = match (short && ramp.step > 0) || stage.waiting.is_none() {
                true => ramp.due,
                false => now.saturating_add(LOOK),
            };
            until = until.min(self.ends(&stage));
            if let Some(Reverse((ends, ..))) = stage.ends.peek() {
                until = until.min(*ends);
            }
            stage.next_look = until;
            drop(stage);
            if more > 0 && !self.core.pool.staff(more, backlog) {
                // Refused once, threads will hardly be had in this phase.
                ramp.step = 0;
            }
            self.bell.rung.wait_past(rung, Some(until));
        }
    }

    /// Runs tasks on the calling thread for as long as there are any.
    pub(super) fn help(self: &Arc<Self>) {
        let tid = kill_path::tid();
        let mut cause = Arc::clone(&self.cause);
        let mut now = kill_path::now();
        current::join(self);
        let mut stage = self.stage.lock();
        stage.offered = false;
        while let Some(turn) = self.next(&mut stage, now) {
            self.offer(&mut stage);
            drop(stage);
            let seat = turn.seat;
            let done = turn.take(self, tid, cause);
            (cause, now) = (done.cause, done.at);
            stage = self.stage.lock();
            self.settle(&mut stage, seat, done.outcome, now);
            if let Some(payload) = done.payload {
                drop(stage);
                self.bell.ring();
                // Dropping what a panic carried is the user's code too, and may
                // panic, or never return.
                let _ = catch_unwind(AssertUnwindSafe(|| drop(payload)));
                now = kill_path::now();
                stage = self.stage.lock();
            }
        }
        let over = self.is_over(&stage);
        drop(stage);
        current::leave();
        if over {
            self.core.conclude_early(self);
        }
    }

    /// Says that the task in `seat` will not return.
    pub(super) fn end(&self, seat: Seat, outcome: Outcome) {
        let mut stage = self.stage.lock();
        self.settle(&mut stage, seat, outcome, kill_path::now());
        drop(stage);
        self.bell.ring();
    }

    /// The task in `seat`, unless it was given up.
    pub(super) fn task(&self, seat: Seat) -> Option<Arc<Task>> {
        self.stage.lock().seats.get(seat).cloned()
    }

    /// What became of all, once; and only if it is over.
    pub(super) fn report(&self) -> Option<ShutdownReport> {
        let mut stage = self.stage.lock();
        if !self.is_over(&stage) || stage.phases.len() < self.core.plan.phases().len() {
            return None;
        }
        let mut phases = std::mem::take(&mut stage.phases);
        drop(stage);
        if self.node.is_root() {
            self.sweep(&mut phases);
        }
        Some(ShutdownReport::new(
            (*self.cause).clone(),
            phases,
            self.core.refused_in(&self.node),
            kill_path::now().since(self.clock.begun()),
            self.core.pool.was_refused(),
        ))
    }

    fn phase(&self, stage: &Stage) -> &Planned {
        &self.core.plan.phases()[stage.place]
    }

    fn is_over(&self, stage: &Stage) -> bool {
        stage.place == self.core.plan.phases().len()
    }

    /// When the phase's time is over, as the deadline stands.
    fn ends(&self, stage: &Stage) -> Nanos {
        let deadline = self.clock.deadline();
        self.phase(stage).ends(stage.started, deadline)
    }

    /// How many more tasks might be at work.
    fn backlog(&self, stage: &Stage) -> usize {
        let at_once = self.core.settings.at_once;
        let free = at_once.saturating_sub(stage.seats.taken());
        stage.held_back.len().min(free)
    }

    /// Lets the pool know that there is work, if there is.
    fn offer(self: &Arc<Self>, stage: &mut Stage) {
        if !stage.offered && !self.is_over(stage) && self.backlog(stage) > 0 {
            stage.offered = true;
            self.core.pool.offer(self);
        }
    }

    /// The next task to run, with all steps taken that lead to it.
    fn next(&self, stage: &mut Stage, now: Nanos) -> Option<Turn> {
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
    fn step(&self, stage: &mut Stage, now: Nanos) {
        while !self.is_over(stage) {
            let ends = self.ends(stage);
            if now >= ends {
                self.give_up_all(stage, now);
                self.close_phase(stage, now, ends);
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
                self.close_phase(stage, now, ends);
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
    fn enter(&self, stage: &mut Stage, now: Nanos) {
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
        for seat in 0..stage.seats.seats.len() {
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
    fn settle(&self, stage: &mut Stage, seat: Seat, outcome: Outcome, at: Nanos) {
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
    fn sweep(&self, phases: &mut [PhaseReport]) {
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
    fn take(&self, stage: &mut Stage) {
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

/// What the coordinator remembers from look to look.
struct Ramp {
    place: usize,
    settled: u64,
    /// How many threads the pool gets next, if it is short of them; none if the
    /// system refuses them.
    step: usize,
    /// When the next are due.
    due: Nanos,
    /// Since when the pool has been short of them, and how many it gets for
    /// that.
    short_since: Option<Nanos>,
    crowd: usize,
}

impl Ramp {
    /// Says how many threads to start.
    fn look(&mut self, run: &Run, stage: &mut Stage, now: Nanos, short: bool) -> usize {
        let progress = std::mem::replace(&mut self.settled, stage.settled) != stage.settled;
        let due = self.due <= now;
        if due || progress {
            self.due = now.saturating_add(RAMP);
        }
        if std::mem::replace(&mut self.place, stage.place) != stage.place {
            self.step = 1;
            self.crowd = 1;
        }
        if self.is_crowded(now, short) {
            let more = self.crowd;
            self.crowd *= 2;
            return more;
        }
        if progress {
            self.step = self.step.min(1);
            return 0;
        }
        if !due {
            return 0;
        }
        // Nothing has happened for a moment: this phase takes longer.
        if stage.waiting.is_none() {
            stage.waiting = Some(run.list_waiting(stage.place));
        }
        if !short {
            return 0;
        }
        let more = self.step;
        self.step *= 2;
        more
    }

    fn is_crowded(&mut self, now: Nanos, short: bool) -> bool {
        if !short {
            self.short_since = None;
            return false;
        }
        let since = *self.short_since.get_or_insert(now);
        let crowded = now.since(since) >= CROWDED;
        if crowded {
            self.short_since = Some(now);
        }
        crowded
    }
}

/// A task's turn: what the thread that runs it needs to know.
struct Turn {
    seat: Seat,
    task: Arc<Task>,
    body: Body,
    /// The place of its phase.
    phase: usize,
    started: Nanos,
    ends: Nanos,
}

/// What became of a turn.
struct Done {
    outcome: Outcome,
    payload: Option<Box<dyn Any + Send>>,
    cause: Arc<Cause>,
    at: Nanos,
}

impl Turn {
    /// Runs the task on the calling thread, whose id is `tid`. `cause` is given
    /// back.
    fn take(self, run: &Run, tid: i32, cause: Arc<Cause>) -> Done {
        let task = self.task;
        let phase = &run.core.plan.phases()[self.phase];
        sys::thread::set_name(&task.name);
        let place = ROSTER.running.enter(&kill_path::Entry {
            name: &task.name,
            phase: phase.name.as_str(),
            file: task.site.file(),
            line: task.site.line(),
            started: self.started,
            budget: self.ends.since(self.started),
        });
        if let Some(place) = place {
            place.runs_on(tid);
            task.is_listed(place);
        }
        let context = TaskContext {
            task,
            clock: run.clock,
            ends: self.ends,
            reserved_later: phase.reserved_later,
            cause,
            place,
        };
        let result = current::run(self.seat, || {
            // What a panic leaves behind is the task's own, and the task is
            // over.
            catch_unwind(AssertUnwindSafe(|| (self.body)(&context)))
        });
        ROSTER.running.leave(place);
        let (outcome, payload) = match result {
            Ok(outcome) => (outcome, None),
            Err(payload) => (Outcome::Panicked(message(&*payload)), Some(payload)),
        };
        Done {
            outcome,
            payload,
            cause: context.cause,
            at: kill_path::now(),
        }
    }
}
