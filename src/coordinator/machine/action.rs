//! Actions that the machine decides on.

use std::panic::Location;
use std::sync::Arc;

use crate::cause::Cause;
use crate::report::{Outcome, SharedText, ShutdownReport};
use deadstop_core::Nanos;

/// A decision, for the driver to carry out.
pub(in crate::coordinator) enum Action<S, B> {
    /// A scope's own run begins.
    ScopeBegan { path: Arc<str>, cause: Arc<Cause> },
    /// A scope's own run is over.
    ScopeEnded {
        path: Arc<str>,
        report: Arc<ShutdownReport>,
    },
    /// A phase of the whole shutdown begins at `now`, and its time is over at `ends`.
    PhaseBegan {
        phase: usize,
        now: Nanos,
        ends: Nanos,
    },
    /// The phase of the whole shutdown that began last is over.
    PhaseEnded { now: Nanos },
    /// A phase of any run is left.
    PhaseDisabled { phase: usize, tasks: usize },
    /// A task of an earlier phase or of a run that is over was registered.
    TaskRefused {
        name: SharedText,
        site: &'static Location<'static>,
    },
    /// A task's time is over: tell it, and stop waiting for its thread.
    Abandon { task: S },
    /// A task left its work undone.
    TaskFailed { name: SharedText, outcome: Outcome },
    /// A task will not run: drop what it would have run, where that may hang.
    Discard { body: B },
    /// The whole shutdown and all scopes are over. Write the summary, and then call
    /// `conclude`.
    AllEnded(Arc<ShutdownReport>),
    /// No thread waits for the end, and it has been over for a while.
    WarnNoWaiter,
    /// End the process: nothing waits, and `WhenDone::Exit` says so.
    Exit,
}
