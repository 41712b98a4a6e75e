//! A phase: tasks that may run together, and what they may cost.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

/// A step of the shutdown. The tasks of a phase run side by side; the next
/// phase begins when all of them have ended, or the phase's budget has.
///
/// Four phases are there by default, in this order:
///
/// | phase | is for |
/// | --- | --- |
/// | [`UNBIND`](Self::UNBIND) | taking no new work |
/// | [`DRAIN`](Self::DRAIN) | finishing the work at hand |
/// | [`FLUSH`](Self::FLUSH) | writing out |
/// | [`CLOSE`](Self::CLOSE) | letting go |
///
/// Give one to [`ShutdownBuilder::phase`](crate::ShutdownBuilder::phase) to add
/// it, or to change one of the four.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::Phase;
///
/// // A new one, right behind DRAIN.
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
    pub(super) reserve: Duration,
    pub(super) on_failure: OnFailure,
    pub(super) always: bool,
    pub(super) disabled: bool,
}

impl Phase {
    /// Taking no new work: listeners close, health checks turn bad.
    pub const UNBIND: Self = Self::of(PhaseName(Cow::Borrowed("unbind")));
    /// Finishing the work at hand.
    pub const DRAIN: Self = Self::of(PhaseName(Cow::Borrowed("drain")));
    /// Writing out what must not be lost.
    pub const FLUSH: Self = Self::of(PhaseName(Cow::Borrowed("flush")));
    /// Letting go: pools, locks, files. Tasks are in this phase unless they
    /// say otherwise.
    pub const CLOSE: Self = Self::of(PhaseName(Cow::Borrowed("close")));

    pub(super) const DEFAULTS: [Self; 4] = [Self::UNBIND, Self::DRAIN, Self::FLUSH, Self::CLOSE];

    /// Starts describing a phase of that name, or changes to the one of the
    /// four that has it.
    ///
    /// A phase that says neither [`after`](Self::after) nor
    /// [`before`](Self::before) comes last.
    pub fn new(name: impl Into<PhaseName>) -> Self {
        Self::of(name.into())
    }

    /// The phase comes after `other`, and as soon after as the rest allows.
    pub fn after(mut self, other: impl Into<PhaseName>) -> Self {
        self.after.push(other.into());
        self
    }

    /// The phase comes before `other`; if it says no
    /// [`after`](Self::after), as late as the rest allows.
    pub fn before(mut self, other: impl Into<PhaseName>) -> Self {
        self.before.push(other.into());
        self
    }

    /// How long the phase may take at most; unless set, what is left of the
    /// grace without the reserves of later phases.
    ///
    /// A task that has not returned by then is abandoned, and the next phase
    /// begins.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.budget = Some(budget);
        self
    }

    /// Time that earlier phases cannot use up, however they hang; none unless
    /// set.
    pub fn reserve(mut self, reserve: Duration) -> Self {
        self.reserve = reserve;
        self
    }

    /// What a failure or an overrun in this phase means for the phases after
    /// it; [`OnFailure::Continue`] unless set.
    pub fn on_failure(mut self, policy: OnFailure) -> Self {
        self.on_failure = policy;
        self
    }

    /// The phase runs also when an earlier one has ended the sequence.
    pub fn always(mut self) -> Self {
        self.always = true;
        self
    }

    /// The phase's tasks are not run. One line in the log says how many there
    /// were.
    pub fn disabled(mut self) -> Self {
        self.disabled = true;
        self
    }

    const fn of(name: PhaseName) -> Self {
        Self {
            name,
            after: Vec::new(),
            before: Vec::new(),
            budget: None,
            reserve: Duration::ZERO,
            on_failure: OnFailure::Continue,
            always: false,
            disabled: false,
        }
    }
}

/// What a failure in a phase means for the phases after it.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum OnFailure {
    /// They run all the same.
    Continue,
    /// They are skipped, but for those marked [`always`](Phase::always).
    End,
}

/// The name of a phase: a text, or the [`Phase`] itself.
#[derive(Clone, Debug, Eq, Hash, PartialEq)]
pub struct PhaseName(Cow<'static, str>);

impl PhaseName {
    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PhaseName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&'static str> for PhaseName {
    fn from(name: &'static str) -> Self {
        Self(Cow::Borrowed(name))
    }
}

impl From<String> for PhaseName {
    fn from(name: String) -> Self {
        Self(Cow::Owned(name))
    }
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
