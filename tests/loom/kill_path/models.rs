use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::backup_timer::BackupTimer;
use super::deadline::Deadline;
use super::text::Text;
use crate::check;
use crate::sys::{Nanos, TIMER};

/// Fails if `follow` does not read the word again after setting the timer.
/// Weaker orderings cannot fail here: the timer's lock orders them, as the
/// kernel's does.
#[test]
fn racing_arms_leave_the_timer_at_the_earliest_deadline() {
    check(|| {
        let shared = Arc::new((unarmed(), backup_timer()));
        let arms = [3, 1, 2].map(|at| {
            let shared = Arc::clone(&shared);
            move || {
                let (deadline, backup_timer) = &*shared;
                deadline.arm(Nanos(at - 1), Nanos(at));
                backup_timer.follow(deadline);
            }
        });
        let [first, second, third] = arms;
        let threads = [thread::spawn(first), thread::spawn(second)];
        third();
        for thread in threads {
            thread.join().expect("it ends");
        }
        let (deadline, _) = &*shared;
        let distance = Duration::from_millis(25);
        assert_eq!(deadline.get(), Some(Nanos(1)));
        assert_eq!(deadline.begun(), Some(Nanos(0)));
        assert_eq!(TIMER.set_to(), Some(Nanos(1).saturating_add(distance)));
    });
}

/// Fails if `follow` does not read the words again after setting the timer, or
/// goes by the deadline in place of the end. The thread of the exit estimate does nothing before the
/// first arm: only who sets the timer sees, by its lock, what the other wrote.
#[test]
fn estimate_racing_with_an_arm_leaves_the_timer_after_the_exit() {
    check(|| {
        let shared = Arc::new((unarmed(), backup_timer()));
        let (deadline, backup_timer) = &*shared;
        deadline.arm(Nanos(1), Nanos(9));
        backup_timer.follow(deadline);
        let estimate = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let (deadline, backup_timer) = &*estimate;
            deadline.set_early_by(Duration::from_nanos(3));
            backup_timer.follow(deadline);
        });
        deadline.arm(Nanos(2), Nanos(5));
        backup_timer.follow(deadline);
        thread.join().expect("it ends");
        let distance = Duration::from_millis(25);
        assert_eq!(deadline.get(), Some(Nanos(5)));
        assert_eq!(deadline.exit_at(), Some(Nanos(2)));
        assert_eq!(TIMER.set_to(), Some(Nanos(2).saturating_add(distance)));
    });
}

/// Fails if the deadline is recorded as in force before the timer is set or the watchdog
/// is woken, or if writing that word is no release or reading it no acquire. A thread
/// that finds the deadline in force does none of this itself.
#[test]
fn deadline_in_force_is_known_to_the_timer_and_the_watchdog() {
    check(|| {
        let shared = Arc::new((unarmed(), backup_timer()));
        let armed = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let (deadline, backup_timer) = &*armed;
            backup_timer.arm(deadline, Nanos(1), Nanos(5));
        });
        let (deadline, _) = &*shared;
        assert!(!deadline.is_in_force(Nanos(2), Nanos(4)));
        if deadline.is_in_force(Nanos(2), Nanos(6)) {
            let distance = Duration::from_millis(25);
            assert_eq!(TIMER.set_to(), Some(Nanos(5).saturating_add(distance)));
            assert_eq!(deadline.watchdog_count(), 1);
        }
        thread.join().expect("it ends");
    });
}

/// Two threads arm while the watchdog, on a clock that stands at 4, reads the deadline and
/// waits. Fails if the deadline counts as in force for an earlier one as well: loom then
/// reports that no thread is left to wake the watchdog.
#[test]
fn watchdog_wakes_although_another_deadline_is_in_force() {
    check(|| {
        let shared = Arc::new((unarmed(), backup_timer()));
        let arms = [9, 4].map(|at| {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let (deadline, backup_timer) = &*shared;
                if !deadline.is_in_force(Nanos(1), Nanos(at)) {
                    backup_timer.arm(deadline, Nanos(1), Nanos(at));
                }
            })
        });
        let (deadline, _) = &*shared;
        loop {
            let seen = deadline.watchdog_count();
            match deadline.exit_at() {
                Some(exit) if exit <= Nanos(4) => break,
                _ => deadline.wait_as_watchdog(seen, None),
            }
        }
        for thread in arms {
            thread.join().expect("it ends");
        }
        let distance = Duration::from_millis(25);
        assert_eq!(TIMER.set_to(), Some(Nanos(4).saturating_add(distance)));
        assert!(deadline.is_in_force(Nanos(1), Nanos(4)));
    });
}

/// Fails if `advance` is not a release, `read` not an acquire, or the wake-up
/// comes before the word.
#[test]
fn thread_that_sees_the_event_sees_the_deadline() {
    check(|| {
        let deadline = Arc::new(unarmed());
        let armed = Arc::clone(&deadline);
        let thread = thread::spawn(move || {
            armed.arm(Nanos(1), Nanos(2));
            armed.wake_watchdog();
        });
        if deadline.watchdog_count() > 0 {
            assert_eq!(deadline.get(), Some(Nanos(2)));
        }
        thread.join().expect("it ends");
    });
}

/// Fails if `arm` writes the deadline before it notes when it was asked for, if
/// its minimum is no release, or if the words are read without an acquire, or in
/// another order.
#[test]
fn exit_is_not_before_arming() {
    check(|| {
        let deadline = Arc::new(unarmed());
        // More than there will be.
        deadline.set_early_by(Duration::from_nanos(100));
        let armed = Arc::clone(&deadline);
        let thread = thread::spawn(move || armed.arm(Nanos(5), Nanos(9)));
        if let Some(exit) = deadline.exit_at() {
            assert_eq!(exit, Nanos(5));
        }
        thread.join().expect("it ends");
    });
}

/// The watchdog reads the deadline and waits, on a clock that stands at 4. Fails if
/// the count is read after the words, or if a writer of a word does not advance the
/// count: loom then reports that no thread is left to wake the watchdog. A weaker
/// ordering of the lead cannot fail it: the count orders the lead.
#[test]
fn watchdog_wakes_for_every_estimate_and_arm() {
    check(|| {
        let deadline = Arc::new(unarmed());
        let (armed, estimate) = (Arc::clone(&deadline), Arc::clone(&deadline));
        let threads = [
            thread::spawn(move || arm(&armed, Nanos(1), Nanos(9))),
            thread::spawn(move || {
                estimate.set_early_by(Duration::from_nanos(6));
                estimate.wake_watchdog();
            }),
        ];
        loop {
            let seen = deadline.watchdog_count();
            match deadline.exit_at() {
                Some(exit) if exit <= Nanos(4) => break,
                _ => deadline.wait_as_watchdog(seen, None),
            }
        }
        for thread in threads {
            thread.join().expect("it ends");
        }
    });
}

/// Fails if any of the text's fences is taken out, or if the count is made even
/// without a release or read without an acquire.
#[test]
fn text_read_during_writes_is_never_torn() {
    check(|| {
        let text = Arc::new(text());
        text.write(FIRST);
        let written = Arc::clone(&text);
        let thread = thread::spawn(move || written.write(SECOND));
        let mut buffer = [0; 16];
        let read = text.read(&mut buffer);
        assert!(
            matches!(read, None | Some(FIRST | SECOND)),
            "torn: {read:?}"
        );
        thread.join().expect("it ends");
        assert_eq!(text.read(&mut buffer), Some(SECOND));
    });
}

/// Fails if a writer does not claim the count.
#[test]
fn text_of_one_of_two_writers_stands() {
    check(|| {
        let text = Arc::new(text());
        let written = Arc::clone(&text);
        let thread = thread::spawn(move || written.write(FIRST));
        text.write(SECOND);
        thread.join().expect("it ends");
        let mut buffer = [0; 16];
        let read = text.read(&mut buffer);
        assert!(matches!(read, Some(FIRST | SECOND)), "{read:?}");
    });
}

/// An unarmed deadline, with all atomics initialized.
pub(crate) fn unarmed() -> Deadline {
    let deadline = Deadline::unarmed();
    deadline.set_early_by(Duration::ZERO);
    let unarmed = (deadline.get(), deadline.begun(), deadline.change_count());
    assert_eq!(unarmed, (None, None, 0));
    assert_eq!(deadline.watchdog_count(), 0);
    assert!(!deadline.is_in_force(Nanos(0), Nanos(0)));
    deadline
}

/// A backup timer, with all atomics initialized.
fn backup_timer() -> BackupTimer {
    let timer = BackupTimer::absent();
    timer.set_distance(None);
    assert_eq!(TIMER.set_to(), None);
    timer
}

/// Arms, and wakes the threads that wait for that.
pub(crate) fn arm(deadline: &Deadline, now: Nanos, at: Nanos) {
    deadline.arm(now, at);
    deadline.wake_watchdog();
    deadline.wake_followers();
}

/// Wakes the threads that wait.
pub(crate) fn wake(deadline: &Deadline) {
    deadline.wake_followers();
}

/// Texts of two words.
const FIRST: &str = "aaaaaaaabbbbbbbb";
const SECOND: &str = "ccccccccdddddddd";

/// An empty text, with all atomics initialized.
fn text() -> Text<2> {
    let text = Text::empty();
    assert_eq!(text.read(&mut [0; 16]), Some(""));
    text
}
