use loom::sync::Arc;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

use super::schedule::{Next, Schedule};
use crate::check;
use crate::kill_path::{Deadline, Nanos, arm, unarmed, wake};
use crate::process::report_requests::{Request, Requests};

/// State shared by the reporter and the threads that wake it. After a lost wake-up the
/// reporter waits for ever, and loom says so.
struct Shared {
    deadline: Deadline,
    requests: Requests,
    retired: AtomicBool,
}

impl Shared {
    /// Returns the reporter's next action at the time `now`, after its wait.
    fn next(&self, schedule: &mut Schedule, now: u64) -> Next {
        let is_retired = || self.retired.load(Ordering::Acquire);
        loop {
            match schedule.next(&self.deadline, &self.requests, is_retired, || Nanos(now)) {
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
        let shared = fresh();
        let mut schedule = Schedule::new(&shared.requests);
        let reporter = Arc::clone(&shared);
        let thread = thread::spawn(move || reporter.next(&mut schedule, 0));
        shared.ask();
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
        let shared = fresh();
        let mut schedule = Schedule::new(&shared.requests);
        let caller = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            arm(&caller.deadline, Nanos(1), Nanos(9));
            arm(&caller.deadline, Nanos(2), Nanos(8));
            caller.retire();
        });
        let mut reports = 0;
        loop {
            match shared.next(&mut schedule, 9) {
                Next::Report => reports += 1,
                Next::Leave => break,
                next => panic!("{next:?}"),
            }
        }
        // The reporter may have been retired before it saw the deadline.
        assert!(reports <= 1, "{reports}");
        thread.join().expect("it ends");
    });
}

/// Fails if a deadline that is near leaves no time for the report, or a status
/// report takes its place.
#[test]
fn report_that_is_due_is_not_slept_through() {
    check(|| {
        let shared = fresh();
        let mut schedule = Schedule::new(&shared.requests);
        let caller = Arc::clone(&shared);
        let thread = thread::spawn(move || {
            caller.ask();
            arm(&caller.deadline, Nanos(1), Nanos(9));
        });
        let mut answers = 0;
        loop {
            match shared.next(&mut schedule, 9) {
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
        let shared = fresh();
        let mut schedule = Schedule::new(&shared.requests);
        let reporter = Arc::clone(&shared);
        let thread = thread::spawn(move || reporter.next(&mut schedule, 0));
        shared.retire();
        assert_eq!(thread.join().expect("it ends"), Next::Leave);
    });
}

/// Returns a state without requests since the last reporter, with every
/// atomic made.
fn fresh() -> Arc<Shared> {
    let shared = Shared {
        deadline: unarmed(),
        requests: Requests::none(),
        retired: AtomicBool::new(false),
    };
    shared.requests.add(Request::Status);
    Arc::new(shared)
}
