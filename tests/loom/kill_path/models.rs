use std::time::Duration;

use loom::sync::Arc;
use loom::thread;

use super::backstop::Backstop;
use super::deadline::Deadline;
use super::sys::{Nanos, TIMER};
use super::text::Text;
use crate::check;

/// Fails if `follow` does not read the word again after setting the timer.
/// Weaker orderings cannot fail here: the timer's lock orders them, as the
/// kernel's does.
#[test]
fn racing_arms_leave_the_timer_at_the_earliest_deadline() {
    check(|| {
        let shared = Arc::new((unarmed(), Backstop::absent()));
        let arms = [3, 1, 2].map(|at| {
            let shared = Arc::clone(&shared);
            move || {
                let (deadline, backstop) = &*shared;
                deadline.arm(Nanos(at - 1), Nanos(at));
                backstop.follow(deadline);
            }
        });
        let [first, second, third] = arms;
        let threads = [thread::spawn(first), thread::spawn(second)];
        third();
        for thread in threads {
            thread.join().expect("it ends");
        }
        let (deadline, _) = &*shared;
        let behind = Duration::from_millis(25);
        assert_eq!(deadline.get(), Some(Nanos(1)));
        assert_eq!(deadline.begun(), Some(Nanos(0)));
        assert_eq!(TIMER.set_to(), Some(Nanos(1).saturating_add(behind)));
    });
}

/// Fails if `follow` does not read the words again after setting the timer, or
/// goes by the deadline in place of the end. The gauge does nothing before the
/// first arm: only who sets the timer sees, by its lock, what the other wrote.
#[test]
fn an_estimate_that_races_with_an_arm_leaves_the_timer_behind_the_end() {
    check(|| {
        let shared = Arc::new((unarmed(), Backstop::absent()));
        let (deadline, backstop) = &*shared;
        deadline.arm(Nanos(1), Nanos(9));
        backstop.follow(deadline);
        let gauge = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            let (deadline, backstop) = &*gauge;
            deadline.set_lead(Duration::from_nanos(3));
            backstop.follow(deadline);
        });
        deadline.arm(Nanos(2), Nanos(5));
        backstop.follow(deadline);
        thread.join().expect("it ends");
        let behind = Duration::from_millis(25);
        assert_eq!(deadline.get(), Some(Nanos(5)));
        assert_eq!(deadline.exit(), Some(Nanos(2)));
        assert_eq!(TIMER.set_to(), Some(Nanos(2).saturating_add(behind)));
    });
}

/// Fails if `advance` is not a release, `read` not an acquire, or the wake-up
/// comes before the word.
#[test]
fn whoever_sees_the_event_sees_the_word() {
    check(|| {
        let deadline = Arc::new(unarmed());
        let armed = Arc::clone(&deadline);
        let thread = thread::spawn(move || {
            armed.arm(Nanos(1), Nanos(2));
            armed.wake();
        });
        if deadline.changes() > 0 {
            assert_eq!(deadline.get(), Some(Nanos(2)));
        }
        thread.join().expect("it ends");
    });
}

/// Fails if `arm` writes the deadline before it notes when it was asked for, if
/// its minimum is no release, or if the words are read without an acquire, or in
/// another order.
#[test]
fn no_end_begins_before_it_was_asked_for() {
    check(|| {
        let deadline = Arc::new(unarmed());
        // More than there will be.
        deadline.set_lead(Duration::from_nanos(100));
        let armed = Arc::clone(&deadline);
        let thread = thread::spawn(move || armed.arm(Nanos(5), Nanos(9)));
        if let Some(exit) = deadline.exit() {
            assert_eq!(exit, Nanos(5));
        }
        thread.join().expect("it ends");
    });
}

/// The watchdog's look and wait, on a clock that stands at 4. Fails if the count
/// is read behind the words, or if whoever changes a word does not advance it:
/// loom then says that nobody is left to wake the watchdog. The orderings of the
/// lead cannot fail it, since the count's order it.
#[test]
fn an_estimate_or_an_arm_is_not_slept_through() {
    check(|| {
        let deadline = Arc::new(unarmed());
        let (armed, gauge) = (Arc::clone(&deadline), Arc::clone(&deadline));
        let threads = [
            thread::spawn(move || arm(&armed, Nanos(1), Nanos(9))),
            thread::spawn(move || {
                gauge.set_lead(Duration::from_nanos(6));
                gauge.wake();
            }),
        ];
        loop {
            let seen = deadline.changes();
            match deadline.exit() {
                Some(exit) if exit <= Nanos(4) => break,
                _ => deadline.wait_change(seen, None),
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
fn a_text_is_read_whole_or_not_at_all() {
    check(|| {
        let text = Arc::new(text());
        text.write("ab");
        let written = Arc::clone(&text);
        let thread = thread::spawn(move || written.write("cd"));
        let mut buffer = [0; 2];
        let read = text.read(&mut buffer);
        assert!(matches!(read, None | Some("ab" | "cd")), "torn: {read:?}");
        thread.join().expect("it ends");
        assert_eq!(text.read(&mut buffer), Some("cd"));
    });
}

/// Fails if a writer does not claim the count.
#[test]
fn of_two_writers_one_is_heard() {
    check(|| {
        let text = Arc::new(text());
        let written = Arc::clone(&text);
        let thread = thread::spawn(move || written.write("ab"));
        text.write("cd");
        thread.join().expect("it ends");
        let mut buffer = [0; 2];
        let read = text.read(&mut buffer);
        assert!(matches!(read, Some("ab" | "cd")), "{read:?}");
    });
}

/// An unarmed deadline, whose every atomic is made.
pub(crate) fn unarmed() -> Deadline {
    let deadline = Deadline::unarmed();
    deadline.set_lead(Duration::ZERO);
    let unarmed = (deadline.get(), deadline.begun(), deadline.changes());
    assert_eq!(unarmed, (None, None, 0));
    deadline
}

/// Arms, and wakes whoever waits for that.
pub(crate) fn arm(deadline: &Deadline, now: Nanos, at: Nanos) {
    deadline.arm(now, at);
    deadline.wake();
}

/// Wakes whoever waits.
pub(crate) fn wake(deadline: &Deadline) {
    deadline.wake();
}

/// An empty text, whose every atomic is made.
fn text() -> Text<2> {
    let text = Text::empty();
    assert_eq!(text.read(&mut [0; 2]), Some(""));
    text
}
