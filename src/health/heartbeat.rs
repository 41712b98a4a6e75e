//! The handle of a heartbeat, its builder, and its sections.

use std::fmt;
use std::thread;
use std::time::Duration;

use super::beat::Beat;
use super::error::HeartbeatError;
use super::heartbeat_policy::OnStall;
use super::start;
use super::state::State;
use crate::Shutdown;
use crate::process::WATCH;

/// The shortest interval of a heartbeat. A watcher that wakes more often costs time.
const SHORTEST: Duration = Duration::from_millis(10);

/// The number of rounds of the watcher that a start waits for, and the time for each.
const ROUNDS: u32 = 20;
const ROUND: Duration = Duration::from_millis(5);

impl Shutdown {
    /// Starts describing a heartbeat: a sign of life that a loop gives periodically.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use deadstop::Shutdown;
    /// use deadstop::health::OnStall;
    ///
    /// let shutdown = Shutdown::builder().install()?;
    /// let beat = shutdown
    ///     .heartbeat("consumer loop")
    ///     .every(Duration::from_secs(5))
    ///     .on_stall(OnStall::Shutdown)
    ///     .start()?;
    /// for _ in 0..3 {
    ///     beat.tick();
    ///     // ... handle one message ...
    /// }
    /// {
    ///     let _slow = beat.expect(Duration::from_secs(60));
    ///     // ... rebuild the index, for up to a minute ...
    /// }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn heartbeat(&self, name: impl Into<String>) -> HeartbeatBuilder {
        HeartbeatBuilder {
            shutdown: self.clone(),
            name: name.into(),
            every: Duration::from_secs(5),
            on_stall: OnStall::default(),
        }
    }
}

/// Describes a heartbeat. Made by [`Shutdown::heartbeat`].
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
#[derive(Clone, Debug)]
#[must_use = "a heartbeat is watched once it is started"]
pub struct HeartbeatBuilder {
    shutdown: Shutdown,
    name: String,
    every: Duration,
    on_stall: OnStall,
}

impl HeartbeatBuilder {
    /// Sets the longest time that may pass between two ticks: 5 s unless set, at least 10 ms.
    /// deadstop notices a stall at most a quarter of that time later, and at most 1 s later.
    pub fn every(mut self, every: Duration) -> Self {
        self.every = every;
        self
    }

    /// Sets the consequence of a stall.
    pub fn on_stall(mut self, on_stall: OnStall) -> Self {
        self.on_stall = on_stall;
        self
    }

    /// Starts the heartbeat; this counts as a tick. The first heartbeat also starts the threads
    /// `deadstop-health` and `deadstop-stalls`.
    ///
    /// # Errors
    ///
    /// Fails if the name is blank or the interval shorter than 10 ms, in a child of `fork`,
    /// if there are 64 heartbeats already, or if the system refuses a thread. Nothing is
    /// watched then.
    ///
    /// Several heartbeats may have the same name, for example one for each worker thread.
    /// deadstop watches each of them.
    ///
    /// Name it after the loop, not after a connection: a name stays in memory, unless the
    /// process has had a heartbeat of that name shortly before.
    pub fn start(self) -> Result<Heartbeat, HeartbeatError> {
        if self.name.trim().is_empty() {
            return Err(HeartbeatError::Unnamed);
        }
        if self.every < SHORTEST {
            return Err(HeartbeatError::Every { every: self.every });
        }
        if !WATCH.is_owner() {
            return Err(HeartbeatError::Forked);
        }
        let starting = start::begin(&self.shutdown).map_err(HeartbeatError::Watcher)?;
        let state = starting.state;
        let beat = self.open_in(state).ok_or(HeartbeatError::TooMany)?;
        state.wake();
        Ok(Heartbeat { state, beat })
    }

    /// Takes a place for the heartbeat. If all are taken, waits for rounds of the watcher, which
    /// give the places of closed heartbeats back.
    fn open_in(&self, state: &'static State) -> Option<&'static Beat> {
        let policy = self.on_stall.number();
        let open = || state.beats.open(&self.name, self.every, policy);
        for _ in 0..ROUNDS {
            let beat = open();
            if beat.is_some() || !state.beats.has_unsettled() {
                return beat;
            }
            state.wake();
            thread::sleep(ROUND);
        }
        open()
    }

    #[cfg(feature = "tokio")]
    pub(super) fn interval(&self) -> Duration {
        self.every
    }

    #[cfg(feature = "tokio")]
    pub(super) fn shutdown(&self) -> &Shutdown {
        &self.shutdown
    }

    /// Describes another heartbeat, with `suffix` after the name.
    #[cfg(feature = "tokio")]
    pub(super) fn clone_as(&self, suffix: &str) -> Self {
        let mut other = self.clone();
        other.name.push_str(suffix);
        other
    }
}

/// A heartbeat that is watched until it is dropped.
///
/// Share it by reference or in an `Arc`: a tick of any thread counts. Dropping the heartbeat
/// ends the watch, and also a stall.
///
/// Only [`tick`](Self::tick) is async-signal-safe. In a child of `fork` the heartbeat is not
/// watched, and its methods do nothing.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
pub struct Heartbeat {
    state: &'static State,
    beat: &'static Beat,
}

impl Heartbeat {
    /// Gives a sign of life: one relaxed store. Async-signal-safe.
    #[inline]
    pub fn tick(&self) {
        self.beat.tick();
    }

    /// Announces a section in which two ticks may be up to `length` apart, until the returned
    /// guard is dropped. Its begin and its end count as ticks.
    ///
    /// Sections nest: the section that began last sets the limit. When it ends, the limit of
    /// the section before it holds again.
    pub fn expect(&self, length: Duration) -> Section<'_> {
        self.section(Some(length))
    }

    /// Pauses the heartbeat until the returned guard is dropped. Use it for a wait without a
    /// bound, such as a wait for the next message. Nests with [`expect`](Self::expect).
    pub fn pause(&self) -> Section<'_> {
        self.section(None)
    }

    /// Returns a channel that gets a message four times per interval. A loop with
    /// [`crossbeam::select!`](crossbeam_channel::select) ticks at each message, so it also
    /// ticks while it has nothing else to receive. Messages that the loop does not take are
    /// dropped.
    ///
    /// Only with the feature `crossbeam-channel`.
    ///
    /// # Examples
    ///
    /// ```
    /// use std::time::Duration;
    /// use crossbeam::channel::{select, unbounded};
    ///
    /// let shutdown = deadstop::Shutdown::builder().install()?;
    /// let beat = shutdown.heartbeat("orders").every(Duration::from_millis(400)).start()?;
    /// let (ticks, requested) = (beat.receiver(), shutdown.requested().receiver());
    /// let (_orders, incoming) = unbounded::<u32>();
    /// # let mut turns = 0;
    /// loop {
    ///     select! {
    ///         recv(incoming) -> _order => beat.tick(), // ... and handle it
    ///         recv(ticks) -> _ => beat.tick(),
    ///         recv(requested) -> _ => break,
    ///     }
    /// #   turns += 1;
    /// #   if turns == 3 { break; }
    /// }
    /// # let _ = shutdown.finish();
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    #[cfg(feature = "crossbeam-channel")]
    pub fn receiver(&self) -> crossbeam_channel::Receiver<std::time::Instant> {
        crossbeam_channel::tick(self.beat.interval() / 4)
    }

    /// Returns the name.
    pub fn name(&self) -> &str {
        self.beat.name()
    }

    /// Returns `true` while the heartbeat is stalled.
    pub fn is_stalled(&self) -> bool {
        self.beat.is_stalled()
    }

    /// Begins a pause that [`end_section`](Self::end_section) ends.
    pub(super) fn begin_pause(&self) -> Option<u64> {
        self.state.is_own().then(|| self.begin_section(None))
    }

    /// Ends a pause or another section.
    pub(super) fn end_section(&self, id: u64) {
        if self.state.is_own() {
            let is_shorter = self.beat.end_section(id);
            self.watch_sooner(is_shorter);
        }
    }

    fn begin_section(&self, limit: Option<Duration>) -> u64 {
        let (id, is_shorter) = self.beat.begin_section(limit);
        self.watch_sooner(is_shorter);
        id
    }

    /// Has the watcher's next round follow the limit, if that `is_shorter` now.
    #[inline]
    fn watch_sooner(&self, is_shorter: bool) {
        if is_shorter {
            self.state.hasten(self.beat.limit());
        }
    }

    #[cfg(feature = "tokio")]
    pub(super) fn tick_for_others(&self) {
        self.beat.tick_for_others();
    }

    fn section(&self, limit: Option<Duration>) -> Section<'_> {
        // A child of fork may have inherited the lock as held.
        let id = self.state.is_own().then(|| self.begin_section(limit));
        Section {
            heartbeat: self,
            id,
        }
    }
}

impl Drop for Heartbeat {
    fn drop(&mut self) {
        if self.state.is_own() {
            let is_stalled = self.beat.is_stalled();
            self.beat.close();
            if is_stalled {
                // The stall ends at once, and not with the next round.
                self.state.wake();
            }
        }
    }
}

impl fmt::Debug for Heartbeat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Heartbeat")
            .field("name", &self.beat.name())
            .field("stalled", &self.is_stalled())
            .finish_non_exhaustive()
    }
}

/// An announced section of a heartbeat. Its limit holds until the section is dropped.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
///
/// let shutdown = deadstop::Shutdown::builder().install()?;
/// let beat = shutdown.heartbeat("consumer").every(Duration::from_secs(5)).start()?;
/// {
///     // The import may take a minute without a tick.
///     let _section = beat.expect(Duration::from_secs(60));
///     // ... import ...
/// }
/// beat.tick();
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[must_use = "the section ends when this is dropped"]
#[derive(Debug)]
pub struct Section<'a> {
    heartbeat: &'a Heartbeat,
    id: Option<u64>,
}

impl Drop for Section<'_> {
    fn drop(&mut self) {
        if let Some(id) = self.id {
            self.heartbeat.end_section(id);
        }
    }
}
