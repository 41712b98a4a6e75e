use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::round::{Next, Round};
use crate::check;
use crate::kill_path::{Deadline, Nanos, arm, unarmed, wake};
use crate::process::report_requests::{Request, Requests};

/// What the reporter shares with those who wake it. A wake-up that is lost leaves
/// it waiting for ever, and loom says so.
struct Desk {
    deadline: Deadline,
    requests: Requests,
    retired: AtomicBool,
}

impl Desk {
    /// What the reporter does next, at the time `now`, once it has waited for
    /// something to do.
    fn next(&self, round: &mut Round, now: u64) -> Next {
        let is_retired = || self.retired.load(Ordering::Acquire);
        loop {
            match round.look(&self.deadline, &self.requests, is_retired, || Nanos(now)) {
                Next::Wait { seen, .. } => self.deadline.wait_for_change(seen, None),
                Next::Sample => {}
                next => return next,
            }
        }
    }

    fn ask(&self) {
        self.requests.add(Request::Status);
        wake(&self.deadline);
    }

    fn retire(&self) {
        self.retired.store(true, Ordering::Release);
        wake(&self.deadline);
    }
}

/// Fails if the count of changes is read behind the count of requests, or
/// if a request from before its thread ran counts as answered.
#[test]
fn request_is_answered() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.requests);
        let reporter = Arc::clone(&desk);
        let thread = thread::spawn(move || reporter.next(&mut round, 0));
        desk.ask();
        let answer = Next::Answer {
            request: Request::Status,
            report_follows: true,
        };
        assert_eq!(thread.join().expect("it ends"), answer);
    });
}

/// Fails if the count of changes is read after the deadline, or the reporter
/// does not remember that it has reported.
#[test]
fn report_that_is_due_is_written_once() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.requests);
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
        // It may have been retired before it has seen the deadline.
        assert!(reports <= 1, "{reports}");
        thread.join().expect("it ends");
    });
}

/// Fails if a deadline that is near leaves no time for the report, or a status
/// report takes its place.
#[test]
fn report_that_is_due_is_not_slept_through() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.requests);
        let caller = Arc::clone(&desk);
        let thread = thread::spawn(move || {
            caller.ask();
            arm(&caller.deadline, Nanos(1), Nanos(9));
        });
        let mut answers = 0;
        loop {
            match desk.next(&mut round, 9) {
                Next::Report => break,
                Next::Answer { .. } => answers += 1,
                next => panic!("{next:?}"),
            }
        }
        assert!(answers <= 1, "{answers}");
        thread.join().expect("it ends");
    });
}

/// Fails if the count of changes is read behind the retirement.
#[test]
fn reporter_that_is_retired_leaves() {
    check(|| {
        let desk = desk();
        let mut round = Round::first(&desk.requests);
        let reporter = Arc::clone(&desk);
        let thread = thread::spawn(move || reporter.next(&mut round, 0));
        desk.retire();
        assert_eq!(thread.join().expect("it ends"), Next::Leave);
    });
}

/// A desk without requests since the last reporter, with every
/// atomic made.
fn desk() -> Arc<Desk> {
    let desk = Desk {
        deadline: unarmed(),
        requests: Requests::none(),
        retired: AtomicBool::new(false),
    };
    desk.requests.add(Request::Status);
    Arc::new(desk)
}
