//! A process has one shutdown with one result, for all that request it or wait for it.

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

use crate::case::{Case, checked_by, ends_with, passes};
use crate::harness::End;
use crate::journal::{self, Journal, debug};
use crate::scenario::{
    LONG_GRACE, PASSED, allow_exit, allow_exit_and_block, builder, hang, install, install_as, ms,
    panic_as_planned, print_line, return_from_main, run, sleep_ms, some_cause, wait_for_report,
};
use crate::system;

tests! {
    shutdown_runs_once_and_keeps_the_first_cause,
    exactly_one_of_many_simultaneous_requests_is_first,
    shutdown_is_requested_when_any_request_returns,
    all_waiters_get_the_same_status,
    exit_status_does_not_change_after_the_end,
    exit_that_is_held_leaves_the_main_thread_its_signal_stack,
    finish_requests_the_shutdown_and_waits,
    finish_returns_if_there_are_no_tasks,
    finish_without_tasks_wakes_threads_that_wait_for_the_request,
    process_ends_after_the_thread_that_called_finish_ended,
    process_without_waiter_ends_with_0_after_the_last_task,
    process_without_waiter_runs_until_the_deadline_by_default,
    process_does_not_exit_while_main_runs_after_wait,
    wait_shortly_after_the_shutdown_ended_prevents_the_exit,
    process_without_waiter_ends_with_1_after_a_failed_task,
    process_without_waiter_ends_with_101_after_a_panic,
    process_ends_with_the_chosen_failure_status,
    wait_returns_0_if_all_tasks_succeed,
    wait_returns_1_if_a_task_fails,
    wait_and_exit_ends_with_0_after_the_tasks,
    wait_and_exit_ends_with_1_if_a_task_fails,
    return_from_main_waits_for_running_tasks,
    exit_on_another_thread_waits_for_running_tasks,
    return_from_main_without_request_runs_no_task,
    arming_the_watchdog_runs_no_task,
    installed_returns_the_shutdown_on_any_thread_and_after_the_end,
    second_install_is_refused,
    failed_install_leaves_no_thread,
    signal_is_handled_while_tasks_are_registered_and_cancelled,
}

fn shutdown_runs_once_and_keeps_the_first_cause() -> Case {
    passes(|| {
        let shutdown = install();
        assert!(!shutdown.is_requested());
        assert_eq!(shutdown.cause(), None);
        let first = Cause::requested("first");
        let task = shutdown.task("slow");
        task.on_shutdown(|_| sleep_ms(50))
            .expect("the shutdown has not begun");
        assert!(shutdown.request(first.clone()));
        assert!(shutdown.is_requested());
        assert!(!shutdown.request(Cause::requested("second")));
        assert_eq!(shutdown.cause(), Some(first.clone()));
        let report = wait_for_report(&shutdown);
        assert_eq!(report.cause(), &first);
        assert!(
            !shutdown.request(Cause::requested("third")),
            "a request after the end is not the first"
        );
        assert_eq!(shutdown.cause(), Some(first));
        assert_eq!(wait_for_report(&shutdown).to_string(), report.to_string());
    })
}

fn exactly_one_of_many_simultaneous_requests_is_first() -> Case {
    passes(|| {
        const THREADS: usize = 32;
        let shutdown = install();
        let ran = Journal::new();
        let task = shutdown.task("once").on_shutdown(ran.noting("ran"));
        task.expect("the shutdown has not begun");
        let barrier = Barrier::new(THREADS);
        let firsts: Vec<_> = thread::scope(|threads| {
            let asking: Vec<_> = (0..THREADS)
                .map(|n| {
                    let (shutdown, barrier) = (&shutdown, &barrier);
                    threads.spawn(move || {
                        let cause = Cause::requested(format!("thread {n}"));
                        barrier.wait();
                        let first = shutdown.request(cause.clone());
                        let seen = shutdown.cause().expect("the shutdown has begun");
                        assert!(!first || seen == cause);
                        first.then_some(cause)
                    })
                })
                .collect();
            let firsts = asking
                .into_iter()
                .map(|asks| asks.join().expect("the thread does not panic"));
            firsts.flatten().collect()
        });
        assert_eq!(firsts.len(), 1, "{firsts:?}");
        let report = wait_for_report(&shutdown);
        assert_eq!(report.cause(), &firsts[0]);
        ran.assert_equals(["ran"]);
    })
}

/// Three threads request the shutdown at the same time. `is_requested` must be `true` when
/// `request` returns, also on the threads that were not the first.
fn shutdown_is_requested_when_any_request_returns() -> Case {
    passes(|| {
        const THREADS: u32 = 3;
        let shutdown = install();
        let arrived = AtomicU32::new(0);
        thread::scope(|threads| {
            for _ in 0..THREADS {
                threads.spawn(|| {
                    arrived.fetch_add(1, Ordering::SeqCst);
                    while arrived.load(Ordering::SeqCst) < THREADS {}
                    shutdown.request(some_cause());
                    assert!(shutdown.is_requested());
                });
            }
        });
        wait_for_report(&shutdown);
    })
    .times(5)
}

/// Twelve threads wait with different functions. All of them, and later callers, must get the
/// same status and the same report.
fn all_waiters_get_the_same_status() -> Case {
    passes(|| {
        let shutdown = install_as(builder().failure_status(7));
        let journal = Journal::new();
        let task = shutdown.task("fails").phase(Phase::DRAIN);
        let noted = journal.clone();
        task.on_shutdown(move |_| {
            sleep_ms(100);
            noted.note("ran");
            Err("no")
        })
        .expect("the shutdown has not begun");
        let seven = debug(&ExitCode::from(7));
        let reports: Vec<_> = thread::scope(|threads| {
            let waiting: Vec<_> = (0..12)
                .map(|n| {
                    let (shutdown, seven) = (shutdown.clone(), &seven);
                    threads.spawn(move || {
                        if n % 2 == 0 {
                            shutdown.requested().wait();
                            assert!(shutdown.report().is_none(), "the shutdown has not ended");
                        }
                        let code = match n % 3 {
                            0 => shutdown.finish(),
                            1 => shutdown.wait(),
                            _ => shutdown.ended().wait(),
                        };
                        assert_eq!(debug(&code), *seven);
                        shutdown
                            .report()
                            .expect("the shutdown has ended")
                            .to_string()
                    })
                })
                .collect();
            assert!(shutdown.report().is_none(), "the shutdown has not ended");
            let reports = waiting
                .into_iter()
                .map(|waits| waits.join().expect("the thread does not panic"));
            reports.collect()
        });
        // Calls after the end.
        assert_eq!(debug(&shutdown.wait()), seven);
        assert_eq!(debug(&shutdown.finish()), seven);
        let report = wait_for_report(&shutdown).to_string();
        assert!(reports.iter().all(|other| *other == report), "{reports:?}");
        journal.assert_equals(["ran"]);
    })
}

/// The thread of the last task ends the run, and the coordinator's thread notices the end later.
/// The status and the report must not change then.
fn exit_status_does_not_change_after_the_end() -> Case {
    passes(|| {
        let shutdown = install_as(builder().failure_status(7));
        let fails = shutdown.task("fails").on_shutdown(|_| Err("no"));
        fails.expect("the shutdown has not begun");
        let first = run(&shutdown).to_string();
        let seven = debug(&ExitCode::from(7));
        for _ in 0..4 {
            sleep_ms(150);
            assert_eq!(debug(&shutdown.wait()), seven);
            assert_eq!(wait_for_report(&shutdown).to_string(), first);
        }
    })
}

fn finish_requests_the_shutdown_and_waits() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let task = shutdown.task("task").on_shutdown(journal.noting("ran"));
        task.expect("the shutdown has not begun");
        assert_eq!(debug(&shutdown.finish()), debug(&ExitCode::SUCCESS));
        journal.assert_equals(["ran"]);
        assert_eq!(shutdown.cause(), Some(Cause::Finished));
        let report = shutdown.report().expect("the shutdown has ended");
        assert_eq!(report.cause().to_string(), "the work is done");
    })
}

/// `std::process::exit` unmaps the signal stack of the main thread, which still has its address.
/// A hang report asks the main thread for its stack by a signal. Fails if the memory is gone
/// while the exit waits for the task: the process ends by SIGSEGV.
fn exit_that_is_held_leaves_the_main_thread_its_signal_stack() -> Case {
    ends_with(7, || {
        allow_exit();
        let shutdown = install();
        let task = shutdown.task("task").on_shutdown(|_| sleep_ms(600));
        task.expect("the shutdown has not begun");
        shutdown.request(some_cause());
        // Until deadstop's threads have started: their signal stacks would take the address.
        sleep_ms(100);
        #[expect(clippy::exit, reason = "an exit is what this is about")]
        thread::spawn(|| exit(7));
        sleep_ms(100);
        system::signal_main_thread();
        hang();
    })
}

/// There are no tasks. `finish` must return, and the process must end with the status that
/// `main` returns.
fn finish_returns_if_there_are_no_tasks() -> Case {
    ends_with(9, || {
        // One processor and a low priority: the coordinator is always done before `finish` goes
        // on.
        allow_exit();
        system::use_one_processor();
        let shutdown = install();
        system::lower_priority();
        let code = shutdown.finish();
        assert_eq!(debug(&code), debug(&ExitCode::SUCCESS));
        return_from_main(ExitCode::from(9));
    })
}

/// There are no tasks, so `finish` does not wake the thread `deadstop-run`. A thread that waits
/// for the request must be woken all the same.
fn finish_without_tasks_wakes_threads_that_wait_for_the_request() -> Case {
    passes(|| {
        let shutdown = install();
        let requested = shutdown.requested();
        let waits = thread::spawn(move || requested.wait());
        // The thread should wait by now. If it does not, this test checks less.
        sleep_ms(50);
        assert_eq!(debug(&shutdown.finish()), debug(&ExitCode::SUCCESS));
        waits.join().expect("the thread is woken");
    })
}

/// A thread calls `finish`, and ends. Fails if the coordinator counts a wake-up that was not
/// needed as one that is still pending, and so does not wake `deadstop-run` for the exit.
fn process_ends_after_the_thread_that_called_finish_ended() -> Case {
    checked_by(
        || {
            allow_exit();
            // On one processor the task usually ends before the thread that calls `finish` runs
            // again.
            system::use_one_processor();
            let shutdown = install();
            let task = shutdown.task("task").on_shutdown(|_| {});
            task.expect("the shutdown has not begun");
            thread::spawn(move || {
                // `deadstop-run` now has no other reason to wake.
                sleep_ms(800);
                let _code = shutdown.finish();
            });
            allow_exit_and_block();
        },
        |victims| {
            // Load can make a thread late.
            let runs = (0..4).map(|_| victims.ends_with(0));
            let late = runs.filter(|death| death.after > LONG_GRACE / 2).count();
            assert!(late <= 1, "{late} of 4 ended at the deadline");
        },
    )
}

fn process_without_waiter_ends_with_0_after_the_last_task() -> Case {
    checked_by(
        || run_without_waiter(|_| {}),
        |victims| {
            let death = victims.ends_with(0);
            assert!(death.stdout.contains("last"), "{death:?}");
        },
    )
}

/// The tasks are done, no thread waits, and `WhenDone` has its default: the application may
/// still be draining. The process must log a warning, and run until the deadline (status 124).
fn process_without_waiter_runs_until_the_deadline_by_default() -> Case {
    checked_by(
        || {
            allow_exit();
            let log = journal::of_log();
            // `WhenDone::Wait` is the default.
            let left_alone = Shutdown::builder().grace(ms(2000)).signals([]);
            let shutdown = install_as(left_alone);
            let task = shutdown.task("last");
            task.on_shutdown(|_| {})
                .expect("the shutdown has not begun");
            thread::spawn(move || {
                shutdown.request(some_cause());
                let expected = "WARN all tasks are done, but `wait` was not called and `main` has not \
                    returned; main's thread: waits (lock, channel, condition or join); ";
                while !log.has_line_starting_with(expected) {
                    sleep_ms(5);
                }
                print_line("warned");
            });
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_after(Duration::from_secs(2), 124);
            assert!(death.stdout.contains("warned"), "{death:?}");
        },
    )
}

/// `main` runs for 400 ms after `wait` returned. The process must not end before `main` returns.
fn process_does_not_exit_while_main_runs_after_wait() -> Case {
    ends_with(9, || {
        allow_exit();
        let shutdown = install();
        let task = shutdown.task("task").on_shutdown(|_| {});
        task.expect("the shutdown has not begun");
        shutdown.request(some_cause());
        assert_eq!(debug(&shutdown.wait()), debug(&ExitCode::SUCCESS));
        sleep_ms(400);
        return_from_main(ExitCode::from(9));
    })
}

/// There are no tasks, so the shutdown ends at once. `main` calls `wait` 25 ms later, within the
/// 50 ms in which deadstop waits for such a call. Load can delay the call, so one of five runs
/// must succeed.
fn wait_shortly_after_the_shutdown_ended_prevents_the_exit() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install();
            shutdown.request(some_cause());
            // Half of the time that deadstop waits.
            sleep_ms(25);
            let _ = shutdown.wait();
        },
        |victims| {
            let mut runs = (0..5).map(|_| victims.run().end);
            assert!(
                runs.any(|end| end == End::Status(PASSED)),
                "no run ended with the status of the scenario"
            );
        },
    )
}

fn process_without_waiter_ends_with_1_after_a_failed_task() -> Case {
    checked_by(
        || {
            run_without_waiter(|shutdown| {
                let task = shutdown.task("fails").on_shutdown(|_| Err("no"));
                task.expect("the shutdown has not begun");
            });
        },
        |victims| {
            let death = victims.ends_with(1);
            assert!(death.stdout.contains("last"), "{death:?}");
        },
    )
}

fn process_without_waiter_ends_with_101_after_a_panic() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().panics(Panics::Shutdown));
            let task = shutdown.task("last");
            task.on_shutdown(|cx| {
                assert!(matches!(cx.cause(), Cause::Panicked { .. }));
                print_line("last");
            })
            .expect("the shutdown has not begun");
            thread::spawn(|| panic_as_planned());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_with(101);
            assert!(death.stdout.contains("last"), "{death:?}");
        },
    )
}

fn process_ends_with_the_chosen_failure_status() -> Case {
    ends_with(7, || {
        allow_exit();
        let shutdown = install_as(builder().failure_status(7));
        let task = shutdown.task("late").budget(ms(50));
        task.on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        shutdown.request(some_cause());
        allow_exit_and_block();
    })
}

fn wait_returns_0_if_all_tasks_succeed() -> Case {
    ends_with(0, || return_status_of_wait(|| Ok(())))
}

fn wait_returns_1_if_a_task_fails() -> Case {
    ends_with(1, || return_status_of_wait(|| Err("no")))
}

/// `CleanExit::Reraise` is set, but no signal caused the shutdown. The process must exit with 0.
fn wait_and_exit_ends_with_0_after_the_tasks() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().clean_exit(CleanExit::Reraise));
            let task = shutdown.task("task");
            task.on_shutdown(|_| {
                sleep_ms(50);
                print_line("ran");
            })
            .expect("the shutdown has not begun");
            let asks = shutdown.clone();
            thread::spawn(move || asks.request(some_cause()));
            shutdown.wait_and_exit();
        },
        |victims| {
            let death = victims.ends_with(0);
            assert!(death.stdout.contains("ran"), "{death:?}");
        },
    )
}

fn wait_and_exit_ends_with_1_if_a_task_fails() -> Case {
    ends_with(1, || {
        allow_exit();
        let shutdown = install();
        let task = shutdown.task("fails");
        task.on_shutdown(|_| {
            sleep_ms(50);
            Err("no")
        })
        .expect("the shutdown has not begun");
        let asks = shutdown.clone();
        thread::spawn(move || asks.request(some_cause()));
        shutdown.wait_and_exit();
    })
}

/// Requests a shutdown whose task takes 150 ms.
fn request_with_slow_task() {
    let shutdown = install();
    let task = shutdown.task("slow").phase(Phase::FLUSH);
    task.on_shutdown(|_| {
        sleep_ms(150);
        print_line("slow is done");
    })
    .expect("the shutdown has not begun");
    shutdown.request(some_cause());
}

/// `main` returns while a task runs. The process must wait for the task, and end with the status
/// of `main`.
fn return_from_main_waits_for_running_tasks() -> Case {
    checked_by(
        || {
            allow_exit();
            request_with_slow_task();
            return_from_main(ExitCode::from(9));
        },
        |victims| {
            let death = victims.ends_with(9);
            assert!(death.stdout.contains("slow is done"), "{death:?}");
        },
    )
}

/// Another thread calls `exit` while a task runs. The process must wait for the task, and end
/// with the status of the call.
fn exit_on_another_thread_waits_for_running_tasks() -> Case {
    checked_by(
        || {
            allow_exit();
            request_with_slow_task();
            #[expect(clippy::exit, reason = "an exit is what this is about")]
            thread::spawn(|| exit(9));
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_with(9);
            assert!(death.stdout.contains("slow is done"), "{death:?}");
        },
    )
}

fn return_from_main_without_request_runs_no_task() -> Case {
    ends_with(9, || {
        allow_exit();
        let shutdown = install();
        let task = shutdown.task("task");
        task.on_shutdown(|_| panic!("no shutdown was requested"))
            .expect("the shutdown has not begun");
        return_from_main(ExitCode::from(9));
    })
}

/// The deadline is set, but no shutdown is requested. No task must run.
fn arming_the_watchdog_runs_no_task() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install();
            let task = shutdown.task("task");
            task.on_shutdown(|_| panic!("no shutdown was requested"))
                .expect("the shutdown has not begun");
            shutdown.watchdog().arm_within(ms(300));
            sleep_ms(100);
            assert!(!shutdown.is_requested());
            assert!(shutdown.watchdog().deadline().is_some());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_after(Duration::from_millis(300), 124);
            let headline = "no task is running, but the process has not ended";
            assert!(death.stderr.contains(headline), "{death:?}");
        },
    )
}

fn installed_returns_the_shutdown_on_any_thread_and_after_the_end() -> Case {
    passes(|| {
        assert!(Shutdown::installed().is_none());
        let shutdown = install();
        let journal = Journal::new();
        let noting = journal.noting("afar");
        thread::spawn(move || {
            let shutdown = Shutdown::installed().expect("a shutdown is installed");
            let task = shutdown.task("afar").on_shutdown(noting);
            task.expect("the shutdown has not begun");
            assert!(!shutdown.is_requested());
        })
        .join()
        .expect("the thread does not panic");
        run(&shutdown);
        journal.assert_equals(["afar"]);
        // After the end.
        let shutdown = Shutdown::installed().expect("the shutdown stays installed");
        assert!(shutdown.report().is_some());
        let late = shutdown.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("the call is refused"), RegisterError::Over);
        let late = shutdown.scope("late").task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("the call is refused"), RegisterError::Over);
    })
}

fn second_install_is_refused() -> Case {
    passes(|| {
        let shutdown = install();
        let refused = |error| matches!(error, InstallError::AlreadyInstalled);
        let second = builder().grace(ms(1)).exit_status(99).install();
        assert!(refused(second.expect_err("a process has one shutdown")));
        let watchdog = Watchdog::builder().grace(ms(1)).install();
        assert!(refused(watchdog.expect_err("a process has one shutdown")));
        assert_eq!(shutdown.watchdog().grace(), LONG_GRACE);
        let journal = Journal::new();
        let task = shutdown.task("task").on_shutdown(journal.noting("ran"));
        task.expect("the shutdown has not begun");
        assert!(run(&shutdown).is_clean());
        journal.assert_equals(["ran"]);
        assert!(refused(
            builder().install().expect_err("a process has one shutdown")
        ));
    })
}

/// `install` fails ten times in its last step, which sets the panic hook. The number of threads
/// must not grow.
fn failed_install_leaves_no_thread() -> Case {
    passes(|| {
        /// Calls `install` while its thread unwinds. A panic hook cannot be set then.
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
        let threads = || threads().expect("/proc is mounted");
        fail();
        let after_one = threads();
        (0..9).for_each(|_| fail());
        let patience = Instant::now() + LONG_GRACE;
        // The threads end by themselves. Threads of the first call may have ended too.
        while threads() > after_one {
            assert!(Instant::now() < patience, "{} threads", threads());
            sleep_ms(1);
        }
        assert!(run(&install()).is_clean());
    })
}

/// Four threads hold the coordinator's locks much of the time. A signal must start the shutdown
/// all the same.
fn signal_is_handled_while_tasks_are_registered_and_cancelled() -> Case {
    passes(|| {
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
        assert!(wait_for_report(&shutdown).is_clean());
    })
}

/// Runs a shutdown for which no thread waits. The process must end without a call.
fn run_without_waiter(prepare: impl FnOnce(&Shutdown)) {
    allow_exit();
    let shutdown = install();
    prepare(&shutdown);
    let task = shutdown.task("last").phase(Phase::CLOSE);
    task.on_shutdown(|_| {
        sleep_ms(50);
        print_line("last");
    })
    .expect("the shutdown has not begun");
    shutdown.request(some_cause());
    // A wait for the request does not count as a wait for the end.
    shutdown.requested().wait();
    allow_exit_and_block();
}

/// Returns the status of `wait` from `main`.
fn return_status_of_wait(task: fn() -> Result<(), &'static str>) {
    allow_exit();
    let shutdown = install();
    let registered = shutdown.task("task").on_shutdown(move |_| {
        sleep_ms(50);
        task()
    });
    registered.expect("the shutdown has not begun");
    shutdown.request(some_cause());
    return_from_main(shutdown.wait());
}
