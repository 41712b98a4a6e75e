//! The gate: counts work in flight, and refuses new work once the drain has begun.
//!
//! ```text
//!            request           phase UNBIND       phase DRAIN          empty
//! ──admits───────┼──keep_accepting──┼───admits──────────┼──refuses, waits──┼─▶
//!                should_close grows                    closing resolves
//! ```
//!
//! A gate counts requests, not connections: a connection that has sent no request yet
//! holds nothing up.

mod builder;
mod counter;
mod drain;
mod error;
mod guard;
#[cfg(feature = "tower")]
mod layer;
#[cfg(feature = "health")]
mod numbers;
mod plan;
mod roster;
mod round;
mod state;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use deadstop_core::now;

pub use self::builder::GateBuilder;
pub use self::error::GateClosed;
pub use self::guard::{Closing, Drained, GateGuard, StreamGuard};
#[cfg(feature = "tower")]
pub use self::layer::{GateBody, GateFuture, GateLayer, GateService};
#[cfg(feature = "health")]
pub(crate) use self::numbers::{GateNumbers, gates};

pub(super) use self::counter::Counter;

use self::round::Round;
use self::state::State;
use super::{RegisterError, thread_id};

/// Counts work in flight. Made by [`Shutdown::gate`](crate::Shutdown::gate).
///
/// A `Gate` is a handle: it can be copied, sent and shared. Entering and leaving take
/// no lock and allocate nothing; each is one atomic operation. The gate itself lives as
/// long as the process, so make one for each kind of work, not one for each request.
///
/// A child of `fork` has its own copy of the counters. No phase waits for it.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use deadstop::Shutdown;
///
/// let shutdown = Shutdown::builder().install()?;
/// let gate = shutdown.gate("http requests").open()?;
///
/// // For each request:
/// let guard = gate.enter_named("GET /orders/7")?;
/// assert_eq!(gate.in_flight(), 1);
/// // ... answer it ...
/// drop(guard);
///
/// // The phase DRAIN waits until no guard is left.
/// let exit_code = shutdown.finish();
/// assert!(gate.enter().is_err());
/// # let _ = exit_code;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Gate {
    state: &'static State,
}

impl Gate {
    /// Enters the gate.
    ///
    /// # Errors
    ///
    /// Fails if the gate is closed: the phase that waits for it has begun. The refusal
    /// is counted, and nothing else changes.
    #[inline]
    pub fn enter(&self) -> Result<GateGuard, GateClosed> {
        match self.state.requests.enter() {
            true => Ok(GateGuard::new(self.state, None)),
            false => Err(self.refuse()),
        }
    }

    /// Enters the gate under a name, which progress lines and the hang report show for
    /// the oldest entry, with its age and the thread that entered.
    ///
    /// A gate lists 64 named entries at a time and counts the others. Up to 64 bytes of a name
    /// are kept. It reads the clock twice, which [`enter`](Self::enter) does not, and allocates
    /// nothing.
    ///
    /// # Errors
    ///
    /// As `enter`.
    pub fn enter_named(&self, name: &str) -> Result<GateGuard, GateClosed> {
        if !self.state.requests.enter() {
            return Err(self.refuse());
        }
        let slot = self.state.roster().enter(name, now(), thread_id::current());
        Ok(GateGuard::new(self.state, slot))
    }

    /// Counts a stream: work without an end of its own. The drain asks it to end, and waits for
    /// it only for a short time.
    ///
    /// # Errors
    ///
    /// As [`enter`](Self::enter).
    pub fn stream(&self) -> Result<StreamGuard, GateClosed> {
        match self.state.streams.enter() {
            true => Ok(StreamGuard::entered(self.state)),
            false => Err(self.refuse()),
        }
    }

    /// Opens the gate again, for a scope that was stopped alone and
    /// [restarted](crate::Scope::restart): admits new entries, and registers the task that
    /// closes it. Entries that the stop did not wait for stay counted. Returns `false`, and
    /// changes nothing, if the gate is open.
    ///
    /// # Errors
    ///
    /// Fails if the gate's scope was not restarted, if the whole shutdown has begun, and in
    /// a child of `fork`. The gate stays closed.
    #[track_caller]
    pub fn reopen(&self) -> Result<bool, RegisterError> {
        if !self.state.is_here() {
            return Err(RegisterError::Forked);
        }
        if self.state.is_owner_requested() {
            return Err(RegisterError::Over);
        }
        // Before the task is registered, which may close the gate at once.
        let Some(round) = self.state.reopen() else {
            return Ok(false);
        };
        drain::register(self.state, &round).inspect_err(|_| self.state.give_up(&round))?;
        Ok(true)
    }

    /// Returns the number of requests in flight. Streams are not counted.
    pub fn in_flight(&self) -> u64 {
        self.state.requests.entries()
    }

    /// Returns the number of streams in flight.
    pub fn streams(&self) -> u64 {
        self.state.streams.entries()
    }

    /// Returns the number of refused entries.
    pub fn refused(&self) -> u64 {
        self.state.refused.load(Ordering::Relaxed)
    }

    /// Returns `true` if the gate refuses new entries.
    pub fn is_closed(&self) -> bool {
        self.state.requests.is_closed()
    }

    /// Returns `true` if a server should ask this client to open a new connection
    /// elsewhere: `Connection: close` in HTTP/1, GOAWAY in HTTP/2.
    ///
    /// It is `false` before the request. During
    /// [`keep_accepting`](GateBuilder::keep_accepting) it is `true` for a share of the
    /// calls that grows from none to all, so that clients do not all reconnect at the same
    /// moment. After that, or without `keep_accepting`, it is `true`.
    pub fn should_close(&self) -> bool {
        self.state.should_close()
    }

    /// Returns a future that resolves when the gate closes: when its phase begins.
    pub fn closing(&self) -> Closing {
        Closing::of(self.state, self.round())
    }

    /// Returns a future that resolves when the gate's phase no longer waits: the gate is
    /// closed, and it is empty or abandoned. A server that also waits for connections can stop
    /// waiting then, because the remaining connections have sent no whole request.
    pub fn drained(&self) -> Drained {
        Drained::of(self.state, self.round())
    }

    /// Returns the name and the age of the oldest named entry that is in flight.
    pub fn oldest(&self) -> Option<(String, Duration)> {
        let oldest = self.state.oldest()?;
        Some((oldest.name, now().since(oldest.entered)))
    }

    /// Returns the name of the gate.
    pub fn name(&self) -> &'static str {
        &self.state.name
    }

    /// `None` in a child of `fork`.
    fn round(&self) -> Option<Arc<Round>> {
        self.state.is_here().then(|| self.state.round())
    }

    #[cold]
    fn refuse(&self) -> GateClosed {
        self.state.refuse();
        GateClosed::new(self.name())
    }
}

impl fmt::Debug for Gate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gate")
            .field("name", &self.state.name)
            .field("in_flight", &self.in_flight())
            .field("streams", &self.streams())
            .field("refused", &self.refused())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
