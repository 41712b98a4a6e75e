//! The coordinator: what its threads and the handles share.

use std::sync::Arc;

use super::completion::Completion;
use super::foreign_calls::ForeignCalls;
use super::handler_checks::HandlerChecks;
use super::machine::{Action, Machine};
use super::publish_pending::PublishedPending;
use super::settings::Settings;
use super::thread_counts::ThreadCounts;
use super::wakers::Wakers;
use crate::cause::Cause;
use crate::coordinator::deadline::ShutdownDeadline;
use crate::coordinator::machine::{Rules, ThreadScaling};
use crate::coordinator::plan::Plan;
use crate::lock::{Condvar, Mutex};
use crate::process::{self, FIRST, WATCH};
use crate::report::ShutdownReport;
use crate::reporting::Reporting;
use deadstop_core::Nanos;
use deadstop_core::sys::SignalMask;

/// The coordinator: what the threads and the handles share.
pub(crate) struct Coordinator {
    pub(crate) settings: Settings,
    pub(crate) plan: Arc<Plan>,
    pub(crate) reporting: Reporting,
    pub(crate) completion: Completion,
    deadline: Arc<ShutdownDeadline>,
    /// The path of the root scope, for handles to share.
    pub(super) root_path: Arc<str>,
    /// Idle threads wait here for the whole life of the process: nothing of that may be in a
    /// table that a child of `fork` inherits.
    pub(super) state: Mutex<State>,
    /// Task threads wait for work here.
    pub(super) work: Condvar,
    /// Signal mask of the task threads: tasks may start programs, which inherit it.
    pub(super) mask: SignalMask,
    pub(super) handler_checks: HandlerChecks,
    home: Home,
}

/// The process that a coordinator belongs to. A child of `fork` has copies of its
/// data, and none of its threads.
#[derive(Clone, Copy)]
struct Home {
    pid: i32,
    generation: u32,
}

impl Home {
    fn here() -> Self {
        Self {
            pid: deadstop_core::pid(),
            generation: process::generation(),
        }
    }
}

/// The state that the lock protects.
pub(super) struct State {
    pub(super) machine: Machine,
    /// Empty; its memory is used again.
    pub(super) actions: Vec<Action>,
    pub(super) threads: ThreadCounts,
    pub(super) calls: ForeignCalls,
    pub(super) wakers: Wakers,
    pub(super) scaling: ThreadScaling,
    /// Set once the triggers know that the shutdown has begun.
    pub(super) has_notified_triggers: bool,
    /// Until when `deadstop-run` sleeps.
    pub(super) sleeps_until: Nanos,
    /// The time at which threads are named after the tasks that they run.
    pub(super) naming_due: Nanos,
    /// The report that `deadstop-run` has to handle outside of the lock.
    pub(super) ended: Option<Arc<ShutdownReport>>,
    pub(super) warn_no_waiter: bool,
    pub(super) exit: bool,
    pub(super) published: Option<PublishedPending>,
    pub(super) threads_refused: bool,
}

impl Coordinator {
    pub(crate) fn new(
        settings: Settings,
        plan: Plan,
        reporting: Reporting,
        mask: SignalMask,
    ) -> Arc<Self> {
        let plan = Arc::new(plan);
        let rules = Rules {
            max_concurrent_tasks: settings.max_concurrent_tasks,
            when_done: settings.when_done,
            clean_exit: settings.clean_exit,
            failure_status: settings.failure_status,
        };
        Arc::new(Self {
            deadline: Arc::new(ShutdownDeadline::new(settings.is_attached)),
            root_path: "".into(),
            settings,
            reporting,
            completion: Completion::new(),
            state: Mutex::new(State {
                machine: Machine::new(Arc::clone(&plan), rules),
                actions: Vec::new(),
                threads: ThreadCounts::default(),
                calls: ForeignCalls::new(),
                wakers: Wakers::default(),
                scaling: ThreadScaling::new(deadstop_core::now()),
                has_notified_triggers: false,
                sleeps_until: Nanos::LAST,
                naming_due: Nanos::LAST,
                ended: None,
                warn_no_waiter: false,
                exit: false,
                published: None,
                threads_refused: false,
            }),
            plan,
            work: Condvar::new(),
            mask,
            handler_checks: HandlerChecks::default(),
            home: Home::here(),
        })
    }

    /// Returns `true` in the process that the coordinator belongs to. Only there may the lock be
    /// taken: a child of `fork` may have inherited it held.
    pub(crate) fn is_here(&self) -> bool {
        if self.home.generation != process::generation() {
            return false;
        }
        // One system call, not two.
        let is_watched = !self.settings.is_attached || WATCH.owner() == Some(self.home.pid);
        is_watched && self.home.pid == deadstop_core::pid()
    }

    /// Like [`is_here`](Self::is_here), without a system call; `fork` through libc is
    /// noticed.
    pub(super) fn is_here_still(&self) -> bool {
        self.home.generation == process::generation()
            && (self.settings.is_attached || self.is_here())
    }

    /// Returns `true` once the shutdown has begun. Async-signal-safe.
    #[inline]
    pub(crate) fn is_requested(&self) -> bool {
        match self.settings.is_attached {
            // In this order: the second is a system call, and a program that asks
            // this in a loop is spared it.
            true => FIRST.is_some() && self.is_here(),
            false => self.deadline() != Nanos::LAST && self.is_here(),
        }
    }

    /// Returns the cause of the shutdown.
    pub(crate) fn cause(&self) -> Option<Cause> {
        match self.settings.is_attached {
            true => FIRST.cause(),
            false => self.lock().state.machine.cause().cloned(),
        }
    }

    /// Returns the reason why a hang report will have no stacks, if it should have some.
    pub(crate) fn why_no_stacks(&self) -> Option<&'static str> {
        self.reporting.reporter.as_ref()?.why_no_stacks()
    }

    /// Returns the time at which the process ends, or a detached coordinator's time is over, as far
    /// as it is known.
    pub(in crate::coordinator) fn deadline(&self) -> Nanos {
        self.deadline.get()
    }

    pub(super) fn deadline_handle(&self) -> Arc<ShutdownDeadline> {
        Arc::clone(&self.deadline)
    }
}

impl std::fmt::Debug for Coordinator {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Coordinator").finish_non_exhaustive()
    }
}
