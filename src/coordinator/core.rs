//! What the coordinator's parts and the handles share.
//!
//! # Orderings
//!
//! None of these can be seen by loom to be weakened: locks order what matters. Ids
//! only have to differ. A scope's run is counted in under the registry's lock,
//! under which it is also said that the whole is over: who knows that sees the
//! count. It is counted out before `TRIGGERED` advances, and read behind that.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use log::Level;
use parking_lot::Mutex;

use crate::error::{InstallError, TaskRefused};
use crate::installation;
use crate::kill_path::{self, Mask};
use crate::report::{Log, Outlet, Reporter};
use crate::trigger::{FIRST, TRIGGERED};

use super::clock::Clock;
use super::end::{self, CleanExit, End, Final};
use super::plan::Plan;
use super::pool::Pool;
use super::registry::Registry;
use super::requested::Wakers;
use super::run::Run;
use super::scope::{Node, Position};
use super::shutdown_report::{ShutdownReport, TaskReport};
use super::task::Task;

/// What the builder was told.
#[derive(Debug)]
pub(crate) struct Settings {
    pub(crate) grace: Duration,
    pub(crate) clean_exit: CleanExit,
    pub(crate) failure_status: u8,
    /// How many tasks of a phase may run at once.
    pub(crate) at_once: usize,
}

/// What the coordinator's parts and the handles share.
pub(crate) struct Core {
    pub(crate) settings: Settings,
    pub(crate) plan: Plan,
    pub(crate) root: Arc<Node>,
    pub(crate) end: End,
    pub(crate) log: Log,
    pub(crate) reporter: Reporter,
    outlet: Outlet,
    pub(super) pool: Arc<Pool>,
    pub(super) registry: Mutex<Registry>,
    pub(super) wakers: Wakers,
    pub(super) scopes: Mutex<Vec<Arc<Node>>>,
    refused: Mutex<Vec<TaskReport>>,
    next_id: AtomicU64,
    scope_runs: AtomicUsize,
}

impl Core {
    /// Makes the core with a parked thread for tasks, whose mask will be
    /// `mask`.
    pub(crate) fn new(
        settings: Settings,
        plan: Plan,
        (log, reporter): (Log, Reporter),
        outlet: Outlet,
        mask: Mask,
    ) -> Result<Arc<Self>, InstallError> {
        let phases = plan.phases().len();
        Ok(Arc::new(Self {
            settings,
            plan,
            root: Node::root(),
            end: End::new(),
            log,
            reporter,
            outlet,
            pool: Pool::new(mask)?,
            registry: Mutex::new(Registry::new(phases)),
            wakers: Wakers::new(),
            scopes: Mutex::new(Vec::new()),
            refused: Mutex::new(Vec::new()),
            next_id: AtomicU64::new(0),
            scope_runs: AtomicUsize::new(0),
        }))
    }

    /// Starts `deadstop-run`.
    pub(crate) fn start(self: &Arc<Self>) -> Result<(), InstallError> {
        let core = Arc::clone(self);
        installation::spawn_deep("deadstop-run", move || core.live())
    }

    pub(crate) fn next_id(&self) -> u64 {
        self.next_id.fetch_add(1, Ordering::Relaxed)
    }

    /// Registers a task, if its turn may still come.
    pub(super) fn add(&self, task: &Arc<Task>) -> Result<(), TaskRefused> {
        let mut registry = self.registry.lock();
        let phase = &self.plan.phases()[task.phase];
        let position = match task.scope.position_of_tasks() {
            // Of a detached scope that nobody asked to stop, and nobody will.
            Position::Before if self.root.is_over() => Position::Over,
            position => position,
        };
        match position {
            Position::Over => {
                drop(registry);
                self.refuse(task);
                Err(TaskRefused::Over)
            }
            Position::At { phase: at, .. } if task.phase < at => {
                drop(registry);
                self.refuse(task);
                Err(TaskRefused::PhaseOver {
                    phase: phase.name.clone(),
                })
            }
            position => {
                registry.insert(Arc::clone(task));
                drop(registry);
                if let Position::At { bell, .. } = position {
                    bell.ring_for_added();
                }
                Ok(())
            }
        }
    }

    /// Takes a cancelled task off the list, or lets the run know that has
    /// taken it.
    pub(super) fn remove(&self, task: &Task) {
        if self.registry.lock().remove(task) {
            return;
        }
        if let Position::At { bell, .. } = task.scope.position_of_tasks() {
            bell.ring();
        }
    }

    /// Drops what `task` has not used, on a thread that may hang over it. A
    /// handle may keep the task itself.
    pub(super) fn discard(&self, task: Arc<Task>) {
        self.pool.submit(Box::new(move || drop(task.take_body())));
    }

    /// Notes, for the report, that a task came too late.
    fn refuse(&self, task: &Arc<Task>) {
        self.log.warn(format!(
            "task {:?} was registered too late, at {}",
            task.name, task.site
        ));
        self.refused
            .lock()
            .push(TaskReport::refused(Arc::clone(task)));
    }

    pub(super) fn refused_in(&self, node: &Arc<Node>) -> Vec<TaskReport> {
        let path = node.path();
        let mut refused = self.refused.lock();
        let (of_node, others) = std::mem::take(&mut *refused)
            .into_iter()
            .partition(|task| task.is_below(path));
        *refused = others;
        of_node
    }

    /// Tells those who waited for a request that it has come.
    pub(super) fn tell_requested(&self) {
        #[cfg(feature = "crossbeam-channel")]
        {
            self.root.open_gate();
            self.scopes.lock().iter().for_each(|node| node.open_gate());
        }
        for waker in self.wakers.take_requested() {
            // A waker is the runtime's code: not on this thread, and one that
            // hangs or panics must not keep the others from being woken.
            self.pool.submit(Box::new(move || waker.wake()));
            self.pool.staff(1, 0);
        }
    }

    /// Counts in a scope's own run, which the end then waits for.
    pub(super) fn begin_scope_run(&self) {
        self.scope_runs.fetch_add(1, Ordering::AcqRel);
    }

    /// Counts it out, and wakes whoever waits for it.
    pub(super) fn end_scope_run(&self) {
        self.scope_runs.fetch_sub(1, Ordering::AcqRel);
        TRIGGERED.advance();
    }

    /// Waits until no scope runs by itself.
    pub(super) fn wait_for_scopes(&self) {
        loop {
            let seen = TRIGGERED.read();
            if self.scope_runs.load(Ordering::Acquire) == 0 {
                return;
            }
            TRIGGERED.wait_past(seen, None);
        }
    }

    /// The life of `deadstop-run`.
    fn live(self: &Arc<Self>) {
        let cause = loop {
            let seen = TRIGGERED.read();
            match FIRST.cause() {
                Some(cause) => break cause,
                None => TRIGGERED.wait_past(seen, None),
            }
        };
        if !self.outlet.is_silent() {
            let grace = self.settings.grace;
            self.log.begin(self.outlet.clone(), cause.clone(), grace);
        }
        self.tell_requested();
        let clock = Clock::of_process(kill_path::now());
        let run = Run::new(self, &self.root, clock, cause, FIRST.from());
        run.begin();
        run.watch();
        self.wait_for_scopes();
        self.conclude(&run);
    }

    /// The end, on the thread that ran the last task, if it can be had without
    /// waiting for anything; else the coordinator is told.
    pub(super) fn conclude_early(&self, run: &Arc<Run>) {
        let at_once = run.is_of_whole()
            && self.end.is_waited_for()
            && self.scope_runs.load(Ordering::Acquire) == 0
            && !self.log.hears(Level::Warn)
            && !self.may_tell(run);
        match at_once {
            true => self.conclude(run),
            false => run.bell().ring(),
        }
    }

    /// The end, once.
    fn conclude(&self, run: &Run) {
        let Some(report) = run.report() else {
            return;
        };
        #[cfg(feature = "fault")]
        for fault in report.missed_faults() {
            self.log.warn(format!(
                "a planted fault did not strike, since no task of that name has run and \
                 no such point was reached: {fault}"
            ));
        }
        let status = end::status(&report, &self.settings);
        let report = Arc::new(report);
        self.sum_up(run, &report);
        if run.clock().deadline() <= kill_path::now() {
            // The deadline ends the process, with its status: what comes from
            // here now would be late, and say something else.
            loop {
                thread::park();
            }
        }
        let clean = report.is_clean();
        self.end.come(Final { report, status });
        // Whoever waits for a scope that ended with the whole.
        TRIGGERED.advance();
        if !self.end.finds_company() {
            let signal = run.cause().signal().filter(|_| clean);
            end::exit_with(self.settings.clean_exit, signal, status);
        }
    }

    /// Has the operator told how it went, and waits for that for a moment.
    fn sum_up(&self, run: &Run, report: &Arc<ShutdownReport>) {
        if !self.outlet.is_silent() {
            self.log.end(Arc::clone(report));
        }
        if self.may_tell(run) || self.log.hears(Level::Error) {
            self.log.flush(LOG_PATIENCE);
        }
    }

    /// Whether the operator may have been told anything of the run, which is
    /// over.
    fn may_tell(&self, run: &Run) -> bool {
        let (clock, now) = (run.clock(), kill_path::now());
        self.outlet
            .may_tell(run.cause(), clock.begun(), now, clock.deadline())
    }
}

impl Drop for Core {
    /// Only an `install` that failed drops its core.
    fn drop(&mut self) {
        self.pool.retire();
    }
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core").finish_non_exhaustive()
    }
}

/// How long the end waits for a logger to take the summary. One that takes
/// longer is stuck, or as good as.
const LOG_PATIENCE: Duration = Duration::from_millis(100);
