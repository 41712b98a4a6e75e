//! Entries of a gate.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::roster::Place;
use super::state::State;
use crate::drain::latch::{Latch, WaitLatch};
use crate::process;

/// One request, message or other unit of work in flight. Dropping it leaves the gate.
///
/// It may be dropped on any thread. While it exists, the gate's phase waits for it; a
/// guard that is leaked is waited for until the budget is over.
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
    place: Option<Place>,
}

impl GateGuard {
    pub(super) const fn new(state: &'static State, place: Option<Place>) -> Self {
        Self { state, place }
    }

    /// Turns the entry into a stream, which the drain does not wait for: for a
    /// response without an end (server-sent events) or an upgraded connection.
    ///
    /// It succeeds in a closed gate too: the entry was admitted.
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
        if let Some(place) = self.place {
            self.state.roster().leave(place);
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
/// Streams are asked to end when the gate closes ([`closing`](Self::closing)). The
/// gate waits for them for a short time only; see
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
}

impl StreamGuard {
    /// Counts a stream, whether the gate is closed or not.
    fn admitted(state: &'static State) -> Self {
        state.streams.enter_closed();
        Self { state }
    }

    /// Counts a stream that the gate has admitted.
    pub(super) const fn entered(state: &'static State) -> Self {
        Self { state }
    }

    /// Returns a future that resolves when the stream should end.
    pub fn closing(&self) -> Closing {
        Closing::of(self.state)
    }

    /// Returns whether the stream should end.
    pub fn should_end(&self) -> bool {
        self.state.closing.is_set()
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
pub struct Closing {
    closes: WaitLatch<&'static Latch>,
    /// Stands for the process; a child of `fork` has another.
    generation: u32,
}

impl Closing {
    pub(super) fn of(state: &'static State) -> Self {
        Self {
            closes: WaitLatch::new(&state.closing),
            generation: state.generation,
        }
    }

    fn is_here(&self) -> bool {
        self.generation == process::generation()
    }

    /// Blocks the thread until the gate closes.
    pub fn wait(&self) {
        if self.is_here() {
            self.closes.latch().wait(None);
        }
    }
}

impl Future for Closing {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        match self.is_here() {
            true => Pin::new(&mut self.closes).poll(context),
            false => Poll::Ready(()),
        }
    }
}

impl fmt::Debug for Closing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Closing")
            .field(&self.closes.latch().is_set())
            .finish()
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
pub struct Drained(Closing);

impl Drained {
    pub(super) fn of(state: &'static State) -> Self {
        Self(Closing {
            closes: WaitLatch::new(&state.drained),
            generation: state.generation,
        })
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
        f.debug_tuple("Drained")
            .field(&self.0.closes.latch().is_set())
            .finish()
    }
}
