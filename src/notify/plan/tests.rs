//! The plan of notifications on a virtual clock: no socket, and no thread.

use super::*;
use crate::notify::situation::Reloads;

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
                has_predecessor: false,
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
fn reload_that_is_over_before_readiness_is_not_announced() {
    let mut scene = Scene::new(None);
    let at = scene.now;
    scene.situation.reloads = Reloads {
        begun: 2,
        ended: 2,
        at,
    };
    assert_eq!(scene.pass(NOW), []);
    scene.situation.is_ready = true;
    assert_eq!(scene.pass(NOW), [Message::Ready], "and no reload after it");
    scene.situation.reloads.begun = 3;
    assert_eq!(scene.pass(NOW), [Message::Reloading { at }]);
    scene.situation.reloads.ended = 3;
    assert_eq!(scene.pass(NOW), [Message::Ready]);
}

#[test]
fn reload_under_way_at_readiness_ends_with_a_second_ready() {
    let mut scene = Scene::new(None);
    let at = scene.now;
    scene.situation.reloads = Reloads {
        begun: 2,
        ended: 1,
        at,
    };
    scene.situation.is_ready = true;
    assert_eq!(scene.pass(NOW), [Message::Ready, Message::Reloading { at }]);
    scene.situation.reloads.ended = 2;
    assert_eq!(scene.pass(NOW), [Message::Ready]);
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
    assert_eq!(at.since(since), REPORT_TIME);
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
    scene.pass(REPORT_TIME - Duration::from_millis(1));
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
fn successor_that_is_not_ready_says_nothing() {
    let mut scene = Scene::new(Some(WATCHDOG));
    scene.situation.has_predecessor = true;
    scene.situation.heartbeats = Heartbeats::Late { since: BEGUN };
    assert_eq!(scene.pass(Duration::from_secs(10)), []);
    scene.stop(Duration::from_secs(10));
    assert_eq!(scene.pass(Duration::from_secs(10)), []);
    scene.situation = Scene::new(None).situation;
    scene.situation.is_ready = true;
    assert_eq!(scene.pass(NOW), [Message::Ready], "it has taken over");
}

#[test]
fn message_that_the_socket_did_not_take_is_sent_again() {
    let mut scene = Scene::new(None);
    scene.stop(Duration::from_secs(10));
    scene.takes = false;
    assert_eq!(scene.pass(Duration::from_secs(4)), []);
    scene.takes = true;
    let sent = scene.pass(RETRY_AFTER);
    let [Message::Stopping { extend }] = sent[..] else {
        panic!("{sent:?}");
    };
    assert!(extend >= Duration::from_secs(6), "rest and margin");
    assert!(extend <= Duration::from_secs(6) + MARGIN, "not the first");
}
