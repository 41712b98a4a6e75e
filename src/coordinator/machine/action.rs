//! Actions that the machine decides on.

use std::panic::Location;
use std::sync::Arc;

use crate::cause::Cause;
use crate::report::{Outcome, ShutdownReport};
use deadstop_core::Nanos;

/// A decision, for the driver to carry out.
#[derive(Debug)]
pub(in crate::coordinator) enum Action<P> {
    /// A scope's own run begins.
    ScopeBegan { path: Arc<str>, cause: Arc<Cause> },
    /// A scope's own run is over.
    ScopeEnded {
        path: Arc<str>,
        report: Arc<ShutdownReport>,
    },
    /// A phase of the whole shutdown begins at `now`, and its time is over at `ends`.
    PhaseBegan {
        place: usize,
        now: Nanos,
        ends: Nanos,
    },
    /// The phase of the whole shutdown that began last is over.
    PhaseEnded { now: Nanos },
    /// A phase of any run is left.
    PhaseDisabled { place: usize, tasks: usize },
    /// A task of an earlier phase or of a run that is over was registered.
    TaskRefused {
        name: Arc<str>,
        site: &'static Location<'static>,
    },
    /// A task's time is over: tell it, and stop waiting for its thread.
    Abandon { payload: P },
    /// A task left its work undone.
    TaskFailed { name: Arc<str>, outcome: Outcome },
    /// A task will not run: drop what it would have used, where that may hang.
    Discard { payload: P },
    /// The whole shutdown and all scopes are over. Write the summary, and then call
    /// `conclude`.
    AllEnded(Arc<ShutdownReport>),
    /// No thread waits for the end, and it has been over for a while.
    WarnNoWaiter,
    /// End the process: nothing waits, and `WhenDone::Exit` says so.
    Exit,
}
