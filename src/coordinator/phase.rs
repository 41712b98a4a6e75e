//! A phase: tasks that may run together, and what they may cost.

use std::time::Duration;

use crate::phase_name::PhaseName;

/// A step of the shutdown. The tasks of a phase run side by side; the next phase begins when
/// all of them have ended, or when the phase's budget is over.
///
/// By default there are four phases, in this order:
///
/// | phase | is for |
/// | --- | --- |
/// | [`UNBIND`](Self::UNBIND) | taking no new work |
/// | [`DRAIN`](Self::DRAIN) | finishing the work in flight |
/// | [`FLUSH`](Self::FLUSH) | writing data out |
/// | [`CLOSE`](Self::CLOSE) | releasing resources |
///
/// Pass a phase to [`ShutdownBuilder::phase`](crate::ShutdownBuilder::phase) to add it, or to
/// change one of the four.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::Phase;
///
/// // A new one, directly after DRAIN.
/// let replicate = Phase::new("replicate").after(Phase::DRAIN);
/// // One of the four, with time that the phases before it cannot use up.
/// let flush = Phase::FLUSH.reserve(Duration::from_secs(3));
/// ```
#[derive(Clone, Debug)]
#[must_use = "a phase is nothing until a builder gets it"]
pub struct Phase {
    pub(super) name: PhaseName,
    pub(super) after: Vec<PhaseName>,
    pub(super) before: Vec<PhaseName>,
    pub(super) budget: Option<Duration>,
    pub(super) reserve: Option<Duration>,
    pub(super) on_failure: OnFailure,
    pub(super) always: bool,
    pub(super) disabled: bool,
}

impl Phase {
    /// Taking no new work: listeners close, health checks fail.
    pub const UNBIND: Self = Self::of(PhaseName::new("unbind"));
    /// Finishing the work in flight.
    pub const DRAIN: Self = Self::of(PhaseName::new("drain"));
    /// Writing out data that must not be lost.
    pub const FLUSH: Self = Self::of(PhaseName::new("flush"));
    /// Releasing resources: pools, locks, files. Tasks are in this phase unless the program
    /// sets another.
    pub const CLOSE: Self = Self::of(PhaseName::new("close"));

    /// The number of phases of every shutdown, which come first in a plan.
    pub(super) const DEFAULTS: usize = 4;

    pub(super) fn defaults() -> Vec<Self> {
        vec![Self::UNBIND, Self::DRAIN, Self::FLUSH, Self::CLOSE]
    }

    /// Describes a phase called `name`. With the name of one of the four phases, the builder
    /// changes that phase.
    ///
    /// A phase without [`after`](Self::after) and [`before`](Self::before) comes last.
    pub fn new(name: impl Into<PhaseName>) -> Self {
        Self::of(name.into())
    }

    /// Runs the phase after `other`, as early as the other constraints allow.
    pub fn after(mut self, other: impl Into<PhaseName>) -> Self {
        self.after.push(other.into());
        self
    }

    /// Runs the phase before `other`: without an [`after`](Self::after), as late as the
    /// other constraints allow.
    pub fn before(mut self, other: impl Into<PhaseName>) -> Self {
        self.before.push(other.into());
        self
    }

    /// Sets the maximum time of the phase. Unless set, it is the rest of the grace, less the
    /// reserves of later phases.
    ///
    /// The coordinator abandons a task that has not returned by then, and the next phase
    /// begins.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Sets the time that earlier phases must leave for this one, even if they hang.
    ///
    /// Unless set, FLUSH and CLOSE each reserve a tenth of the grace, at most 2 s, if they have
    /// tasks and the other phases' budgets leave enough time. Other phases reserve nothing.
    /// `Duration::ZERO` means no reserve.
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = Some(reserve);
        self
    }

    /// Sets whether later phases still run after a failure or an overrun in this phase;
    /// [`OnFailure::Continue`] unless set.
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.on_failure = policy;
        self
    }

    /// Sets whether the phase also runs after an earlier phase has ended the sequence; `false`
    /// unless set.
    pub fn always(mut self, always: bool) -> Self {
        self.always = always;
        self
    }

    /// Sets whether the phase's tasks are skipped; `false` unless set. One line in the log says
    /// how many tasks were skipped.
    pub fn disabled(mut self, disabled: bool) -> Self {
        self.disabled = disabled;
        self
    }

    const fn of(name: PhaseName) -> Self {
        Self {
            name,
            after: Vec::new(),
            before: Vec::new(),
            budget: None,
            reserve: None,
            on_failure: OnFailure::Continue,
            always: false,
            disabled: false,
        }
    }
}

/// The consequence of a failure in a phase for the phases after it.
///
/// # Examples
///
/// ```
/// use deadstop::task::OnFailure;
/// use deadstop::{Phase, Shutdown};
///
/// // Where the flush fails, the offsets must not be committed.
/// let shutdown = Shutdown::builder()
///     .phase(Phase::FLUSH.on_failure(OnFailure::End))
///     .phase(Phase::new("commit").after(Phase::FLUSH))
///     .install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnFailure {
    /// They still run.
    Continue,
    /// They are skipped, except those marked [`always`](Phase::always).
    End,
}

impl From<Phase> for PhaseName {
    fn from(phase: Phase) -> Self {
        phase.name
    }
}

impl From<&Phase> for PhaseName {
    fn from(phase: &Phase) -> Self {
        phase.name.clone()
    }
}
