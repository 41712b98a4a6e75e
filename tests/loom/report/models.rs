use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::round::{Asked, Next, Round};
use crate::check;
use crate::kill_path::{Deadline, Nanos, arm, unarmed, wake};

/// What the reporter shares with those who wake it. A wake-up that is lost leaves
/// it waiting for ever, and loom says so.
struct Desk {
    deadline: Deadline,
    asked: Asked,
    retired: AtomicBool,
}

impl Desk {
    /// What the reporter does next, at the time `now`, once it has waited for
    /// something to do.
    fn next(&self, round: &mut Round, now: u64) -> Next {
        let is_retired = || self.retired.load(Ordering::Acquire);
        loop {
            match round.look(&self.deadline, &self.asked, is_retired, || Nanos(now)) {
                Next::Wait { seen, .. } => self.deadline.wait_change(seen, None),
                next => return next,
            }
        }
    }

    fn ask(&self) {
        self.asked.ask();
        wake(&self.deadline);
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        wake(&self.deadline);
    }
}

/// Fails if the count of changes is read behind the count of those who ask, or
/// if what was asked before its thread ran counts as answered.
#[test]
fn whoever_asks_is_answered() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.asked);
        let reporter = Arc::clone(&desk);
        let thread = thread::spawn(move || reporter.next(&mut round, 0));
        desk.ask();
        let report_follows = true;
        assert_eq!(
            thread.join().expect("it ends"),
            Next::Dump { report_follows }
        );
    });
}

/// Fails if the count of changes is read behind the deadline, or the reporter
/// does not remember that it has reported.
#[test]
fn a_report_that_is_due_is_written_once() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.asked);
        let caller = Arc::clone(&desk);
        let thread = thread::spawn(move || {
            arm(&caller.deadline, Nanos(1), Nanos(9));
            arm(&caller.deadline, Nanos(2), Nanos(8));
            caller.retire();
        });
        let mut reports = 0;
        loop {
            match desk.next(&mut round, 9) {
                Next::Report => reports += 1,
                Next::Leave => break,
                next => panic!("{next:?}"),
            }
        }
        // It may have been retired before it was told of the deadline.
        assert!(reports <= 1, "{reports}");
        thread.join().expect("it ends");
    });
}

/// Fails if a deadline that is near leaves no time for the report, or a dump
/// takes its place.
#[test]
fn a_report_that_is_due_is_not_slept_through() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.asked);
        let caller = Arc::clone(&desk);
        let thread = thread::spawn(move || {
            caller.ask();
            arm(&caller.deadline, Nanos(1), Nanos(9));
        });
        let mut dumps = 0;
        loop {
            match desk.next(&mut round, 9) {
                Next::Report => break,
                Next::Dump { .. } => dumps += 1,
                next => panic!("{next:?}"),
            }
        }
        assert!(dumps <= 1, "{dumps}");
        thread.join().expect("it ends");
    });
}

/// Fails if the count of changes is read behind the retirement.
#[test]
fn a_reporter_that_is_retired_leaves() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.asked);
        let reporter = Arc::clone(&desk);
        let thread = thread::spawn(move || reporter.next(&mut round, 0));
        desk.retire();
        assert_eq!(thread.join().expect("it ends"), Next::Leave);
    });
}

/// A desk at which nobody has been asked since the last reporter, with every
/// atomic made.
fn desk() -> Arc<Desk> {
    let desk = Desk {
        deadline: unarmed(),
        asked: Asked::never(),
        retired: AtomicBool::new(false),
    };
    desk.asked.ask();
    Arc::new(desk)
}
