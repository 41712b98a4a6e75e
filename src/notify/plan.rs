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
//! ```
//!
//! A message that the socket did not take is sent again, until it is out of date.

use std::time::Duration;

use deadstop_core::Nanos;

use super::heartbeats::Heartbeats;
use super::message::Message;

/// The time between two messages about the progress of the shutdown.
const PROGRESS: Duration = Duration::from_secs(1);

/// The manager's wait beyond the deadline: for the backup timer, and for the kernel to free
/// the memory.
const MARGIN: Duration = Duration::from_secs(2);

/// For how long a shutdown without a deadline asks at a time.
const UNBOUNDED: Duration = Duration::from_secs(60);

/// The delay before a message that the socket did not take is tried again.
const RETRY: Duration = Duration::from_millis(100);

/// From a stall to `WATCHDOG=trigger`, upon which systemd kills: the time for the stall's
/// report.
const REPORT: Duration = Duration::from_millis(1_500);

/// The time between two reads of heartbeats that are not known to be in time.
const LOOK: Duration = Duration::from_millis(250);

/// The reloads so far.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Reloads {
    pub(super) begun: u32,
    pub(super) ended: u32,
    /// The time at which the last one began.
    pub(super) at: Nanos,
}

/// A shutdown that has begun.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Stop {
    /// The end of the process; `Nanos::LAST` without a deadline.
    pub(super) deadline: Nanos,
    /// From when on the status is that of the hang report.
    pub(super) report_due: Nanos,
}

/// The state of the process that messages report.
#[derive(Clone, Copy, Debug)]
pub(super) struct Situation {
    pub(super) is_ready: bool,
    pub(super) reloads: Reloads,
    pub(super) stop: Option<Stop>,
    pub(super) heartbeats: Heartbeats,
    pub(super) successor: Option<u32>,
}

/// The next action.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Next {
    Send(Message),
    /// Wait for a change, or until this instant.
    Wait(Option<Nanos>),
}

/// The messages sent so far.
#[derive(Debug)]
pub(super) struct Plan {
    /// Half of the manager's watchdog interval, if it has one.
    interval: Option<Duration>,
    is_ready: bool,
    reloads_begun: u32,
    reloads_ended: u32,
    is_stopping: bool,
    /// The time of the last `WATCHDOG=1`, and of the last progress.
    alive: Option<Nanos>,
    progress: Nanos,
    /// The stall for which `WATCHDOG=trigger` was sent.
    triggered: Option<Nanos>,
    has_successor: bool,
    /// The earliest time of the next message.
    not_before: Nanos,
}

impl Plan {
    /// For a process whose manager expects a sign of life each `watchdog`.
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
            self.not_before = now.saturating_add(RETRY);
            return;
        }
        match message {
            Message::Ready => {
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
            Message::Stalled => self.triggered = late(situation),
            Message::Successor { .. } => self.has_successor = true,
        }
    }

    fn message(&self, situation: &Situation, now: Nanos) -> Option<Message> {
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

    /// A reload that began and ended since the last look is announced as both.
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
        if situation.successor.is_some() {
            return None;
        }
        let progress = situation.stop.and_then(|stop| self.progress_due(&stop));
        let look = (situation.heartbeats == Heartbeats::Unknown && self.interval.is_some())
            .then(|| now.saturating_add(LOOK));
        let dues = [
            progress,
            look,
            self.alive_due(situation),
            self.trigger_due(situation),
        ];
        dues.into_iter().flatten().min()
    }

    fn progress_due(&self, stop: &Stop) -> Option<Nanos> {
        let due = self.progress.saturating_add(PROGRESS);
        (due < stop.report_due).then_some(due)
    }

    /// A process that stops is bounded by its deadline: a loop that has ended must not cut
    /// its grace short.
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
        let since = late(situation).filter(|_| situation.stop.is_none())?;
        (self.triggered != Some(since)).then(|| since.saturating_add(REPORT))
    }
}

fn late(situation: &Situation) -> Option<Nanos> {
    match situation.heartbeats {
        Heartbeats::Late { since } => Some(since),
        _ => None,
    }
}

/// The time from now until the manager must have lost patience.
fn extension(stop: &Stop, now: Nanos) -> Duration {
    match stop.deadline {
        Nanos::LAST => UNBOUNDED,
        deadline => deadline.since(now).saturating_add(MARGIN),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGUN: Nanos = Nanos(1_000_000_000_000);
    const WATCHDOG: Duration = Duration::from_secs(4);

    /// A plan and its situation on a virtual clock, with the messages that were sent.
    struct Scene {
        plan: Plan,
        now: Nanos,
        situation: Situation,
        takes: bool,
        sent: Vec<(Duration, Message)>,
    }

    impl Scene {
        fn new(watchdog: Option<Duration>) -> Self {
            Self {
                plan: Plan::new(watchdog),
                now: BEGUN,
                situation: Situation {
                    is_ready: false,
                    reloads: Reloads {
                        begun: 0,
                        ended: 0,
                        at: Nanos(0),
                    },
                    stop: None,
                    heartbeats: Heartbeats::None,
                    successor: None,
                },
                takes: true,
                sent: Vec::new(),
            }
        }

        /// Lets `length` pass. Returns what was sent meanwhile.
        fn pass(&mut self, length: Duration) -> Vec<Message> {
            let end = self.now.saturating_add(length);
            let before = self.sent.len();
            for _ in 0..100_000 {
                match self.plan.next(&self.situation, self.now) {
                    Next::Send(message) => {
                        let at = self.now.since(BEGUN);
                        if self.takes {
                            self.sent.push((at, message));
                        }
                        self.plan
                            .record(message, &self.situation, self.takes, self.now);
                    }
                    Next::Wait(Some(until)) if until <= end => {
                        assert!(until > self.now, "it must not spin");
                        self.now = until;
                    }
                    Next::Wait(_) => {
                        self.now = end;
                        return self.sent[before..].iter().map(|sent| sent.1).collect();
                    }
                }
            }
            panic!("it does not come to rest: {:?}", self.plan);
        }

        fn stop(&mut self, grace: Duration) {
            let deadline = self.now.saturating_add(grace);
            self.situation.stop = Some(Stop {
                deadline,
                report_due: deadline.saturating_sub(Duration::from_millis(500)),
            });
        }
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn ready_is_sent_once_and_not_before_the_program_says_so() {
        let mut scene = Scene::new(None);
        assert_eq!(scene.pass(Duration::from_secs(100)), []);
        scene.situation.is_ready = true;
        assert_eq!(
            scene.pass(Duration::from_secs(100)),
            [Message::Ready],
            "and no more"
        );
    }

    #[test]
    fn reload_is_followed_by_ready_however_short_it_was() {
        let mut scene = Scene::new(None);
        scene.situation.is_ready = true;
        scene.pass(NOW);
        let at = scene.now;
        scene.situation.reloads = Reloads {
            begun: 1,
            ended: 0,
            at,
        };
        assert_eq!(scene.pass(NOW), [Message::Reloading { at }]);
        scene.situation.reloads.ended = 1;
        assert_eq!(scene.pass(NOW), [Message::Ready]);
        scene.situation.reloads.begun = 2;
        scene.situation.reloads.ended = 2;
        assert_eq!(
            scene.pass(NOW),
            [Message::Reloading { at }, Message::Ready],
            "both, although the thread saw only the end"
        );
    }

    #[test]
    fn stopping_extends_beyond_the_deadline_at_once_and_each_second() {
        let mut scene = Scene::new(None);
        scene.situation.is_ready = true;
        scene.pass(NOW);
        let grace = Duration::from_secs(25);
        scene.stop(grace);
        let end = scene.now.saturating_add(grace);
        scene.sent.clear();
        scene.pass(grace);
        let Some((Duration::ZERO, Message::Stopping { extend })) = scene.sent.first() else {
            panic!("{:?}", scene.sent);
        };
        assert!(*extend > grace);
        let mut promised = *extend;
        for (at, message) in &scene.sent[1..] {
            let Message::Progress { extend } = message else {
                panic!("{message:?}");
            };
            assert!(*at < promised, "a message came too late");
            promised = *at + *extend;
            assert!(BEGUN.saturating_add(promised) > end);
        }
        assert!(scene.sent.len() >= 24, "{:?}", scene.sent);
        let last = scene.sent.last().expect("there are some").0;
        assert!(last < grace - Duration::from_millis(500), "the report's");
    }

    #[test]
    fn shutdown_without_deadline_extends_again_and_again() {
        let mut scene = Scene::new(None);
        scene.situation.stop = Some(Stop {
            deadline: Nanos::LAST,
            report_due: Nanos::LAST,
        });
        let extend = UNBOUNDED;
        let sent = scene.pass(Duration::from_secs(3));
        assert_eq!(sent[0], Message::Stopping { extend });
        assert_eq!(sent[1..], [Message::Progress { extend }; 3]);
    }

    #[test]
    fn shutdown_before_ready_is_not_announced_as_ready() {
        let mut scene = Scene::new(None);
        scene.situation.is_ready = true;
        scene.stop(Duration::from_secs(5));
        let sent = scene.pass(Duration::from_secs(5));
        assert!(!sent.contains(&Message::Ready), "{sent:?}");
    }

    #[test]
    fn watchdog_is_fed_each_half_interval_while_heartbeats_are_in_time() {
        let mut scene = Scene::new(Some(WATCHDOG));
        assert_eq!(scene.pass(WATCHDOG * 3), [], "without a heartbeat");
        scene.situation.heartbeats = Heartbeats::InTime;
        let sent = scene.pass(WATCHDOG * 3);
        assert_eq!(sent, [Message::Alive; 7]);
        let times: Vec<_> = scene.sent.iter().map(|sent| sent.0).collect();
        assert!(times.windows(2).all(|two| two[1] - two[0] <= WATCHDOG / 2));
    }

    #[test]
    fn stall_ends_the_signs_of_life_and_triggers_once_after_its_report() {
        let mut scene = Scene::new(Some(WATCHDOG));
        scene.situation.heartbeats = Heartbeats::InTime;
        scene.pass(WATCHDOG);
        let since = scene.now;
        scene.situation.heartbeats = Heartbeats::Late { since };
        scene.sent.clear();
        assert_eq!(scene.pass(WATCHDOG * 10), [Message::Stalled]);
        let at = BEGUN.saturating_add(scene.sent[0].0);
        assert_eq!(at.since(since), REPORT);
        // It recovered, and stalls again.
        scene.situation.heartbeats = Heartbeats::InTime;
        assert_eq!(scene.pass(NOW), [Message::Alive]);
        let since = scene.now;
        scene.situation.heartbeats = Heartbeats::Late { since };
        assert_eq!(scene.pass(WATCHDOG), [Message::Stalled]);
    }

    #[test]
    fn stall_that_recovers_before_its_report_triggers_nothing() {
        let mut scene = Scene::new(None);
        let since = scene.now;
        scene.situation.heartbeats = Heartbeats::Late { since };
        scene.pass(REPORT - Duration::from_millis(1));
        scene.situation.heartbeats = Heartbeats::InTime;
        assert_eq!(scene.pass(WATCHDOG), []);
    }

    #[test]
    fn watcher_that_does_not_run_gives_no_sign_of_life() {
        let mut scene = Scene::new(Some(WATCHDOG));
        scene.situation.heartbeats = Heartbeats::Unknown;
        assert_eq!(scene.pass(WATCHDOG * 3), []);
        scene.situation.heartbeats = Heartbeats::InTime;
        assert_eq!(scene.pass(NOW), [Message::Alive]);
    }

    #[test]
    fn stall_while_stopping_cuts_no_grace_short() {
        let mut scene = Scene::new(Some(WATCHDOG));
        scene.situation.heartbeats = Heartbeats::InTime;
        scene.pass(NOW);
        scene.stop(Duration::from_secs(60));
        scene.situation.heartbeats = Heartbeats::Late { since: scene.now };
        let sent = scene.pass(Duration::from_secs(59));
        assert!(!sent.contains(&Message::Stalled), "{sent:?}");
        let alive = sent.iter().filter(|it| **it == Message::Alive).count();
        assert!(alive >= 29, "{sent:?}");
    }

    #[test]
    fn successor_is_named_once_and_nothing_follows() {
        let mut scene = Scene::new(Some(WATCHDOG));
        scene.situation.is_ready = true;
        scene.situation.heartbeats = Heartbeats::InTime;
        scene.pass(NOW);
        scene.situation.successor = Some(17);
        scene.stop(Duration::from_secs(10));
        let sent = scene.pass(Duration::from_secs(10));
        assert_eq!(sent, [Message::Successor { pid: 17 }]);
    }

    #[test]
    fn message_that_the_socket_did_not_take_is_sent_again() {
        let mut scene = Scene::new(None);
        scene.stop(Duration::from_secs(10));
        scene.takes = false;
        assert_eq!(scene.pass(Duration::from_secs(4)), []);
        scene.takes = true;
        let sent = scene.pass(RETRY);
        let [Message::Stopping { extend }] = sent[..] else {
            panic!("{sent:?}");
        };
        assert!(extend >= Duration::from_secs(6), "rest and margin");
        assert!(extend <= Duration::from_secs(6) + MARGIN, "not the first");
    }
}
