//! Tests of arming, of the threads that follow the deadline, and of the watchdog's naps.

use std::time::Duration;
use std::{iter, thread};

use super::nanos;
use crate::kill_path::{Look, Watchdog, next_look, next_wakeup};
use crate::now;

/// A watchdog of its own, without a thread.
fn armed(grace: Duration, lead: Duration) -> Watchdog {
    let watch = Watchdog::new();
    assert!(!watch.arm(grace), "it is not enabled");
    watch.enable();
    watch.exit_early_by(lead);
    assert!(watch.deadline().exit_at().is_none(), "it is not armed");
    assert!(watch.arm(grace));
    watch
}

#[test]
fn exit_is_early_by_the_estimate_but_not_before_arming() {
    let grace = Duration::from_secs(3600);
    for lead in [0, 1, 3599] {
        let lead = Duration::from_secs(lead);
        let watch = armed(grace, lead);
        let (begun, at) = (watch.deadline().begun().unwrap(), watch.deadline().get());
        assert!(at == Some(begun.saturating_add(grace)));
        let exit = begun.saturating_add(grace - lead);
        assert!(watch.deadline().exit_at() == Some(exit));
    }
    for lead in [
        Duration::from_secs(3600),
        Duration::from_secs(3601),
        Duration::MAX,
    ] {
        let watch = armed(grace, lead);
        assert!(watch.deadline().exit_at() == watch.deadline().begun());
    }
}

#[test]
fn estimate_may_shrink_and_deadline_only_moves_earlier() {
    let hour = Duration::from_secs(3600);
    let watch = armed(2 * hour, hour);
    let (begun, at) = (watch.deadline().begun(), watch.deadline().get());
    watch.exit_early_by(Duration::ZERO);
    assert!(watch.deadline().exit_at() == at);
    assert!(watch.arm(3 * hour));
    assert!((watch.deadline().begun(), watch.deadline().get()) == (begun, at));
    assert!(watch.arm(hour));
    assert!(watch.deadline().begun() == begun);
    assert!(watch.deadline().get() < at);
    watch.reset_after_fork();
    assert!(watch.deadline().begun().is_none() && watch.deadline().get().is_none());
    assert!(!watch.arm(hour));
}

/// Arms a watchdog that runs, and returns whether a thread that waits for the deadline to
/// change hears of that.
fn follower_hears_of(graces: &[u64]) -> bool {
    let watch: &'static Watchdog = Box::leak(Box::new(Watchdog::new()));
    thread::spawn(move || watch.run());
    watch.wait_started(0);
    watch.enable();
    graces.iter().all(|grace| {
        let seen = watch.deadline().change_count();
        assert!(watch.arm(Duration::from_secs(*grace)));
        // A minute, but the test does not depend on it.
        let until = now().saturating_add(Duration::from_secs(60));
        while watch.deadline().change_count() == seen && now() < until {
            watch.deadline().wait_for_change(seen, Some(until));
        }
        watch.deadline().change_count() != seen
    })
}

/// Fails if the watchdog does not wake the threads that follow the deadline, after the
/// first arm and after one for an earlier deadline.
#[test]
fn watchdog_wakes_the_threads_that_follow_the_deadline() {
    assert!(follower_hears_of(&[4000, 3000]));
}

/// Fails if an arm for a short grace leaves that to the watchdog, which may be late.
#[test]
fn arm_for_a_short_grace_wakes_the_followers_itself() {
    let short = armed(Duration::from_millis(999), Duration::ZERO);
    let long = armed(Duration::from_secs(1), Duration::ZERO);
    let woken = [&short, &long].map(|watch| watch.deadline().change_count());
    // `armed` sets an estimate before, which counts as well.
    assert_eq!(woken, [2, 1]);
    let earlier = Duration::from_millis(500);
    assert!(long.arm(earlier));
    assert_eq!(long.deadline().change_count(), 2);
}

/// Fails if the watchdog wakes them for an estimate: the thread that estimates is one of
/// them, and would go on for ever.
#[test]
fn estimate_wakes_the_followers_once() {
    let watch: &'static Watchdog = Box::leak(Box::new(Watchdog::new()));
    thread::spawn(move || watch.run());
    watch.wait_started(0);
    watch.enable();
    assert!(watch.arm(Duration::from_secs(3600)));
    while watch.deadline().change_count() == 0 {
        watch.deadline().wait_for_change(0, None);
    }
    for estimates in 1..=10 {
        watch.exit_early_by(Duration::from_secs(estimates));
        // More than the watchdog's delay: where it is slow, the test sees less.
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(watch.deadline().change_count(), 11);
}

/// One long sleep, and naps of 5 ms in the last 250 ms.
#[test]
fn watchdog_sleeps_once_and_naps_only_before_the_deadline() {
    let at = nanos(100);
    let before = |millis| at.saturating_sub(Duration::from_millis(millis));
    let naps = before(250);
    for now in [nanos(0), nanos(99), before(251)] {
        assert!(next_wakeup(now, at) == naps);
    }
    for (now, next) in [(250, 245), (249, 244), (6, 1), (5, 0), (3, 0), (0, 0)] {
        assert!(next_wakeup(before(now), at) == before(next), "{now}");
    }
}

/// In the last 80 µs it does not sleep, unless the clock stands still.
#[test]
fn watchdog_looks_at_the_clock_without_a_sleep_in_the_last_moment() {
    let at = nanos(100);
    let before = |micros| at.saturating_sub(Duration::from_micros(micros));
    let wakes = [(300_000, 250_080), (250_080, 245_080), (500, 80), (81, 80)];
    for (now, next) in wakes {
        assert_eq!(next_look(before(now), at, 0), Look::At(before(next)));
    }
    for now in [80, 40, 1] {
        assert_eq!(next_look(before(now), at, 0), Look::AtOnce);
    }
    let looks = iter::successors(Some(0), |looks| {
        let is_at_once = next_look(before(40), at, *looks) == Look::AtOnce;
        is_at_once.then_some(looks + 1)
    });
    let last = looks.last().expect("it has looked");
    assert_eq!(next_look(before(40), at, last), Look::At(at));
}
