//! The machine and the run queue alone: each decision, and random schedules against a simple model.

use std::collections::VecDeque;

use deadstop_core::Nanos;
use proptest::prelude::*;

use super::{Dispatch, Limits, Machine, Next, Offered, RunQueue, Running, Stage, Start};

/// A pool without its locks. Jobs are numbers.
struct Pool {
    limits: Limits,
    machine: Machine<u32>,
    run_queue: RunQueue<u32>,
}

fn pool(threads: usize, queue: usize) -> Pool {
    with(threads, queue, false)
}

fn with(threads: usize, queue: usize, accept_from_jobs: bool) -> Pool {
    let limits = Limits {
        threads,
        queue,
        accept_from_jobs,
    };
    let mut run_queue = RunQueue::empty();
    for thread in 0..threads {
        run_queue.arrive(thread, 1);
    }
    Pool {
        limits,
        machine: Machine::open(limits),
        run_queue,
    }
}

impl Pool {
    /// Offers a job. The system gives the thread that it needs.
    fn offer(&mut self, job: u32) -> Offered<u32> {
        self.offer_from(job, false)
    }

    fn offer_from(&mut self, job: u32, from_job: bool) -> Offered<u32> {
        let offered = self.offer_unanswered(job, from_job);
        if let Offered::Accepted(Dispatch::Start(start)) = offered {
            self.machine.started(start);
        }
        offered
    }

    /// Offers a job as a submitter does: looks at the run queue if it must. If it needs a
    /// thread, the system has not answered yet.
    fn offer_unanswered(&mut self, job: u32, from_job: bool) -> Offered<u32> {
        if !self.machine.is_certain() {
            self.machine.see(self.run_queue.progress());
        }
        self.machine.offer(job, from_job)
    }

    /// The thread, which has no job, takes the next one and runs it.
    fn take(&mut self, thread: usize) -> Next<u32> {
        let next = self.machine.take(&mut self.run_queue, thread);
        self.note(thread, next)
    }

    fn take_or_sleep(&mut self, thread: usize) -> Next<u32> {
        let next = self.machine.take_or_sleep(&mut self.run_queue, thread);
        self.note(thread, next)
    }

    /// The thread ends its job and takes the next one, as the driver does.
    fn end(&mut self, thread: usize) -> Next<u32> {
        self.run_queue.end(thread, false);
        match self.run_queue.pop() {
            Some(job) => self.note(thread, Next::Run(job, Dispatch::Nothing)),
            None => self.take(thread),
        }
    }

    fn note(&mut self, thread: usize, next: Next<u32>) -> Next<u32> {
        if let Next::Run(job, _) = &next {
            let running = Running {
                since: Nanos(u64::from(*job)),
                name: None,
            };
            self.run_queue.run(thread, running);
        }
        next
    }

    /// A thread whose job ends falls asleep.
    fn ends_and_sleeps(&mut self, thread: usize) -> bool {
        matches!(self.end(thread), Next::Search)
            && matches!(self.take_or_sleep(thread), Next::Sleep)
    }

    fn queued(&self) -> usize {
        self.machine.queued(&self.run_queue)
    }

    fn is_terminated(&self) -> bool {
        self.machine.is_terminated(&self.run_queue)
    }

    fn expire(&mut self, thread: usize) -> bool {
        self.machine.expire(&self.run_queue, thread)
    }

    fn stop(&mut self) -> VecDeque<u32> {
        self.machine.stop(&mut self.run_queue)
    }

    fn drop_oldest(&mut self) -> Option<u32> {
        self.machine.drop_oldest(&mut self.run_queue)
    }

    fn start_failed(&mut self, start: Start) -> Option<u32> {
        self.machine.start_failed(&mut self.run_queue, start).0
    }

    /// Offers a job for which a thread is requested. The system has not answered yet.
    #[track_caller]
    fn request_for(&mut self, job: u32) -> Start {
        match self.offer_unanswered(job, false) {
            Offered::Accepted(Dispatch::Start(start)) => start,
            other => panic!("it starts a thread: {other:?}"),
        }
    }
}

fn starts(offered: &Offered<u32>, wanted: usize) -> bool {
    matches!(offered, Offered::Accepted(Dispatch::Start(start)) if start.thread == wanted)
}

fn wakes(offered: &Offered<u32>, wanted: usize) -> bool {
    matches!(offered, Offered::Accepted(Dispatch::Wake { thread }) if *thread == wanted)
}

fn is_queued(offered: &Offered<u32>) -> bool {
    matches!(offered, Offered::Accepted(Dispatch::Nothing))
}

fn runs(next: &Next<u32>, wanted: u32) -> bool {
    matches!(next, Next::Run(job, _) if *job == wanted)
}

#[test]
fn threads_are_started_on_demand_and_then_the_queue_fills() {
    let mut pool = pool(2, 1);
    assert!(starts(&pool.offer(1), 0));
    assert!(starts(&pool.offer(2), 1));
    assert!(runs(&pool.take(0), 1));
    assert!(runs(&pool.take(1), 2));
    assert!(is_queued(&pool.offer(3)));
    assert!(matches!(pool.offer(4), Offered::Full(4)));
    assert_eq!((pool.machine.running(), pool.queued()), (2, 1));
    // A job that ends makes room, which the machine has not seen.
    assert!(runs(&pool.end(0), 3));
    assert!(is_queued(&pool.offer(4)));
}

#[test]
fn sleeping_thread_is_woken_before_another_is_started() {
    let mut pool = pool(2, 0);
    assert!(starts(&pool.offer(1), 0));
    assert!(runs(&pool.take(0), 1));
    assert!(pool.ends_and_sleeps(0));
    assert!(wakes(&pool.offer(2), 0));
    assert!(starts(&pool.offer(3), 1));
    assert!(matches!(pool.offer(4), Offered::Full(4)));
}

#[test]
fn thread_that_searches_for_a_job_is_not_woken_for_one() {
    let mut pool = pool(2, 0);
    assert!(starts(&pool.offer(1), 0));
    assert!(runs(&pool.take(0), 1));
    assert!(matches!(pool.end(0), Next::Search));
    assert!(is_queued(&pool.offer(2)));
    assert!(runs(&pool.take_or_sleep(0), 2));
}

/// Two jobs of which the first may hang.
#[test]
fn thread_that_searched_calls_another_for_the_job_that_it_leaves() {
    let mut pool = pool(3, 9);
    for (thread, job) in [(0, 1), (1, 2)] {
        assert!(starts(&pool.offer(job), thread));
        assert!(runs(&pool.take(thread), job));
    }
    assert!(matches!(pool.end(0), Next::Search));
    assert!(matches!(pool.end(1), Next::Sleep));
    for job in [3, 4, 5] {
        assert!(is_queued(&pool.offer(job)));
    }
    let Next::Run(3, Dispatch::Wake { thread: 1 }) = pool.take_or_sleep(0) else {
        panic!("the thread that sleeps is woken");
    };
    // The same holds for a thread that was woken, and one that can be started.
    let Next::Run(4, Dispatch::Start(Start { thread: 2, .. })) = pool.take(1) else {
        panic!("one more is started");
    };
    assert!(runs(&pool.take(2), 5));
}

#[test]
fn thread_that_fell_asleep_last_is_woken_first() {
    let mut pool = pool(2, 0);
    let _ = pool.offer(1);
    let _ = pool.offer(2);
    let _ = pool.take(0);
    let _ = pool.take(1);
    assert!(pool.ends_and_sleeps(0));
    assert!(pool.ends_and_sleeps(1));
    for last in [1, 0] {
        assert!(wakes(&pool.offer(3), last));
    }
}

#[test]
fn closing_wakes_every_thread_that_is_asleep() {
    let mut pool = pool(2, 0);
    let _ = pool.offer(1);
    let _ = pool.take(0);
    assert!(pool.ends_and_sleeps(0));
    pool.machine.close();
    assert_eq!(pool.machine.wake_all(), [0]);
    assert!(matches!(pool.take(0), Next::Leave));
}

#[test]
fn draining_runs_what_is_queued_and_refuses_more() {
    let mut pool = pool(1, 9);
    assert!(starts(&pool.offer(1), 0));
    let _ = pool.offer(2);
    assert!(pool.machine.close());
    assert!(!pool.machine.close());
    let refused = pool.offer(3);
    assert!(matches!(refused, Offered::Refused(3, Stage::Draining)));
    assert!(runs(&pool.take(0), 1));
    assert!(runs(&pool.end(0), 2));
    assert!(!pool.is_terminated());
    assert!(matches!(pool.end(0), Next::Leave));
    pool.machine.leave(0);
    assert!(pool.is_terminated());
}

#[test]
fn job_of_a_draining_pool_may_submit_if_the_pool_says_so() {
    let mut pool = with(2, 9, true);
    let _ = pool.offer(1);
    let _ = pool.offer(2);
    assert!(runs(&pool.take(0), 1));
    assert!(runs(&pool.take(1), 2));
    pool.machine.close();
    // The other thread's job may still submit: this one waits.
    assert!(pool.ends_and_sleeps(1));
    assert!(matches!(pool.offer(3), Offered::Refused(3, _)));
    assert!(wakes(&pool.offer_from(4, true), 1));
    assert!(runs(&pool.take(1), 4));
    assert!(pool.ends_and_sleeps(0));
    assert!(matches!(pool.end(1), Next::Leave));
    pool.machine.leave(1);
    assert_eq!(pool.machine.wake_all(), [0]);
    assert!(matches!(pool.take(0), Next::Leave));
}

#[test]
fn refused_thread_gives_the_job_back_only_if_no_thread_is_left() {
    let mut pool = pool(2, 9);
    let start = pool.request_for(1);
    assert_eq!(pool.start_failed(start), Some(1));
    assert!(starts(&pool.offer(2), 0));
    assert!(runs(&pool.take(0), 2));
    let start = pool.request_for(3);
    assert_eq!(pool.start_failed(start), None);
    assert_eq!(pool.queued(), 1);
}

#[test]
fn refused_thread_of_a_stopped_pool_rejects_no_job() {
    let mut pool = pool(1, 9);
    let start = pool.request_for(1);
    assert_eq!(pool.stop(), [1]);
    assert_eq!(pool.start_failed(start), None);
    assert_eq!(pool.machine.counts.rejected, 0);
}

/// The other submitters' jobs would have no thread if the system refused the only one.
#[test]
fn job_is_not_accepted_until_the_system_answers_for_the_only_thread() {
    let mut pool = pool(2, 9);
    let start = pool.request_for(1);
    assert!(matches!(
        pool.offer_unanswered(2, false),
        Offered::Starting(2)
    ));
    assert_eq!(pool.start_failed(start), Some(1));
    assert_eq!(pool.queued(), 0);
    let start = pool.request_for(2);
    assert!(matches!(
        pool.offer_unanswered(3, false),
        Offered::Starting(3)
    ));
    pool.machine.started(start);
    assert!(starts(&pool.offer_unanswered(3, false), 1));
    assert_eq!(pool.queued(), 2);
}

/// A thread may ask for a job before its starter tells the machine of it.
#[test]
fn thread_that_asks_for_a_job_exists() {
    let mut pool = pool(1, 9);
    let start = pool.request_for(1);
    assert!(runs(&pool.take(0), 1));
    assert!(is_queued(&pool.offer(2)));
    assert!(runs(&pool.end(0), 2));
    assert!(pool.ends_and_sleeps(0));
    assert!(pool.expire(0));
    // Another thread has the number by then.
    let other = pool.request_for(3);
    pool.machine.started(start);
    assert!(matches!(
        pool.offer_unanswered(4, false),
        Offered::Starting(4)
    ));
    assert_eq!(pool.start_failed(other), Some(3));
}

/// The last thread that ran jobs may leave before the system refuses another.
#[test]
fn refused_thread_gives_no_job_back_that_another_has_run() {
    let mut pool = pool(2, 9);
    assert!(starts(&pool.offer(1), 0));
    assert!(runs(&pool.take(0), 1));
    let start = pool.request_for(2);
    assert!(runs(&pool.end(0), 2));
    assert!(pool.ends_and_sleeps(0));
    assert!(pool.expire(0));
    assert!(matches!(
        pool.offer_unanswered(3, false),
        Offered::Starting(3)
    ));
    assert_eq!(pool.start_failed(start), None);
    pool.machine.close();
    assert!(pool.is_terminated());
}

/// A submitter relied on the thread that the system then refuses.
#[test]
fn refused_thread_wakes_one_that_fell_asleep_meanwhile() {
    let mut pool = pool(2, 9);
    assert!(starts(&pool.offer(1), 0));
    assert!(runs(&pool.take(0), 1));
    let start = pool.request_for(2);
    assert!(runs(&pool.end(0), 2));
    assert!(pool.ends_and_sleeps(0));
    assert!(is_queued(&pool.offer(3)));
    let (job, dispatch) = pool.machine.start_failed(&mut pool.run_queue, start);
    assert_eq!((job, dispatch), (None, Dispatch::Wake { thread: 0 }));
    assert!(runs(&pool.take(0), 3));
}

#[test]
fn job_that_was_dropped_to_make_room_is_not_given_back_twice() {
    let mut pool = pool(1, 9);
    let start = pool.request_for(1);
    assert_eq!(pool.drop_oldest(), Some(1));
    assert_eq!(pool.start_failed(start), None);
    assert_eq!(pool.queued(), 0);
}

#[test]
fn pool_that_is_closed_while_its_only_thread_is_refused_terminates() {
    let mut pool = pool(1, 9);
    let start = pool.request_for(1);
    pool.machine.close();
    assert!(matches!(
        pool.offer_unanswered(2, false),
        Offered::Refused(2, Stage::Draining)
    ));
    assert!(!pool.is_terminated());
    assert_eq!(pool.start_failed(start), Some(1));
    assert!(pool.is_terminated());
}

#[test]
fn sleeping_thread_that_expires_leaves_unless_a_job_has_come() {
    let mut pool = pool(1, 9);
    let _ = pool.offer(1);
    let _ = pool.take(0);
    assert!(pool.ends_and_sleeps(0));
    let _ = pool.offer(2);
    assert!(!pool.expire(0));
    assert!(runs(&pool.take(0), 2));
    assert!(pool.ends_and_sleeps(0));
    assert!(pool.expire(0));
    assert_eq!(pool.machine.alive(), 0);
    assert!(starts(&pool.offer(3), 0));
}

/// A job in the run queue is bound to no thread.
#[test]
fn jobs_that_were_moved_at_once_are_taken_by_any_thread_and_come_back() {
    let mut pool = pool(2, 9);
    let _ = pool.offer(1);
    let _ = pool.offer(2);
    for job in 3..=6 {
        let _ = pool.offer(job);
    }
    assert!(runs(&pool.take(0), 1));
    // The first thread hangs.
    assert!(runs(&pool.take(1), 2));
    assert!(runs(&pool.end(1), 3));
    let _ = pool.offer(7);
    assert_eq!(pool.queued(), 4);
    let waiting: Vec<_> = pool.machine.waiting(&pool.run_queue).copied().collect();
    assert_eq!(waiting, [4, 5, 6, 7]);
    assert_eq!(pool.drop_oldest(), Some(4));
    assert_eq!(pool.stop(), [5, 6, 7]);
    assert_eq!((pool.queued(), pool.machine.counts.dropped), (0, 4));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Offer,
    /// A thread that is free takes its next job or ends the one it runs.
    Turn(usize),
    Expire(usize),
    /// The system answers for one of the threads that are requested.
    Answer {
        request: usize,
        gives: bool,
    },
    DropOldest,
    Close,
    Stop,
}

fn step() -> impl Strategy<Value = Step> {
    let answer = (0..4_usize, any::<bool>());
    prop_oneof![
        8 => Just(Step::Offer),
        12 => (0..4_usize).prop_map(Step::Turn),
        2 => (0..4_usize).prop_map(Step::Expire),
        6 => answer.prop_map(|(request, gives)| Step::Answer { request, gives }),
        1 => Just(Step::DropOldest),
        1 => Just(Step::Close),
        1 => Just(Step::Stop),
    ]
}

#[derive(Clone, Copy, PartialEq)]
enum Is {
    Absent,
    /// The system may still refuse it. If it does not, it may run before its starter knows.
    Requested,
    Started,
    Runs,
    Searches,
    Sleeps,
}

/// A thread that was requested, and the job of the submitter that did; `None` for a thread
/// of the pool.
struct Request {
    start: Start,
    of: Option<u32>,
}

/// A pool, and what became of its jobs and threads.
struct World {
    pool: Pool,
    is: [Is; 4],
    requests: Vec<Request>,
    offered: u32,
    ran: Vec<u32>,
    back: Vec<u32>,
    refused: usize,
}

impl World {
    fn new(threads: usize, queue: usize) -> Self {
        Self {
            pool: pool(threads, queue),
            is: [Is::Absent; 4],
            requests: Vec::new(),
            offered: 0,
            ran: Vec::new(),
            back: Vec::new(),
            refused: 0,
        }
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Offer => self.offer(),
            Step::Turn(thread) => self.turn(thread),
            Step::Expire(thread) if self.is[thread] == Is::Sleeps => {
                if self.pool.expire(thread) {
                    self.is[thread] = Is::Absent;
                }
            }
            Step::Expire(_) => {}
            Step::Answer { request, gives } => self.answer(request, gives),
            Step::DropOldest => self.back.extend(self.pool.drop_oldest()),
            Step::Close => {
                self.pool.machine.close();
                self.wake_all();
            }
            Step::Stop => {
                self.back.extend(self.pool.stop());
                self.wake_all();
            }
        }
    }

    fn offer(&mut self) {
        self.offered += 1;
        match self.pool.offer_unanswered(self.offered, false) {
            Offered::Accepted(dispatch) => self.dispatch(dispatch, Some(self.offered)),
            Offered::Full(_) => {
                assert!(self.pool.queued() >= self.pool.limits.queue);
                self.refused += 1;
            }
            Offered::Starting(_) => {
                // There is an answer to wait for. The submitter gives up here.
                assert!(!self.requests.is_empty());
                self.refused += 1;
            }
            Offered::Refused(..) => {
                assert!(self.pool.machine.stage() > Stage::Open);
                self.refused += 1;
            }
        }
    }

    fn dispatch(&mut self, dispatch: Dispatch, of: Option<u32>) {
        match dispatch {
            Dispatch::Nothing => {}
            Dispatch::Wake { thread } => {
                assert!(self.is[thread] == Is::Sleeps);
                self.is[thread] = Is::Started;
            }
            Dispatch::Start(start) => {
                assert!(self.is[start.thread] == Is::Absent);
                self.is[start.thread] = Is::Requested;
                self.requests.push(Request { start, of });
            }
        }
    }

    fn answer(&mut self, request: usize, gives: bool) {
        if self.requests.is_empty() {
            return;
        }
        let request = request % self.requests.len();
        let Request { start, of } = self.requests.remove(request);
        // Not if the thread has come and gone, and its number was requested again.
        let mut later = self.requests[request..].iter();
        let is_latest = !later.any(|later| later.start.thread == start.thread);
        let is_undecided = is_latest && self.is[start.thread] == Is::Requested;
        if gives || !is_undecided {
            self.pool.machine.started(start);
            if is_undecided {
                self.is[start.thread] = Is::Started;
            }
            return;
        }
        self.is[start.thread] = Is::Absent;
        let pool = &mut self.pool;
        let (job, dispatch) = pool.machine.start_failed(&mut pool.run_queue, start);
        assert!(!matches!(dispatch, Dispatch::Start(_)));
        self.dispatch(dispatch, None);
        if let Some(job) = job {
            // Its submitter gets its own job back.
            assert_eq!(of, Some(job));
            self.refused += 1;
        }
    }

    fn turn(&mut self, thread: usize) {
        let next = match self.is[thread] {
            Is::Absent | Is::Sleeps => return,
            Is::Runs => self.pool.end(thread),
            Is::Searches => self.pool.take_or_sleep(thread),
            Is::Requested | Is::Started => self.pool.take(thread),
        };
        match next {
            Next::Run(job, dispatch) => {
                self.ran.push(job);
                self.is[thread] = Is::Runs;
                self.dispatch(dispatch, None);
            }
            Next::Search => self.is[thread] = Is::Searches,
            Next::Sleep => self.is[thread] = Is::Sleeps,
            Next::Leave => {
                self.pool.machine.leave(thread);
                self.is[thread] = Is::Absent;
                self.wake_all();
            }
        }
    }

    /// Does what the driver does after `close`, `stop` and `leave`.
    fn wake_all(&mut self) {
        for thread in self.pool.machine.wake_all() {
            self.is[thread] = Is::Started;
        }
    }

    fn count(&self, of: &[Is]) -> usize {
        self.is.iter().filter(|is| of.contains(is)).count()
    }

    fn check(&self) {
        let limits = self.pool.limits;
        assert!(self.pool.machine.alive() <= limits.threads);
        assert!(self.pool.queued() <= limits.queue + limits.threads);
        assert_eq!(self.pool.machine.alive(), 4 - self.count(&[Is::Absent]));
        // A job waits only where a thread will come for it: one that rests takes one and
        // calls the next. Else no thread sleeps.
        let resting = self.count(&[Is::Requested, Is::Started, Is::Searches]);
        let sleeps = self.is.contains(&Is::Sleeps);
        assert!(self.pool.queued() == 0 || resting > 0 || !sleeps);
        // Only the job of the submitter that requests the first thread may wait for a
        // thread that the system may refuse.
        let exist = self.count(&[Is::Started, Is::Searches, Is::Sleeps, Is::Runs]);
        assert!(exist > 0 || self.pool.queued() <= self.count(&[Is::Requested]).min(1));
    }

    /// Closes the pool and lets it terminate; `gives` says what the system answers.
    fn end(&mut self, gives: bool) {
        self.step(Step::Close);
        for _ in 0..200 {
            self.answer(0, gives);
            for thread in 0..4 {
                self.turn(thread);
            }
        }
        assert!(self.pool.is_terminated());
        assert!(self.ran.is_sorted());
        assert!(self.back.is_sorted());
        let mut all: Vec<u32> = self.ran.iter().chain(&self.back).copied().collect();
        assert_eq!(all.len() + self.refused, self.offered as usize);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len() + self.refused, self.offered as usize);
    }
}

proptest! {
    /// Every job that is offered runs, comes back or is refused, exactly once and in
    /// order; a pool that is closed terminates; limits hold.
    #[test]
    fn no_job_is_lost(
        steps in prop::collection::vec(step(), 0..80),
        threads in 1..4_usize,
        queue in 0..3_usize,
        gives in any::<bool>(),
    ) {
        let mut world = World::new(threads, queue);
        for step in steps {
            world.step(step);
            world.check();
        }
        world.end(gives);
    }
}

/// The queue is a queue.
#[test]
fn stop_gives_back_in_order_what_has_not_started() {
    let mut pool = pool(1, 9);
    for job in 1..=4 {
        let _ = pool.offer(job);
    }
    let _ = pool.take(0);
    assert_eq!(pool.stop(), [2, 3, 4]);
    assert_eq!(pool.machine.counts.dropped, 3);
}
