//! The state of a heartbeat, shared by its handle and the watcher.
//!
//! # Orderings
//!
//! A handle that changes the limit ticks first, and then stores the limit with `Release`.
//! The watcher loads the limit with `Acquire` and then takes the tick: with the new limit
//! it sees that tick, and the time before it is not measured by the new limit. `session`
//! is stored last by a handle that opens a beat, and loaded first by the watcher. Ticks
//! pass nothing on, so they are relaxed.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use deadstop_core::Nanos;

use super::heartbeat_policy::OnStall;
use super::watch::Sight;
use crate::lock::Mutex;
use crate::sys::published::Published;

/// The ticker of a tick that no thread in particular gave.
const NO_THREAD: i32 = -1;

/// The limit of a heartbeat that is paused.
const PAUSED: u64 = u64::MAX;

/// The state of one heartbeat. Cache lines are not shared: a tick must not wait for
/// another processor's.
#[repr(align(128))]
pub(super) struct Beat {
    ticker: AtomicI32,
    limit: AtomicU64,
    /// Odd while a handle exists.
    session: AtomicU32,
    /// Changed only while no handle exists, and never freed.
    name: Published<String>,
    /// The session that the watcher has last seen closed.
    settled: AtomicU32,
    every: AtomicU64,
    pub(super) policy: AtomicU8,
    /// The limits of sections that have begun and not ended, innermost last.
    sections: Mutex<Vec<(u64, u64)>>,
    next_section: AtomicU64,
    /// Written by the watcher alone once there is a handle, like the next five.
    last: AtomicU64,
    /// The thread that ticked last.
    thread: AtomicI32,
    stalled: AtomicBool,
    /// Set if the stall counts for liveness.
    counts: AtomicBool,
    stalls: AtomicU32,
    /// The key of the stall in the roster; zero if the roster does not list one.
    listed: AtomicU64,
    /// Findings that `deadstop-stalls` has not handled yet, as bits.
    findings: AtomicU8,
}

/// Bits of [`Beat::findings`].
pub(super) const STALLED: u8 = 1;
pub(super) const RECOVERED: u8 = 2;
/// `deadstop-stalls` handles a finding.
const HANDLING: u8 = 4;

impl Beat {
    pub(super) fn new(name: String) -> Self {
        let beat = Self {
            ticker: AtomicI32::new(0),
            limit: AtomicU64::new(PAUSED),
            session: AtomicU32::new(0),
            name: Published::nothing(),
            settled: AtomicU32::new(0),
            every: AtomicU64::new(PAUSED),
            policy: AtomicU8::new(0),
            sections: Mutex::new(Vec::new()),
            next_section: AtomicU64::new(0),
            last: AtomicU64::new(0),
            thread: AtomicI32::new(0),
            stalled: AtomicBool::new(false),
            counts: AtomicBool::new(false),
            stalls: AtomicU32::new(0),
            listed: AtomicU64::new(0),
            findings: AtomicU8::new(0),
        };
        beat.name.replace(Box::new(name));
        beat
    }

    /// Gives the place to another name. The heartbeat that was there must be settled.
    pub(super) fn renamed(&self, name: String) -> &Self {
        self.stalls.store(0, Ordering::Relaxed);
        self.name.replace(Box::new(name));
        self
    }

    pub(super) fn name(&self) -> &'static str {
        self.name.get().map_or("", String::as_str)
    }

    /// Opens the heartbeat for a handle.
    pub(super) fn open(&self, every: Duration, policy: u8) {
        let every = nanos(every);
        self.every.store(every, Ordering::Relaxed);
        self.policy.store(policy, Ordering::Relaxed);
        self.last.store(deadstop_core::now().0, Ordering::Relaxed);
        self.stalled.store(false, Ordering::Relaxed);
        // The first sight of a session counts as a tick. The handle may be given to another
        // thread, whose ticks must say so at once.
        self.ticker.store(0, Ordering::Relaxed);
        self.thread.store(deadstop_core::tid(), Ordering::Relaxed);
        self.limit.store(every, Ordering::Release);
        self.session.fetch_add(1, Ordering::Release);
    }

    pub(super) fn close(&self) {
        self.sections.lock().clear();
        self.session.fetch_add(1, Ordering::Release);
    }

    pub(super) fn is_open(&self) -> bool {
        self.session() & 1 == 1
    }

    /// Returns a number that differs between two heartbeats in the same place.
    pub(super) fn session(&self) -> u32 {
        self.session.load(Ordering::Acquire)
    }

    /// Notes that a round of the watcher is over in which `session` was seen closed.
    pub(super) fn settle(&self, session: u32) {
        self.settled.store(session, Ordering::Release);
    }

    /// Returns `true` if the heartbeat is closed and no thread decides anything about it.
    pub(super) fn is_settled(&self) -> bool {
        let session = self.session();
        session & 1 == 0
            && self.settled.load(Ordering::Acquire) == session
            && self.findings.load(Ordering::Acquire) == 0
    }

    /// Adds findings for `deadstop-stalls`.
    pub(super) fn add_findings(&self, findings: u8) {
        self.findings.fetch_or(findings, Ordering::AcqRel);
    }

    /// Takes the findings; only `deadstop-stalls` may call this. The heartbeat keeps its
    /// place until [`end_handling`](Self::end_handling).
    pub(super) fn take_findings(&self) -> u8 {
        match self.findings.load(Ordering::Relaxed) {
            0 => 0,
            _ => self.findings.swap(HANDLING, Ordering::AcqRel),
        }
    }

    pub(super) fn end_handling(&self) {
        self.findings.fetch_and(!HANDLING, Ordering::AcqRel);
    }

    #[inline]
    pub(super) fn tick(&self) {
        if self.ticker.load(Ordering::Relaxed) == 0 {
            self.tick_first();
        }
    }

    /// Ticks in the name of other threads: a stall has then no thread of its own.
    #[cfg(feature = "tokio")]
    pub(super) fn tick_for_others(&self) {
        self.ticker.store(NO_THREAD, Ordering::Relaxed);
    }

    /// The first tick since a round of the watcher.
    #[cold]
    fn tick_first(&self) {
        self.ticker.store(deadstop_core::tid(), Ordering::Relaxed);
    }

    /// Begins a section with a limit of its own; `None` is no limit. Returns its id, and whether
    /// the limit is shorter than the one before.
    pub(super) fn begin_section(&self, limit: Option<Duration>) -> (u64, bool) {
        let id = self.next_section.fetch_add(1, Ordering::Relaxed);
        let limit = limit.map_or(PAUSED, nanos);
        let mut sections = self.sections.lock();
        sections.push((id, limit));
        let is_shorter = self.set_limit(limit);
        (id, is_shorter)
    }

    /// Ends the section `id`. The innermost section that is left sets the limit. Returns whether
    /// that is a shorter one.
    pub(super) fn end_section(&self, id: u64) -> bool {
        let mut sections = self.sections.lock();
        sections.retain(|(other, _)| *other != id);
        let every = self.every.load(Ordering::Relaxed);
        let limit = sections.last().map_or(every, |(_, limit)| *limit);
        self.set_limit(limit)
    }

    /// Returns `true` if the limit is shorter than the one before.
    fn set_limit(&self, limit: u64) -> bool {
        let is_shorter = limit < self.limit.load(Ordering::Relaxed);
        // A tick that reads an old value stores nothing: the watcher could then see the new
        // limit without a tick.
        self.tick_first();
        self.limit.store(limit, Ordering::Release);
        is_shorter
    }

    /// Returns the longest time between two ticks outside of sections.
    #[cfg(feature = "crossbeam-channel")]
    pub(super) fn interval(&self) -> Duration {
        Duration::from_nanos(self.every.load(Ordering::Relaxed))
    }

    /// Takes what a round of the watcher sees; `None` if there is no handle.
    pub(super) fn take_sight(&self) -> Option<Sight> {
        let session = self.session.load(Ordering::Acquire);
        if session & 1 == 0 {
            return None;
        }
        let limit = self.limit();
        let ticker = self.ticker.swap(0, Ordering::Relaxed);
        if ticker != 0 {
            let thread = if ticker == NO_THREAD { 0 } else { ticker };
            self.thread.store(thread, Ordering::Relaxed);
        }
        Some(Sight {
            session,
            ticked: ticker != 0,
            limit,
        })
    }

    /// Returns the longest time between two ticks; `None` while paused.
    pub(super) fn limit(&self) -> Option<Duration> {
        match self.limit.load(Ordering::Acquire) {
            PAUSED => None,
            limit => Some(Duration::from_nanos(limit)),
        }
    }

    /// Notes when the watcher last saw a tick.
    pub(super) fn set_last(&self, last: Nanos) {
        self.last.store(last.0, Ordering::Relaxed);
    }

    /// Returns the time at which the watcher last saw a tick.
    pub(super) fn last(&self) -> Nanos {
        Nanos(self.last.load(Ordering::Relaxed))
    }

    /// Returns the time since the watcher last saw a tick.
    pub(super) fn age(&self, now: Nanos) -> Duration {
        now.since(Nanos(self.last.load(Ordering::Relaxed)))
    }

    /// Returns the thread that ticked last, as far as the watcher has seen.
    pub(super) fn thread(&self) -> i32 {
        self.thread.load(Ordering::Relaxed)
    }

    /// Notes where the roster lists the stall; zero is nowhere.
    pub(super) fn set_listed(&self, key: u64) {
        self.listed.store(key, Ordering::Relaxed);
    }

    /// Returns the key of the stall in the roster; zero if the roster does not list one.
    pub(super) fn listed(&self) -> u64 {
        self.listed.load(Ordering::Relaxed)
    }

    /// Notes a stall. `counts` says whether it counts for liveness.
    pub(super) fn stall(&self, counts: bool) {
        self.counts.store(counts, Ordering::Relaxed);
        self.stalls.fetch_add(1, Ordering::Relaxed);
        self.stalled.store(true, Ordering::Release);
    }

    /// Notes the end of a stall.
    pub(super) fn recover(&self) {
        self.stalled.store(false, Ordering::Release);
    }

    /// Returns `false` while the heartbeat has a stall that counts for liveness.
    pub(super) fn is_alive(&self) -> bool {
        !(self.is_stalled() && self.counts.load(Ordering::Relaxed))
    }

    /// Returns the number of stalls, under any handle of this name.
    pub(super) fn stalls(&self) -> u32 {
        self.stalls.load(Ordering::Relaxed)
    }

    pub(super) fn is_stalled(&self) -> bool {
        self.stalled.load(Ordering::Acquire)
    }

    pub(super) fn policy(&self) -> OnStall {
        OnStall::from_number(self.policy.load(Ordering::Relaxed))
    }
}

fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos())
        .unwrap_or(PAUSED - 1)
        .min(PAUSED - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_secs(1);

    #[test]
    fn sections_nest_and_restore_in_any_order() {
        let beat = Beat::new("loop".into());
        beat.open(EVERY, 0);
        let (long, _) = beat.begin_section(Some(EVERY * 60));
        assert_eq!(beat.limit(), Some(EVERY * 60));
        let (pause, is_shorter) = beat.begin_section(None);
        assert!(!is_shorter);
        assert_eq!(beat.limit(), None);
        beat.end_section(long);
        assert_eq!(beat.limit(), None);
        assert!(beat.end_section(pause));
        assert_eq!(beat.limit(), Some(EVERY));
    }

    #[test]
    fn end_of_a_section_counts_as_a_tick() {
        let beat = Beat::new("loop".into());
        beat.open(EVERY, 0);
        let (section, _) = beat.begin_section(None);
        beat.take_sight();
        assert!(!beat.take_sight().expect("it is open").ticked);
        beat.end_section(section);
        assert!(beat.take_sight().expect("it is open").ticked);
    }
}
