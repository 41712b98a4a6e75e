use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::drain::{Drain, JobError, Pool, WhenFull};
use deadstop::{Cause, Phase, Shutdown};

use crate::{Panics, finish, hang, shutdown, victim, wait};

const MS: Duration = Duration::from_millis(1);

/// Submits more jobs than the pool's threads and queue can hold.
fn batch(pool: &Pool, jobs: usize, each: Duration) -> Arc<AtomicUsize> {
    let done = Arc::new(AtomicUsize::new(0));
    for job in 0..jobs {
        let done = Arc::clone(&done);
        let work = move || {
            thread::sleep(each);
            done.fetch_add(1, Ordering::SeqCst);
        };
        pool.execute_named(format!("part {job}"), work)
            .expect("the caller runs what does not fit");
    }
    done
}

#[test]
fn main_returns_at_once_and_every_accepted_job_runs() {
    let name = "pool::main_returns_at_once_and_every_accepted_job_runs";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let [first, second] = ["parts", "mails"].map(|name| {
            let pool = shutdown.pool(name).threads(5).queue(100);
            let pool = pool.when_full(WhenFull::CallerRuns);
            pool.budget(Duration::from_secs(30))
                .start()
                .expect("it starts")
        });
        let done = [batch(&first, 200, MS), batch(&second, 200, MS)];
        let flush = shutdown.task("count").phase(Phase::FLUSH);
        flush
            .on_shutdown(move |_| {
                let done = done.map(|done| done.load(Ordering::SeqCst));
                println!("done {done:?}");
            })
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("done [200, 200]");
}

/// The control: a process that only returns from `main`, without a pool.
#[test]
fn control_jobs_of_plain_threads_are_cut_off() {
    let ended = victim::run("pool::control_jobs_of_plain_threads_are_cut_off", || {
        for _ in 0..5 {
            thread::spawn(|| {
                thread::sleep(300 * MS);
                println!("done");
            });
        }
    });
    ended.assert_status(0).assert_silent_about("done");
}

#[test]
fn no_job_starts_after_the_budget_and_the_next_phase_runs() {
    let name = "pool::no_job_starts_after_the_budget_and_the_next_phase_runs";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let pool = shutdown.pool("parts").threads(2).queue(100);
        let pool = pool.budget(300 * MS).start().expect("it starts");
        let started = Instant::now();
        let done = batch(&pool, 60, 50 * MS);
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(move |_| {
                // The two jobs that ran at the end of the budget may still end.
                thread::sleep(200 * MS);
                let before = done.load(Ordering::SeqCst);
                thread::sleep(400 * MS);
                let after = done.load(Ordering::SeqCst);
                println!("went on: {}", after != before);
                println!("some ran, not all: {}", after > 0 && after < 60);
                println!("took the budget: {}", started.elapsed() >= 300 * MS);
            })
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(1);
    ended.assert_says("went on: false");
    ended.assert_says("some ran, not all: true");
    ended.assert_says("took the budget: true");
    ended.assert_says("jobs not started in time: \"part");
}

#[test]
fn discard_drops_and_names_what_waits_and_lets_the_running_job_end() {
    let name = "pool::discard_drops_and_names_what_waits_and_lets_the_running_job_end";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let pool = shutdown.pool("parts").threads(1).queue(100);
        let pool = pool.on_shutdown(Drain::Discard).start().expect("it starts");
        let done = batch(&pool, 5, 200 * MS);
        thread::sleep(50 * MS);
        let flush = shutdown.task("count").phase(Phase::FLUSH);
        flush
            .on_shutdown(move |_| println!("done {}", done.load(Ordering::SeqCst)))
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("done 1");
    ended.assert_says("4 jobs discarded: \"part 1\", \"part 2\", \"part 3\", \"part 4\"");
}

#[test]
fn hang_report_names_the_job_its_thread_and_what_was_queued() {
    let name = "pool::hang_report_names_the_job_its_thread_and_what_was_queued";
    let ended = victim::run(name, || {
        let shutdown = shutdown(1);
        let pool = shutdown.pool("mailer").threads(1).queue(9);
        let pool = pool.start().expect("it starts");
        let hangs = || hang();
        pool.execute_named("mail 17", hangs)
            .expect("the pool accepts the job");
        pool.execute_named("mail 18", || ())
            .expect("the pool accepts the job");
        // No later step may end the process before the deadline.
        crate::hang_in_the_last_phase(&shutdown);
        finish(&shutdown);
    });
    ended.assert_status(124);
    ended.assert_says("1 running, 1 queued; longest: \\\"mail 17\\\" for");
    ended.assert_says("on thread mailer-1; next: \\\"mail 18\\\"");
}

/// The pool's task waits for its jobs. The reports at the abandonment and at the deadline must
/// therefore still name the job.
#[test]
fn reports_name_the_job_after_the_budget_of_its_pool() {
    let name = "pool::reports_name_the_job_after_the_budget_of_its_pool";
    let ended = victim::run(name, || {
        let shutdown = shutdown(4);
        let pool = shutdown.pool("mailer").threads(1).budget(200 * MS);
        let pool = pool.start().expect("it starts");
        pool.execute_named("mail 17", || hang())
            .expect("the pool accepts the job");
        crate::hang_in_the_last_phase(&shutdown);
        finish(&shutdown);
    });
    ended.assert_status(124);
    let says = "1 running, 0 queued; longest: \\\"mail 17\\\" for";
    crate::assert_named_after_its_budget(&ended, "\"mailer\" (phase drain,", says);
}

/// Returns a pool without free capacity: its only thread runs "part 1" until the request, so the
/// next job runs on its caller's thread.
fn pool_without_room(shutdown: &Shutdown, accepts_from_jobs: bool) -> Pool {
    let pool = shutdown.pool("parts").threads(1).queue(0);
    let pool = pool.when_full(WhenFull::CallerRuns);
    let pool = pool.accept_from_jobs(accepts_from_jobs).start();
    let pool = pool.expect("it starts");
    let (begun, has_begun) = std::sync::mpsc::channel();
    let requested = shutdown.requested();
    let first = move || {
        begun.send(()).expect("the scenario waits");
        requested.wait();
    };
    pool.execute_named("part 1", first)
        .expect("a thread is free");
    has_begun.recv().expect("it runs");
    pool
}

/// One thread submits a job, and `main` waits on another.
#[test]
fn job_that_runs_on_its_callers_thread_is_waited_for() {
    let name = "pool::job_that_runs_on_its_callers_thread_is_waited_for";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let pool = pool_without_room(&shutdown, false);
        let (begun, has_begun) = std::sync::mpsc::channel();
        let submits = pool.clone();
        thread::spawn(move || {
            let second = move || {
                begun.send(()).expect("the scenario waits");
                thread::sleep(1000 * MS);
                println!("part 2 is done");
            };
            submits.execute_named("part 2", second).map(drop)
        });
        has_begun.recv().expect("it runs on its caller's thread");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        let terminated = move |_: &deadstop::TaskContext| {
            println!(
                "terminated: {}, {:?}",
                pool.is_terminated(),
                pool.stats().caller_ran
            );
        };
        flush.on_shutdown(terminated).expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("part 2 is done\nterminated: true, 1");
}

/// The job submits the next step of a chain, when the pool is closed. A job of the pool may do
/// so.
#[test]
fn job_that_runs_on_its_callers_thread_may_submit_to_a_closed_pool() {
    let name = "pool::job_that_runs_on_its_callers_thread_may_submit_to_a_closed_pool";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let pool = pool_without_room(&shutdown, true);
        let (begun, has_begun) = std::sync::mpsc::channel();
        let (submits, again, requested) = (pool.clone(), pool.clone(), shutdown.requested());
        thread::spawn(move || {
            let second = move || {
                begun.send(()).expect("the scenario waits");
                requested.wait();
                thread::sleep(500 * MS);
                let accepted = again.execute_named("part 3", || println!("part 3 is done"));
                println!("accepted: {}", accepted.is_ok());
            };
            submits.execute_named("part 2", second).map(drop)
        });
        has_begun.recv().expect("it runs on its caller's thread");
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("part 3 is done");
    ended.assert_says("accepted: true");
}

#[test]
fn job_that_hangs_on_its_callers_thread_is_named() {
    let name = "pool::job_that_hangs_on_its_callers_thread_is_named";
    let ended = victim::run(name, || {
        let shutdown = shutdown(1);
        let pool = pool_without_room(&shutdown, false);
        let (begun, has_begun) = std::sync::mpsc::channel();
        let submitter = thread::Builder::new().name("submitter".to_owned());
        let submits = move || {
            let second = move || {
                begun.send(()).expect("the scenario waits");
                hang()
            };
            pool.execute_named("part 2", second).map(drop)
        };
        submitter.spawn(submits).expect("it starts");
        has_begun.recv().expect("it runs on its caller's thread");
        crate::hang_in_the_last_phase(&shutdown);
        finish(&shutdown);
    });
    ended.assert_status(124);
    ended.assert_says("longest: \\\"part 2\\\" for");
    ended.assert_says("on the thread of its caller");
}

#[test]
fn last_request_of_a_server_may_still_submit() {
    let name = "pool::last_request_of_a_server_may_still_submit";
    let ended = victim::signal(name, libc::SIGTERM, || {
        let shutdown = shutdown(30);
        let gate = shutdown.gate("requests").open().expect("it opens");
        let pool = shutdown.pool("mailer").phase(Phase::FLUSH);
        let pool = pool.start().expect("it starts");
        let request = gate.enter().expect("it is open");
        thread::spawn(move || {
            gate.closing().wait();
            thread::sleep(50 * MS);
            let sent = pool.submit(|| println!("sent")).is_ok();
            println!("submitted: {sent}");
            drop(request);
        });
        wait(&shutdown);
    });
    ended.assert_status(0).assert_says("submitted: true");
    ended.assert_says("sent");
}

/// Without the abandonment, the second phase would begin only after the deadline.
#[test]
fn job_that_spins_delays_the_next_phase_by_the_budget_only() {
    let name = "pool::job_that_spins_delays_the_next_phase_by_the_budget_only";
    let ended = victim::run(name, || {
        let shutdown = shutdown(40);
        let pool = shutdown.pool("spinner").threads(1).budget(200 * MS);
        let pool = pool.start().expect("it starts");
        let spins = || loop {
            std::hint::spin_loop();
        };
        pool.execute(spins).expect("the pool accepts the job");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(|_| println!("flushed"))
            .expect("accepted");
        finish(&shutdown);
    });
    ended.assert_status(1).assert_says("flushed");
    assert!(ended.after < Duration::from_secs(30), "{ended:#?}");
}

#[test]
fn pool_that_terminated_earlier_delays_nothing() {
    let ended = victim::run("pool::pool_that_terminated_earlier_delays_nothing", || {
        let shutdown = shutdown(20);
        for at in 0..100 {
            let pool = shutdown.pool(format!("short {at}")).threads(1);
            let pool = pool.start().expect("it starts");
            pool.execute(|| ()).expect("the pool accepts the job");
            pool.close();
            assert!(pool.await_termination(Duration::from_secs(20)));
        }
        shutdown.request(Cause::Finished);
        let code = shutdown.wait();
        let report = shutdown.report().expect("it is over");
        println!("{} tasks", report.tasks().count());
        assert!(crate::succeeded(code));
    });
    // The tasks of the pools are cancelled when the pools have terminated.
    ended.assert_status(0).assert_says("0 tasks");
}

#[test]
fn pool_of_a_scope_is_drained_when_the_scope_stops_alone() {
    let name = "pool::pool_of_a_scope_is_drained_when_the_scope_stops_alone";
    let ended = victim::run(name, || {
        let shutdown = shutdown(20);
        let scope = shutdown.scope("ingest");
        for round in 1..=2 {
            let pool = scope.pool("parser").threads(1).start().expect("it starts");
            let done = Arc::new(AtomicUsize::new(0));
            for _ in 0..5 {
                let done = Arc::clone(&done);
                let job = move || {
                    thread::sleep(10 * MS);
                    done.fetch_add(1, Ordering::SeqCst);
                };
                pool.execute(job).expect("the pool accepts the job");
            }
            let stopped = scope.stop(Cause::requested("a reload"), Duration::from_secs(10));
            let report = stopped.expect("it stops");
            let has_task = report.task("/ingest/parser").is_some();
            let done = done.load(Ordering::SeqCst);
            println!(
                "round {round}: {done} done, {}, {has_task}",
                pool.is_terminated()
            );
            assert!(scope.restart());
        }
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("round 1: 5 done, true, true");
    ended.assert_says("round 2: 5 done, true, true");
}

#[test]
fn handle_of_a_job_whose_panic_payload_panics_can_be_dropped() {
    let name = "pool::handle_of_a_job_whose_panic_payload_panics_can_be_dropped";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let pool = shutdown.pool("p").threads(1).start().expect("it starts");
        let submit = || pool.submit(|| std::panic::panic_any(Panics));
        let dropped = submit().map_err(|it| it.why).expect("it is open");
        let joined = submit().map_err(|it| it.why).expect("it is open");
        let result: Result<(), _> = joined.join();
        match result {
            Err(JobError::Panicked(payload)) => {
                println!("the payload is there: {}", payload.is::<Panics>());
                Box::leak(payload);
            }
            other => println!("{other:?}"),
        }
        // The first has run too.
        drop(dropped);
        println!("the handle is dropped");
        finish(&shutdown);
    });
    ended.assert_status(0);
    ended.assert_says("the payload is there: true");
    ended.assert_says("the handle is dropped");
}

/// The destructors panic one after another. A second panic during the first would abort the
/// process.
#[test]
fn discarded_jobs_whose_destructors_panic_do_not_abort_the_process() {
    let name = "pool::discarded_jobs_whose_destructors_panic_do_not_abort_the_process";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let pool = shutdown.pool("parts").threads(1).queue(100);
        let pool = pool.on_shutdown(Drain::Discard).start().expect("it starts");
        let (begun, has_begun) = std::sync::mpsc::channel();
        let long = move || {
            begun.send(()).expect("the scenario waits");
            thread::sleep(300 * MS);
        };
        pool.execute(long)
            .map(drop)
            .expect("the pool accepts the job");
        has_begun.recv().expect("it runs");
        for _ in 0..3 {
            let captured = Panics;
            let job = move || drop(captured);
            pool.execute(job)
                .map(drop)
                .expect("the pool accepts the job");
        }
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("3 jobs discarded");
}

/// The payload of a job's panic has a destructor that panics too.
#[test]
fn job_whose_panic_payload_panics_leaves_the_pools_thread_running() {
    let name = "pool::job_whose_panic_payload_panics_leaves_the_pools_thread_running";
    let ended = victim::run(name, || {
        let shutdown = shutdown(30);
        let pool = shutdown.pool("p").threads(1).start().expect("it starts");
        for _ in 0..3 {
            let accepted = pool.execute(|| std::panic::panic_any(Panics));
            accepted.map(drop).expect("it is open");
        }
        let last = pool.execute(|| println!("the last job ran"));
        last.map(drop).expect("it is open");
        let _ = shutdown.finish();
        println!("panicked: {}", pool.stats().panicked);
        shutdown.wait_and_exit();
    });
    ended.assert_says("the last job ran\npanicked: 3");
    assert!(ended.after < Duration::from_secs(20), "{ended:#?}");
}

/// The exit waits for the pool's task, which waits for the job's thread, which is in `exit`.
#[test]
fn job_that_calls_exit_is_held_for_the_budget_and_the_exit_is_a_failure() {
    let name = "pool::job_that_calls_exit_is_held_for_the_budget_and_the_exit_is_a_failure";
    let ended = victim::run(name, || {
        let shutdown = shutdown(60);
        let pool = shutdown.pool("parts").threads(2).budget(300 * MS);
        let pool = pool.start().expect("it starts");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(|_| println!("flush is done"))
            .expect("it is accepted");
        let (exits, requested) = (shutdown.requested(), shutdown.clone());
        let job = move || {
            exits.wait();
            std::process::exit(0)
        };
        pool.execute_named("exits", job)
            .expect("the pool accepts the job");
        requested.request(Cause::requested("a test"));
        hang()
    });
    ended.assert_status(1).assert_says("flush is done");
    assert!(ended.after < Duration::from_secs(30), "{ended:#?}");
}
