//! A logger that hangs must not delay a task, a waker or a caller.

use std::sync::mpsc::channel;
use std::time::Duration;

use deadstop::drain::{Drain, Pool};
use deadstop::{Phase, Shutdown};

use crate::{finish, hang, shutdown, succeeded, victim};

struct Hangs;

impl log::Log for Hangs {
    fn enabled(&self, _: &log::Metadata<'_>) -> bool {
        true
    }

    fn log(&self, _: &log::Record<'_>) {
        hang()
    }

    fn flush(&self) {}
}

/// Installs a shutdown in a program whose logger hangs.
fn with_a_logger_that_hangs() -> Shutdown {
    log::set_logger(&Hangs).expect("the scenario has no logger yet");
    log::set_max_level(log::LevelFilter::Warn);
    shutdown(30)
}

/// Keeps the pool's only thread busy until `after` the request. Returns when the thread is busy.
fn keep_busy(pool: &Pool, shutdown: &Shutdown, after: Duration) {
    let (runs, running) = channel();
    let requested = shutdown.requested();
    let job = move || {
        runs.send(()).expect("the scenario waits");
        requested.wait();
        std::thread::sleep(after);
    };
    pool.execute(job).expect("the pool accepts the job");
    running.recv().expect("it runs");
}

/// Prints the result of the shutdown and of each failed task.
fn show(shutdown: &Shutdown) {
    let code = shutdown.finish();
    println!("clean: {}", succeeded(code));
    let report = shutdown.report().expect("it is over");
    for task in report.tasks().filter(|task| task.outcome().is_failure()) {
        println!("{:?} {}", task.name(), task.outcome());
    }
}

#[test]
fn pool_that_discards_jobs_ends_although_the_logger_hangs() {
    let name = "logger::pool_that_discards_jobs_ends_although_the_logger_hangs";
    let ended = victim::run(name, || {
        let shutdown = with_a_logger_that_hangs();
        let pool = shutdown.pool("parts").threads(1).queue(9);
        let pool = pool.budget(Duration::from_secs(3));
        let pool = pool.on_shutdown(Drain::Discard).start().expect("it starts");
        keep_busy(&pool, &shutdown, Duration::ZERO);
        pool.execute_named("part 2", || ())
            .expect("the pool accepts the job");
        show(&shutdown);
    });
    ended.assert_says("clean: true");
}

#[test]
fn gate_with_streams_left_ends_although_the_logger_hangs() {
    let name = "logger::gate_with_streams_left_ends_although_the_logger_hangs";
    let ended = victim::run(name, || {
        let shutdown = with_a_logger_that_hangs();
        let gate = shutdown.gate("requests");
        let gate = gate.budget(Duration::from_secs(3));
        let gate = gate
            .streams_within(Duration::ZERO)
            .open()
            .expect("it opens");
        let stream = gate.enter().expect("it is open").into_stream();
        show(&shutdown);
        drop(stream);
    });
    ended.assert_says("clean: true");
}

#[test]
fn wakers_run_although_one_panics_and_the_logger_hangs() {
    let name = "logger::wakers_run_although_one_panics_and_the_logger_hangs";
    let ended = victim::run(name, || {
        let shutdown = with_a_logger_that_hangs();
        for at in 1..=2 {
            let waker = move || {
                println!("waker {at} runs");
                panic!("waker {at}");
            };
            shutdown
                .waker(format!("waker {at}"), waker)
                .expect("accepted");
        }
        let last = shutdown.task("last").phase(Phase::DRAIN);
        last.on_shutdown(|_| println!("the task runs"))
            .expect("it is accepted");
        show(&shutdown);
    });
    ended.assert_says("waker 1 runs\nwaker 2 runs\nthe task runs\nclean: true");
}

/// The first waker hangs. The second must be called, and the log must name the first.
#[test]
fn wakers_run_although_one_hangs_and_the_logger_hangs() {
    let name = "logger::wakers_run_although_one_hangs_and_the_logger_hangs";
    let ended = victim::run(name, || {
        let shutdown = with_a_logger_that_hangs();
        let hangs = || hang();
        shutdown.waker("hangs", hangs).expect("accepted");
        let waker = || println!("the second runs");
        shutdown.waker("second", waker).expect("accepted");
        let last = shutdown.task("last").phase(Phase::DRAIN);
        last.on_shutdown(|_| println!("the task runs"))
            .expect("it is accepted");
        show(&shutdown);
    });
    ended.assert_says("the second runs\nthe task runs\nclean: true");
}

#[test]
fn task_that_waits_for_the_end_gets_its_answer_although_the_logger_hangs() {
    let name = "logger::task_that_waits_for_the_end_gets_its_answer_although_the_logger_hangs";
    let ended = victim::run(name, || {
        let shutdown = with_a_logger_that_hangs();
        let waits = shutdown.clone();
        let task = shutdown.task("waits").budget(Duration::from_secs(3));
        task.on_shutdown(move |_| {
            let code = waits.ended().wait();
            println!("answered: {}", succeeded(code));
        })
        .expect("it is accepted");
        show(&shutdown);
    });
    ended.assert_says("answered: false\nclean: true");
}

/// The logger hangs in its first line, which says that the shutdown begins.
#[test]
fn work_left_undone_is_on_standard_error_although_the_logger_hangs() {
    let name = "logger::work_left_undone_is_on_standard_error_although_the_logger_hangs";
    let ended = victim::run(name, || {
        let shutdown = with_a_logger_that_hangs();
        log::set_max_level(log::LevelFilter::Info);
        let pool = shutdown.pool("parts").threads(1).queue(9);
        let pool = pool.on_shutdown(Drain::Discard).start().expect("it starts");
        keep_busy(&pool, &shutdown, Duration::from_millis(200));
        pool.execute_named("part 2", || ())
            .expect("the pool accepts the job");
        let fails = shutdown.task("flush the log").phase(Phase::FLUSH);
        fails
            .on_shutdown(|_| {
                std::thread::sleep(Duration::from_millis(100));
                Err::<(), _>("the disk is full")
            })
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended
        .assert_status(1)
        .assert_says("deadstop: pool \"parts\": 1 job discarded")
        .assert_says("\"flush the log\" of flush took")
        .assert_says("failed: the disk is full");
}
