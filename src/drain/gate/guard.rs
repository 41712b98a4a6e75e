//! Entries of a gate.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use super::roster::SlotIndex;
use super::round::{ClosingOf, DrainedOf, Round};
use super::state::State;
use crate::drain::latch::{Latch, WaitLatch};
use crate::process;

/// One request, message or other unit of work in flight. Dropping it leaves the gate.
///
/// It may be dropped on any thread. The gate's phase waits while it exists; for a leaked guard,
/// until the budget is over.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let gate = shutdown.gate("orders").open()?;
/// let guard: deadstop::drain::GateGuard = gate.enter()?;
/// // The guard can go where the work goes; the gate counts it until it is dropped.
/// let worker = std::thread::spawn(move || drop(guard));
/// # worker.join().unwrap();
/// assert_eq!(gate.in_flight(), 0);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the work is in flight only while the guard exists"]
pub struct GateGuard {
    state: &'static State,
    slot: Option<SlotIndex>,
}

impl GateGuard {
    pub(super) const fn new(state: &'static State, slot: Option<SlotIndex>) -> Self {
        Self { state, slot }
    }

    /// Turns the entry into a stream, which the drain does not wait for: for a
    /// response without an end (server-sent events) or an upgraded connection.
    ///
    /// It succeeds in a closed gate too, because the gate has admitted the entry.
    pub fn into_stream(self) -> StreamGuard {
        // Counted as a stream before it is no longer counted as a request.
        let stream = StreamGuard::admitted(self.state);
        drop(self);
        stream
    }

    /// Returns the name of the gate.
    pub fn gate_name(&self) -> &str {
        &self.state.name
    }
}

impl Drop for GateGuard {
    #[inline]
    fn drop(&mut self) {
        if let Some(slot) = self.slot {
            self.state.roster().leave(slot);
        }
        self.state.requests.leave();
    }
}

impl fmt::Debug for GateGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("GateGuard").field(&self.state.name).finish()
    }
}

/// A stream in flight: work that has no end of its own, such as server-sent events or
/// a WebSocket. Dropping it leaves the gate.
///
/// The gate asks streams to end when it closes ([`closing`](Self::closing)). It waits for them
/// only for a short time; see
/// [`GateBuilder::streams_within`](super::GateBuilder::streams_within).
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let gate = shutdown.gate("http requests").open()?;
/// let stream = gate.stream()?;
/// while !stream.should_end() {
///     // ... send the next event ...
/// #   break;
/// }
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the stream is in flight only while the guard exists"]
pub struct StreamGuard {
    state: &'static State,
    /// `None` in a child of `fork`.
    round: Option<Arc<Round>>,
}

impl StreamGuard {
    /// Counts a stream, whether the gate is closed or not.
    fn admitted(state: &'static State) -> Self {
        state.streams.enter_closed();
        Self::entered(state)
    }

    /// Counts a stream that the gate has admitted.
    pub(super) fn entered(state: &'static State) -> Self {
        Self {
            state,
            round: state.is_here().then(|| state.round()),
        }
    }

    /// Returns a future that resolves when the stream should end.
    pub fn closing(&self) -> Closing {
        Closing::of(self.state, self.round.clone())
    }

    /// Returns `true` if the stream should end.
    pub fn should_end(&self) -> bool {
        self.round.as_ref().is_some_and(|round| round.is_closing())
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        self.state.streams.leave();
    }
}

impl fmt::Debug for StreamGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("StreamGuard")
            .field(&self.state.name)
            .finish()
    }
}

/// A future that resolves when a gate closes, on any runtime. A thread can
/// [`wait`](Self::wait) for it. In a child of `fork`, where no phase closes the gate, it
/// resolves at once.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let gate = shutdown.gate("http requests").open()?;
/// let closing = gate.stream()?.closing();
/// // A thread waits by `closing.wait()`, a future by `closing.await`.
/// let events = async move { closing.await };
/// # drop(events);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing unless it is polled or waited for"]
pub struct Closing(InRound<ClosingOf>);

impl Closing {
    pub(super) fn of(state: &'static State, round: Option<Arc<Round>>) -> Self {
        Self(InRound::new(state, round.map(ClosingOf)))
    }

    /// Blocks the thread until the gate closes.
    pub fn wait(&self) {
        self.0.wait();
    }
}

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Closing").field(&self.0.is_over()).finish()
    }
}

/// Waits for a latch of a round; not at all in a child of `fork`.
struct InRound<L: AsRef<Latch>> {
    waits: Option<WaitLatch<L>>,
    /// Stands for the process; a child of `fork` has another.
    generation: u32,
}

impl<L: AsRef<Latch>> InRound<L> {
    fn new(state: &State, latch: Option<L>) -> Self {
        Self {
            waits: latch.map(WaitLatch::new),
            generation: state.generation,
        }
    }

    fn latch(&self) -> Option<&Latch> {
        let is_here = self.generation == process::generation();
        self.waits
            .as_ref()
            .filter(|_| is_here)
            .map(WaitLatch::latch)
    }

    fn is_over(&self) -> bool {
        self.latch().is_none_or(Latch::is_set)
    }

    fn wait(&self) {
        if let Some(latch) = self.latch() {
            latch.wait(None);
        }
    }
}

impl<L: AsRef<Latch> + Unpin> Future for InRound<L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let is_here = self.generation == process::generation();
        match &mut self.waits {
            Some(waits) if is_here => Pin::new(waits).poll(context),
            _ => Poll::Ready(()),
        }
    }
}

/// A future that resolves when a gate was drained, on any runtime. A thread can
/// [`wait`](Self::wait) for it. Made by [`Gate::drained`](super::Gate::drained). In a child
/// of `fork`, where no phase drains the gate, it resolves at once.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let gate = shutdown.gate("http requests").open()?;
/// let drained: deadstop::drain::Drained = gate.drained();
/// let exit_code = shutdown.finish();
/// drained.wait(); // it is over by now
/// # let _ = exit_code;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "a future does nothing unless it is polled or waited for"]
pub struct Drained(InRound<DrainedOf>);

impl Drained {
    pub(super) fn of(state: &'static State, round: Option<Arc<Round>>) -> Self {
        Self(InRound::new(state, round.map(DrainedOf)))
    }

    /// Blocks the thread until the gate was drained.
    pub fn wait(&self) {
        self.0.wait();
    }
}

impl Future for Drained {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(context)
    }
}

impl fmt::Debug for Drained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Drained").field(&self.0.is_over()).finish()
    }
}
