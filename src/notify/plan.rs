//! Decides which notification is sent when: a pure state machine, with time passed in.
//!
//! ```text
//!            set_ready          reloading ⇄ over
//! Starting ─────────▶ Ready ◀─────────────────▶ Reloading
//!     │                 │ ▲ WATCHDOG=1 each half interval, while no heartbeat is late
//!     │ request         │ request
//!     └────────────────▶▼
//!                   Stopping: STATUS and EXTEND_TIMEOUT_USEC each second
//!
//! in any state: a successor ──▶ MAINPID, and then nothing more
//! a successor that is not ready yet: nothing, whatever its state
//! ```
//!
//! A message that the socket did not take is sent again, until it is out of date.

use std::time::Duration;

use deadstop_core::Nanos;

use super::heartbeats::Heartbeats;
use super::message::Message;
use super::situation::{Reloads, Situation, Stop};

/// The time between two messages about the progress of the shutdown.
const PROGRESS_EVERY: Duration = Duration::from_secs(1);

/// How much longer than up to the deadline the manager should wait: for the backup timer, and
/// for the kernel to free the memory.
const MARGIN: Duration = Duration::from_secs(2);

/// For how long a shutdown without a deadline asks the manager to wait, at a time.
const UNBOUNDED: Duration = Duration::from_secs(60);

/// The delay before a message that the socket did not take is tried again.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// The time from a stall to `WATCHDOG=trigger`, upon which systemd kills the process: the
/// stall's report must be written by then.
const REPORT_TIME: Duration = Duration::from_millis(1_500);

/// The time between two reads of heartbeats that are not known to be in time.
const REREAD_EVERY: Duration = Duration::from_millis(250);

/// The next action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Send(Message),
    /// Wait for a change, or until this instant.
    Wait(Option<Nanos>),
}

/// The messages sent so far, from which the next one follows.
#[derive(Debug)]
pub(super) struct Plan {
    /// Half of the manager's watchdog interval, if the manager has one.
    interval: Option<Duration>,
    is_ready: bool,
    reloads_begun: u32,
    reloads_ended: u32,
    is_stopping: bool,
    /// The time of the last `WATCHDOG=1`.
    alive: Option<Nanos>,
    /// The time of the last message about the progress of the shutdown.
    progress: Nanos,
    /// The stall for which `WATCHDOG=trigger` was sent.
    triggered: Option<Nanos>,
    has_successor: bool,
    /// The earliest time of the next message.
    not_before: Nanos,
}

impl Plan {
    /// Makes a plan for a process whose manager expects a sign of life each `watchdog`.
    pub(super) fn new(watchdog: Option<Duration>) -> Self {
        Self {
            interval: watchdog.map(|length| (length / 2).max(Duration::from_millis(1))),
            is_ready: false,
            reloads_begun: 0,
            reloads_ended: 0,
            is_stopping: false,
            alive: None,
            progress: Nanos(0),
            triggered: None,
            has_successor: false,
            not_before: Nanos(0),
        }
    }

    /// Decides what comes next.
    pub(super) fn next(&self, situation: &Situation, now: Nanos) -> Next {
        match self.message(situation, now) {
            Some(_) if now < self.not_before => Next::Wait(Some(self.not_before)),
            Some(message) => Next::Send(message),
            None => Next::Wait(self.due(situation, now)),
        }
    }

    /// Notes whether the socket took `message` at `now`.
    pub(super) fn record(
        &mut self,
        message: Message,
        situation: &Situation,
        is_sent: bool,
        now: Nanos,
    ) {
        if !is_sent {
            self.not_before = now.saturating_add(RETRY_AFTER);
            return;
        }
        match message {
            Message::Ready => {
                if !self.is_ready {
                    // The manager hears of none that was over before.
                    self.reloads_begun = situation.reloads.ended;
                }
                self.is_ready = true;
                self.reloads_ended = situation.reloads.ended;
            }
            Message::Reloading { .. } => self.reloads_begun = situation.reloads.begun,
            Message::Stopping { .. } => {
                self.is_stopping = true;
                self.progress = now;
            }
            Message::Progress { .. } => self.progress = now,
            Message::Alive => self.alive = Some(now),
            Message::Stalled => self.triggered = situation.late_since(),
            Message::Successor { .. } => self.has_successor = true,
        }
    }

    fn message(&self, situation: &Situation, now: Nanos) -> Option<Message> {
        // The service is the predecessor: a successor that stops must not stop that.
        if situation.has_predecessor {
            return None;
        }
        if let Some(pid) = situation.successor {
            return (!self.has_successor).then_some(Message::Successor { pid });
        }
        let stopping = situation.stop.filter(|_| !self.is_stopping);
        if let Some(stop) = stopping {
            let extend = extension(&stop, now);
            return Some(Message::Stopping { extend });
        }
        let is_due = |due: Option<Nanos>| due.is_some_and(|due| due <= now);
        if is_due(self.trigger_due(situation)) {
            return Some(Message::Stalled);
        }
        if is_due(self.alive_due(situation)) {
            return Some(Message::Alive);
        }
        match situation.stop {
            Some(stop) => is_due(self.progress_due(&stop)).then(|| Message::Progress {
                extend: extension(&stop, now),
            }),
            None => self.lifecycle(situation),
        }
    }

    /// Returns the message about readiness or a reload that is due. A reload that began and
    /// ended since the last message is announced as both, unless that was before the program
    /// was ready.
    fn lifecycle(&self, situation: &Situation) -> Option<Message> {
        let Reloads { begun, ended, at } = situation.reloads;
        if self.is_ready && begun != self.reloads_begun {
            return Some(Message::Reloading { at });
        }
        let is_over = begun == ended && ended != self.reloads_ended;
        let is_news = !self.is_ready || is_over;
        (situation.is_ready && is_news).then_some(Message::Ready)
    }

    fn due(&self, situation: &Situation, now: Nanos) -> Option<Nanos> {
        if situation.has_predecessor || situation.successor.is_some() {
            return None;
        }
        let progress = situation.stop.and_then(|stop| self.progress_due(&stop));
        let reread = (situation.heartbeats == Heartbeats::Unknown && self.interval.is_some())
            .then(|| now.saturating_add(REREAD_EVERY));
        let dues = [
            progress,
            reread,
            self.alive_due(situation),
            self.trigger_due(situation),
        ];
        dues.into_iter().flatten().min()
    }

    fn progress_due(&self, stop: &Stop) -> Option<Nanos> {
        let due = self.progress.saturating_add(PROGRESS_EVERY);
        (due < stop.report_due).then_some(due)
    }

    /// Returns the time of the next `WATCHDOG=1`. A process that stops is bounded by its
    /// deadline, so its signs of life go on even if a loop has ended or is late.
    fn alive_due(&self, situation: &Situation) -> Option<Nanos> {
        let interval = self.interval?;
        let is_alive = match situation.heartbeats {
            Heartbeats::None => false,
            Heartbeats::InTime => true,
            Heartbeats::Late { .. } | Heartbeats::Unknown => situation.stop.is_some(),
        };
        let last = self.alive.map(|last| last.saturating_add(interval));
        is_alive.then(|| last.unwrap_or(Nanos(0)))
    }

    fn trigger_due(&self, situation: &Situation) -> Option<Nanos> {
        let since = situation
            .late_since()
            .filter(|_| situation.stop.is_none())?;
        (self.triggered != Some(since)).then(|| since.saturating_add(REPORT_TIME))
    }
}

/// Returns for how long the manager should wait, from `now` on.
fn extension(stop: &Stop, now: Nanos) -> Duration {
    match stop.deadline {
        Nanos::LAST => UNBOUNDED,
        deadline => deadline.since(now).saturating_add(MARGIN),
    }
}

#[cfg(test)]
mod tests;
