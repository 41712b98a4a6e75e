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

mod bell;
mod ramp;
mod seats;
mod steps;
mod turn;
mod waiting;

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use crate::cause::Cause;
use crate::kill_path::{self, Nanos};

use super::clock::Clock;
use super::core::Core;
use super::current::{self, Seat};
use super::outcome::Outcome;
use super::scope::Node;
use super::shutdown_report::{PhaseReport, ShutdownReport, TaskReport};
use super::task::Task;

pub(super) use self::bell::Bell;
use self::ramp::Ramp;
use self::seats::Seats;
use self::waiting::Waiting;

/// How long the coordinator sleeps at most. The deadline may be brought forward
/// meanwhile, of which it is not told.
const LOOK: Duration = Duration::from_millis(250);

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
            bell: Arc::new(Bell::new()),
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
        let mut ramp = Ramp::new(kill_path::now());
        loop {
            let rung = self.bell.rung();
            let now = kill_path::now();
            let mut stage = self.stage.lock();
            if self.bell.take_added() {
                self.take(&mut stage);
            }
            self.step(&mut stage, now);
            self.offer(&mut stage);
            if self.is_over(&stage) {
                return;
            }
            let backlog = self.backlog(&stage);
            let short = self.core.pool.is_short(backlog);
            let found = ramp.look(stage.place, stage.settled, now, short);
            if found.is_slow && stage.waiting.is_none() {
                stage.waiting = Some(self.list_waiting(&stage));
            }
            let mut until = match (short && ramp.has_steps()) || stage.waiting.is_none() {
                true => ramp.due(),
                false => now.saturating_add(LOOK),
            };
            until = until.min(self.ends(&stage));
            if let Some(Reverse((ends, ..))) = stage.ends.peek() {
                until = until.min(*ends);
            }
            stage.next_look = until;
            drop(stage);
            if found.more > 0 && !self.core.pool.staff(found.more, backlog) {
                ramp.is_refused();
            }
            self.bell.wait_past(rung, until);
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
        // There are fewer until it is over, and none once they were taken.
        if stage.phases.len() < self.core.plan.phases().len() {
            return None;
        }
        let mut phases = std::mem::take(&mut stage.phases);
        drop(stage);
        if self.node.is_root() {
            self.sweep(&mut phases);
        }
        let report = ShutdownReport::new(
            (*self.cause).clone(),
            phases,
            self.core.refused_in(&self.node),
            kill_path::now().since(self.clock.begun()),
            self.core.pool.was_refused(),
        );
        #[cfg(feature = "fault")]
        let report = match self.node.is_root() {
            true => report.with_missed_faults(),
            false => report,
        };
        Some(report)
    }
}
