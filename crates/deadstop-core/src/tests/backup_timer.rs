//! The distance between the exit and the backup timer, by real ends: the
//! watchdog's thread does not run.

use std::os::unix::process::ExitStatusExt;
use std::thread;
use std::time::Duration;

use super::isolated::ended_by;
use crate::Nanos;
use crate::kill_path::{BackupTimerMode, Watchdog, default_distance};

static WATCHDOG: Watchdog = Watchdog::new();

/// Arms with `grace` and a backup timer, without a watchdog thread, and prints
/// when.
fn live(grace: Duration, distance: Option<Duration>) {
    let timer = WATCHDOG.backup_timer();
    timer.set_distance(distance);
    timer
        .create(BackupTimerMode::Kill, 0)
        .expect("there are timers");
    WATCHDOG.enable();
    println!("\narmed {}", crate::now().0);
    assert!(WATCHDOG.arm(grace));
    thread::sleep(Duration::from_secs(20));
}

/// Returns the time from arming to the end, as this process saw it: it is never
/// less than it was.
#[track_caller]
fn lived(test: &str, body: fn()) -> Duration {
    let (status, output) = ended_by(test, body);
    let ended = crate::now();
    assert_eq!(status.signal(), Some(libc::SIGKILL));
    let armed = output.lines().find_map(|line| line.strip_prefix("armed "));
    let armed = armed.expect("it was armed").parse().expect("a number");
    ended.since(Nanos(armed))
}

#[test]
fn timer_expires_25_ms_after_a_short_grace() {
    let test = "backup_timer::timer_expires_25_ms_after_a_short_grace";
    let lived = lived(test, || live(Duration::from_millis(100), None));
    assert!(lived >= Duration::from_millis(125), "{lived:?}");
}

#[test]
fn timer_expires_a_tenth_of_a_longer_grace_after_it() {
    let test = "backup_timer::timer_expires_a_tenth_of_a_longer_grace_after_it";
    let lived = lived(test, || live(Duration::from_secs(2), None));
    assert!(lived >= Duration::from_millis(2_200), "{lived:?}");
}

#[test]
fn timer_expires_at_the_distance_that_was_set() {
    let test = "backup_timer::timer_expires_at_the_distance_that_was_set";
    let lived = lived(test, || {
        live(Duration::from_millis(10), Some(Duration::from_millis(400)));
    });
    assert!(lived >= Duration::from_millis(410), "{lived:?}");
}

#[test]
fn default_distance_is_a_tenth_of_the_grace_within_its_limits() {
    for (grace, distance) in [
        (0, 25),
        (250, 25),
        (260, 26),
        (1_000, 100),
        (2_500, 250),
        (3_600_000, 250),
    ] {
        let distance = Duration::from_millis(distance);
        assert_eq!(default_distance(Duration::from_millis(grace)), distance);
    }
    assert_eq!(default_distance(Duration::MAX), Duration::from_millis(250));
}
