//! Describes a gate, and opens it.

use std::time::Duration;

use super::Gate;
use super::drain::register;
use super::plan::Plan;
use super::state::State;
use crate::drain::RegisterError;
use crate::drain::owner::Owner;
use crate::task::PhaseName;
use crate::{Phase, Scope, Shutdown};

impl Shutdown {
    /// Starts describing a gate. A gate counts work in flight. When its phase begins, it
    /// refuses new work, and the phase waits until it is empty.
    ///
    /// # Examples
    ///
    /// See [`Gate`].
    pub fn gate(&self, name: impl Into<String>) -> GateBuilder {
        GateBuilder::new(Owner::Shutdown(self.clone()), name.into())
    }
}

impl Scope {
    /// Starts describing a gate of this scope, which also closes when only the scope is
    /// stopped. After [`restart`](Self::restart), [`Gate::reopen`] opens it again.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use deadstop::{Cause, Shutdown};
    ///
    /// let shutdown = Shutdown::builder().install()?;
    /// let admin = shutdown.scope("admin");
    /// let gate = admin.gate("admin requests").open()?;
    /// admin.stop(Cause::requested("a reload"), Duration::from_secs(5))?;
    /// assert!(gate.enter().is_err());
    ///
    /// admin.restart();
    /// gate.reopen()?;
    /// assert!(gate.enter().is_ok());
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn gate(&self, name: impl Into<String>) -> GateBuilder {
        GateBuilder::new(Owner::Scope(self.clone()), name.into())
    }
}

/// Describes a gate. Made by [`Shutdown::gate`] and [`Scope::gate`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::{Phase, Shutdown};
///
/// let shutdown = Shutdown::builder().install()?;
/// // Not ready for five seconds, but still accepting, while the load balancer notices.
/// let gate = shutdown
///     .gate("http requests")
///     .keep_accepting(Duration::from_secs(5))
///     .budget(Duration::from_secs(15))
///     .open()?;
/// # let _ = gate;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
#[must_use = "a gate is made by `open`"]
pub struct GateBuilder {
    name: String,
    plan: Plan,
}

impl GateBuilder {
    fn new(owner: Owner, name: String) -> Self {
        let plan = Plan {
            owner,
            phase: Phase::DRAIN.into(),
            budget: None,
            keep_accepting: Duration::ZERO,
            streams_within: Duration::from_secs(1),
        };
        Self { name, plan }
    }

    /// Sets how long after the request the gate still admits work; zero unless set. The phase
    /// UNBIND lasts at least as long. This time is part of the grace.
    ///
    /// A load balancer learns of the shutdown only from a health check or an endpoint
    /// update. Until then it sends requests here, and a refusal is an error for a client.
    /// In Kubernetes, 5 s is a usual value; elsewhere, a little more than the interval of
    /// the health check.
    ///
    /// If the shutdown has a phase named "announce", the gate waits there instead of in
    /// UNBIND, so that the tasks of UNBIND (closing listeners) run after that time.
    pub fn keep_accepting(mut self, time: Duration) -> Self {
        self.plan.keep_accepting = time;
        self
    }

    /// Sets the phase that closes the gate and waits for it; DRAIN unless set.
    pub fn phase(mut self, phase: impl Into<PhaseName>) -> Self {
        self.plan.phase = phase.into();
        self
    }

    /// Sets how long the phase waits at most; unless set, as long as the phase may last.
    pub fn budget(mut self, budget: Duration) -> Self {
        self.plan.budget = Some(budget);
        self
    }

    /// Sets how long the phase waits for [streams](Gate::stream) after the last request has
    /// left; 1 s unless set. The gate asks streams to end when it closes.
    pub fn streams_within(mut self, time: Duration) -> Self {
        self.plan.streams_within = time;
        self
    }

    /// Opens the gate: registers the task that closes it and waits for it.
    ///
    /// # Errors
    ///
    /// Fails if the gate's phase does not exist or is over, or if its name is empty. No
    /// task is registered then.
    #[track_caller]
    pub fn open(self) -> Result<Gate, RegisterError> {
        // A gate is as old as its process; a guard is one word because of that.
        let state: &'static State = Box::leak(Box::new(State::new(&self.name, Some(self.plan))));
        register(state, &state.round())?;
        #[cfg(feature = "health")]
        super::numbers::list(state);
        Ok(Gate { state })
    }
}
