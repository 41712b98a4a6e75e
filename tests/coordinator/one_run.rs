//! One run and one end, whatever requests it and waits for it.

use std::fs;
use std::panic;
use std::process::{ExitCode, exit};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::{
    Cause, CleanExit, InstallError, Panics, Phase, RegisterError, Shutdown, Signal, Watchdog,
};

use crate::case::{Case, ends_with, judged, sees};
use crate::harness::End;
use crate::journal::{self, Journal, debug};
use crate::scenario::{
    LONG, SEEN, builder, hang, install, install_as, let_it_end, look_away, ms, panic_as_planned,
    reported, return_from_main, run, say, sleep_ms, why,
};
use crate::system;

tests! {
    it_runs_once_and_the_first_cause_stays,
    simultaneous_requests_have_one_first_caller,
    caller_of_request_sees_that_the_shutdown_has_begun,
    all_waiters_get_the_same_status,
    status_of_the_end_stays,
    finishing_is_asking_and_waiting,
    finishing_returns_even_if_nothing_was_to_do,
    finish_that_is_over_at_once_wakes_who_waits_for_the_request,
    process_ends_after_a_finish_on_a_thread_that_is_gone,
    process_without_waiter_ends_when_its_tasks_are_done,
    without_a_waiter_the_process_is_left_alone_until_the_deadline,
    waiter_may_take_any_time_after_the_end,
    wait_soon_after_the_request_finds_the_process,
    process_without_waiter_ends_with_1_after_a_failed_task,
    process_without_waiter_ends_with_101_after_a_panic,
    failure_status_can_be_chosen,
    main_returns_0_if_all_is_done,
    main_returns_1_if_a_task_failed,
    exit_waits_and_ends_with_0,
    exit_waits_and_ends_with_1_if_a_task_failed,
    main_that_returns_waits_for_the_tasks,
    exit_elsewhere_waits_for_the_tasks,
    main_that_returns_unasked_runs_nothing,
    arming_the_watchdog_begins_nothing,
    it_is_found_by_those_who_have_no_handle,
    there_is_one_per_process,
    installs_that_fail_leave_no_threads_behind,
    signal_may_come_while_tasks_come_and_go,
}

fn it_runs_once_and_the_first_cause_stays() -> Case {
    sees(|| {
        let shutdown = install();
        assert!(!shutdown.is_requested());
        assert_eq!(shutdown.cause(), None);
        let first = Cause::requested("first");
        let task = shutdown.task("slow");
        task.on_shutdown(|_| sleep_ms(50))
            .expect("it has not begun");
        assert!(shutdown.request(first.clone()));
        assert!(shutdown.is_requested());
        assert!(!shutdown.request(Cause::requested("second")));
        assert_eq!(shutdown.cause(), Some(first.clone()));
        let report = reported(&shutdown);
        assert_eq!(report.cause(), &first);
        assert!(
            !shutdown.request(Cause::requested("third")),
            "also after the end"
        );
        assert_eq!(shutdown.cause(), Some(first));
        assert_eq!(reported(&shutdown).to_string(), report.to_string());
    })
}

/// One initiator among many threads that request at once.
fn simultaneous_requests_have_one_first_caller() -> Case {
    sees(|| {
        const THREADS: usize = 32;
        let shutdown = install();
        let ran = Journal::new();
        let task = shutdown.task("once").on_shutdown(ran.noting("ran"));
        task.expect("it has not begun");
        let barrier = Barrier::new(THREADS);
        let firsts: Vec<_> = thread::scope(|threads| {
            let asking: Vec<_> = (0..THREADS)
                .map(|n| {
                    let (shutdown, barrier) = (&shutdown, &barrier);
                    threads.spawn(move || {
                        let cause = Cause::requested(format!("thread {n}"));
                        barrier.wait();
                        let first = shutdown.request(cause.clone());
                        let seen = shutdown.cause().expect("it has begun");
                        assert!(!first || seen == cause);
                        first.then_some(cause)
                    })
                })
                .collect();
            let firsts = asking
                .into_iter()
                .map(|asks| asks.join().expect("it returns"));
            firsts.flatten().collect()
        });
        assert_eq!(firsts.len(), 1, "{firsts:?}");
        let report = reported(&shutdown);
        assert_eq!(report.cause(), &firsts[0]);
        ran.reads(["ran"]);
    })
}

/// A cause is never missing once it has begun.
///
/// Also to those who were not the first, by a hair.
fn caller_of_request_sees_that_the_shutdown_has_begun() -> Case {
    sees(|| {
        const THREADS: u32 = 3;
        let shutdown = install();
        let arrived = AtomicU32::new(0);
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    while arrived.load(Ordering::SeqCst) < THREADS {}
                    shutdown.request(why());
                    assert!(shutdown.is_requested());
                });
            }
        });
        reported(&shutdown);
    })
    .times(5)
}

/// Concurrent callers share one run, and so do those who come later.
fn all_waiters_get_the_same_status() -> Case {
    sees(|| {
        let shutdown = install_as(builder().failure_status(7));
        let journal = Journal::new();
        let task = shutdown.task("fails").phase(Phase::DRAIN);
        let noted = journal.clone();
        task.on_shutdown(move |_| {
            sleep_ms(100);
            noted.note("ran");
            Err("no")
        })
        .expect("it has not begun");
        let seven = debug(&ExitCode::from(7));
        let reports: Vec<_> = thread::scope(|threads| {
            let waiting: Vec<_> = (0..12)
                .map(|n| {
                    let (shutdown, seven) = (shutdown.clone(), &seven);
                    threads.spawn(move || {
                        if n % 2 == 0 {
                            shutdown.requested().wait();
                            assert!(shutdown.report().is_none(), "it is not over");
                        }
                        let code = match n % 3 {
                            0 => shutdown.finish(),
                            1 => shutdown.wait(),
                            _ => shutdown.ended().wait(),
                        };
                        assert_eq!(debug(&code), *seven);
                        shutdown.report().expect("it is over").to_string()
                    })
                })
                .collect();
            assert!(shutdown.report().is_none(), "it is not over");
            let reports = waiting
                .into_iter()
                .map(|waits| waits.join().expect("it returns"));
            reports.collect()
        });
        // And those who come after it.
        assert_eq!(debug(&shutdown.wait()), seven);
        assert_eq!(debug(&shutdown.finish()), seven);
        let report = reported(&shutdown).to_string();
        assert!(reports.iter().all(|other| *other == report), "{reports:?}");
        journal.reads(["ran"]);
    })
}

/// Also once the coordinator's own thread has come to the end.
///
/// In silence, the thread of the last task concludes the run, and the
/// coordinator's comes to it later.
fn status_of_the_end_stays() -> Case {
    sees(|| {
        let shutdown = install_as(builder().failure_status(7));
        let fails = shutdown.task("fails").on_shutdown(|_| Err("no"));
        fails.expect("it has not begun");
        let first = run(&shutdown).to_string();
        let seven = debug(&ExitCode::from(7));
        for _ in 0..4 {
            sleep_ms(150);
            assert_eq!(debug(&shutdown.wait()), seven);
            assert_eq!(reported(&shutdown).to_string(), first);
        }
    })
}

/// The work is done.
fn finishing_is_asking_and_waiting() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let task = shutdown.task("task").on_shutdown(journal.noting("ran"));
        task.expect("it has not begun");
        assert_eq!(debug(&shutdown.finish()), debug(&ExitCode::SUCCESS));
        journal.reads(["ran"]);
        assert_eq!(shutdown.cause(), Some(Cause::Finished));
        let report = shutdown.report().expect("it is over");
        assert_eq!(report.cause().to_string(), "the work is done");
    })
}

/// The process ends with the status that `main` returns after `finish`.
///
/// A caller of `finish` goes on, however little there was to do.
fn finishing_returns_even_if_nothing_was_to_do() -> Case {
    ends_with(9, || {
        // Here the coordinator is always done before the thread that finishes.
        let_it_end();
        system::use_one_processor();
        let shutdown = install();
        system::give_way();
        let code = shutdown.finish();
        assert_eq!(debug(&code), debug(&ExitCode::SUCCESS));
        return_from_main(ExitCode::from(9));
    })
}

/// The thread that finishes wakes `deadstop-run` only if there is something to do.
///
/// Fails if the end does not wake the threads that wait for the request.
fn finish_that_is_over_at_once_wakes_who_waits_for_the_request() -> Case {
    sees(|| {
        let shutdown = install();
        let requested = shutdown.requested();
        let waits = thread::spawn(move || requested.wait());
        // It waits by then, or the test sees less.
        sleep_ms(50);
        assert_eq!(debug(&shutdown.finish()), debug(&ExitCode::SUCCESS));
        waits.join().expect("it is woken");
    })
}

/// Fails if `deadstop-run` is not woken for the exit because a wake-up that was not needed
/// counts as one that is to come.
fn process_ends_after_a_finish_on_a_thread_that_is_gone() -> Case {
    judged(
        || {
            let_it_end();
            // A task is mostly over before the thread that finishes runs again.
            system::use_one_processor();
            let shutdown = install();
            let task = shutdown.task("task").on_shutdown(|_| {});
            task.expect("it has not begun");
            thread::spawn(move || {
                // `deadstop-run` has nothing else to wake for by then.
                sleep_ms(800);
                let _code = shutdown.finish();
            });
            look_away();
        },
        |victims| {
            // Load can make a thread late.
            let runs = (0..4).map(|_| victims.ends_with(0));
            let late = runs.filter(|death| death.after > LONG / 2).count();
            assert!(late <= 1, "{late} of 4 ended at the deadline");
        },
    )
}

fn process_without_waiter_ends_when_its_tasks_are_done() -> Case {
    judged(
        || without_a_waiter(|_| {}),
        |victims| {
            let death = victims.ends_with(0);
            assert!(death.stdout.contains("last"), "{death:?}");
        },
    )
}

/// By default the process goes on until the deadline: the application may still be
/// draining. A warning says what is missing.
///
/// Unless set otherwise, the program's own work goes on after the last task. Ends
/// with 124, at the deadline.
fn without_a_waiter_the_process_is_left_alone_until_the_deadline() -> Case {
    judged(
        || {
            let_it_end();
            let log = journal::of_log();
            // `WhenDone::Wait` is the default.
            let left_alone = Shutdown::builder().grace(ms(2000)).signals([]);
            let shutdown = install_as(left_alone);
            let task = shutdown.task("last");
            task.on_shutdown(|_| {}).expect("it has not begun");
            thread::spawn(move || {
                shutdown.request(why());
                let says = "WARN all tasks are done, but `wait` was not called and `main` has not \
                    returned; main's thread: waits (lock, channel, condition or join); ";
                while !log.has_one_that_begins(says) {
                    sleep_ms(5);
                }
                say("warned");
            });
            look_away();
        },
        |victims| {
            let death = victims.ends_with(124);
            assert!(death.after >= Duration::from_secs(2), "early: {death:?}");
            assert!(death.stdout.contains("warned"), "{death:?}");
        },
    )
}

/// A waiter keeps the process for as long as it likes.
fn waiter_may_take_any_time_after_the_end() -> Case {
    ends_with(9, || {
        let_it_end();
        let shutdown = install();
        let task = shutdown.task("task").on_shutdown(|_| {});
        task.expect("it has not begun");
        shutdown.request(why());
        assert_eq!(debug(&shutdown.wait()), debug(&ExitCode::SUCCESS));
        sleep_ms(400);
        return_from_main(ExitCode::from(9));
    })
}

/// Load can make any thread too late, so the best of a few counts.
///
/// There is nothing to do, and it is done long before a thread waits.
fn wait_soon_after_the_request_finds_the_process() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install();
            shutdown.request(why());
            // Half of the moment.
            sleep_ms(25);
            let _ = shutdown.wait();
        },
        |victims| {
            let mut runs = (0..5).map(|_| victims.run().end);
            assert!(runs.any(|end| end == End::Status(SEEN)), "never in time");
        },
    )
}

fn process_without_waiter_ends_with_1_after_a_failed_task() -> Case {
    judged(
        || {
            without_a_waiter(|shutdown| {
                let task = shutdown.task("fails").on_shutdown(|_| Err("no"));
                task.expect("it has not begun");
            });
        },
        |victims| {
            let death = victims.ends_with(1);
            assert!(death.stdout.contains("last"), "{death:?}");
        },
    )
}

fn process_without_waiter_ends_with_101_after_a_panic() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().panics(Panics::Shutdown));
            let task = shutdown.task("last");
            task.on_shutdown(|cx| {
                assert!(matches!(cx.cause(), Cause::Panicked { .. }));
                say("last");
            })
            .expect("it has not begun");
            thread::spawn(|| panic_as_planned());
            look_away();
        },
        |victims| {
            let death = victims.ends_with(101);
            assert!(death.stdout.contains("last"), "{death:?}");
        },
    )
}

fn failure_status_can_be_chosen() -> Case {
    ends_with(7, || {
        let_it_end();
        let shutdown = install_as(builder().failure_status(7));
        let task = shutdown.task("late").budget(ms(50));
        task.on_shutdown(|_| hang()).expect("it has not begun");
        shutdown.request(why());
        look_away();
    })
}

fn main_returns_0_if_all_is_done() -> Case {
    ends_with(0, || status_of_wait(|| Ok(())))
}

fn main_returns_1_if_a_task_failed() -> Case {
    ends_with(1, || status_of_wait(|| Err("no")))
}

/// There is no signal to die of.
fn exit_waits_and_ends_with_0() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().clean_exit(CleanExit::Reraise));
            let task = shutdown.task("task");
            task.on_shutdown(|_| {
                sleep_ms(50);
                say("ran");
            })
            .expect("it has not begun");
            let asks = shutdown.clone();
            thread::spawn(move || asks.request(why()));
            shutdown.wait_and_exit();
        },
        |victims| {
            let death = victims.ends_with(0);
            assert!(death.stdout.contains("ran"), "{death:?}");
        },
    )
}

fn exit_waits_and_ends_with_1_if_a_task_failed() -> Case {
    ends_with(1, || {
        let_it_end();
        let shutdown = install();
        let task = shutdown.task("fails");
        task.on_shutdown(|_| {
            sleep_ms(50);
            Err("no")
        })
        .expect("it has not begun");
        let asks = shutdown.clone();
        thread::spawn(move || asks.request(why()));
        shutdown.wait_and_exit();
    })
}

/// Requests a shutdown whose task takes 150 ms.
fn request_with_a_slow_task() {
    let shutdown = install();
    let task = shutdown.task("slow").phase(Phase::FLUSH);
    task.on_shutdown(|_| {
        sleep_ms(150);
        say("slow is done");
    })
    .expect("it has not begun");
    shutdown.request(why());
}

/// Tasks that have begun are not cut off.
///
/// A `main` that returns while tasks run does not cut them off; ends with its
/// own status.
fn main_that_returns_waits_for_the_tasks() -> Case {
    judged(
        || {
            let_it_end();
            request_with_a_slow_task();
            return_from_main(ExitCode::from(9));
        },
        |victims| {
            let death = victims.ends_with(9);
            assert!(death.stdout.contains("slow is done"), "{death:?}");
        },
    )
}

/// As above, by `exit` on another thread.
fn exit_elsewhere_waits_for_the_tasks() -> Case {
    judged(
        || {
            let_it_end();
            request_with_a_slow_task();
            #[expect(clippy::exit, reason = "an exit is what this is about")]
            thread::spawn(|| exit(9));
            look_away();
        },
        |victims| {
            let death = victims.ends_with(9);
            assert!(death.stdout.contains("slow is done"), "{death:?}");
        },
    )
}

/// Tasks do not run without a request.
///
/// No thread has asked for a shutdown, so there is none.
fn main_that_returns_unasked_runs_nothing() -> Case {
    ends_with(9, || {
        let_it_end();
        let shutdown = install();
        let task = shutdown.task("task");
        task.on_shutdown(|_| panic!("no thread asked"))
            .expect("it has not begun");
        return_from_main(ExitCode::from(9));
    })
}

/// Nor by a deadline.
///
/// The level below: a deadline, and no shutdown.
fn arming_the_watchdog_begins_nothing() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install();
            let task = shutdown.task("task");
            task.on_shutdown(|_| panic!("no thread asked"))
                .expect("it has not begun");
            shutdown.watchdog().arm_within(ms(300));
            sleep_ms(100);
            assert!(!shutdown.is_requested());
            assert!(shutdown.watchdog().deadline().is_some());
            look_away();
        },
        |victims| {
            let death = victims.ends_with(124);
            assert!(
                death.after >= Duration::from_millis(300),
                "early: {death:?}"
            );
        },
    )
}

/// From another thread, and after the end.
fn it_is_found_by_those_who_have_no_handle() -> Case {
    sees(|| {
        assert!(Shutdown::installed().is_none());
        let shutdown = install();
        let journal = Journal::new();
        let noting = journal.noting("afar");
        thread::spawn(move || {
            let shutdown = Shutdown::installed().expect("it is installed");
            let task = shutdown.task("afar").on_shutdown(noting);
            task.expect("it has not begun");
            assert!(!shutdown.is_requested());
        })
        .join()
        .expect("it returns");
        run(&shutdown);
        journal.reads(["afar"]);
        // After the end, too.
        let shutdown = Shutdown::installed().expect("it stays");
        assert!(shutdown.report().is_some());
        let late = shutdown.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("it is refused"), RegisterError::Over);
        let late = shutdown.scope("late").task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("it is refused"), RegisterError::Over);
    })
}

fn there_is_one_per_process() -> Case {
    sees(|| {
        let shutdown = install();
        let refused = |error| matches!(error, InstallError::AlreadyInstalled);
        let second = builder().grace(ms(1)).exit_status(99).install();
        assert!(refused(second.expect_err("one per process")));
        let watchdog = Watchdog::builder().grace(ms(1)).install();
        assert!(refused(watchdog.expect_err("one per process")));
        assert_eq!(shutdown.watchdog().grace(), LONG);
        let journal = Journal::new();
        let task = shutdown.task("task").on_shutdown(journal.noting("ran"));
        task.expect("it has not begun");
        assert!(run(&shutdown).is_clean());
        journal.reads(["ran"]);
        assert!(refused(builder().install().expect_err("nor after the end")));
    })
}

/// An `install` that fails when all but the panic hook is there, ten times.
fn installs_that_fail_leave_no_threads_behind() -> Case {
    sees(|| {
        /// Installs while its thread unwinds, when no hook can be set.
        struct InstallsTooLate;
        impl Drop for InstallsTooLate {
            fn drop(&mut self) {
                let hooking = builder().panics(Panics::Shutdown);
                let error = hooking.install().expect_err("the thread is panicking");
                assert!(matches!(error, InstallError::Panicking), "{error}");
            }
        }
        let fail = || {
            let panicked = panic::catch_unwind(|| {
                let _installs = InstallsTooLate;
                panic_as_planned();
            });
            assert!(panicked.is_err());
        };
        let threads = || fs::read_dir("/proc/self/task").map(Iterator::count);
        let threads = || threads().expect("it is there");
        fail();
        let after_one = threads();
        (0..9).for_each(|_| fail());
        let patience = Instant::now() + LONG;
        // They go by themselves, and some of those of the first may have gone.
        while threads() > after_one {
            assert!(Instant::now() < patience, "{} threads", threads());
            sleep_ms(1);
        }
        assert!(run(&install()).is_clean());
    })
}

/// A signal that comes while others hold the coordinator's locks.
fn signal_may_come_while_tasks_come_and_go() -> Case {
    sees(|| {
        let shutdown = install_as(builder().signals([Signal::TERM]));
        let stop = AtomicBool::new(false);
        thread::scope(|threads| {
            for _ in 0..4 {
                threads.spawn(|| {
                    while !stop.load(Ordering::Relaxed) {
                        let task = shutdown.task("connection").phase(Phase::DRAIN);
                        if let Ok(task) = task.on_shutdown(|_| {}) {
                            task.cancel();
                        }
                        drop(shutdown.scope("connections").requested());
                    }
                });
            }
            sleep_ms(50);
            system::send(libc::SIGTERM);
            shutdown.wait();
            stop.store(true, Ordering::Relaxed);
        });
        assert_eq!(
            shutdown.cause().and_then(|cause| cause.signal()),
            Some(Signal::TERM)
        );
        assert!(reported(&shutdown).is_clean());
    })
}

/// Ends by itself.
fn without_a_waiter(prepare: impl FnOnce(&Shutdown)) {
    let_it_end();
    let shutdown = install();
    prepare(&shutdown);
    let task = shutdown.task("last").phase(Phase::CLOSE);
    task.on_shutdown(|_| {
        sleep_ms(50);
        say("last");
    })
    .expect("it has not begun");
    shutdown.request(why());
    // Waiting for the request is not waiting for the end.
    shutdown.requested().wait();
    look_away();
}

/// Ends with what `main` got to return.
fn status_of_wait(task: fn() -> Result<(), &'static str>) {
    let_it_end();
    let shutdown = install();
    let registered = shutdown.task("task").on_shutdown(move |_| {
        sleep_ms(50);
        task()
    });
    registered.expect("it has not begun");
    shutdown.request(why());
    return_from_main(shutdown.wait());
}
