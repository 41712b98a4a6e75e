//! Scopes: groups of tasks that can be stopped on their own.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::report::{Outcome, Skip};
use deadstop::wait::WaitError;
use deadstop::{Cause, Phase, RegisterError, Scope, Shutdown};

use crate::case::{Case, checked_by, passes};
use crate::journal::{self, Journal};
use crate::scenario::{
    LONG_GRACE, allow_exit, allow_exit_and_block, builder, hang, install, install_as, ms,
    panic_as_planned, print_line, run, sleep_ms, some_cause, wait_for_report,
};

tests! {
    scope_stops_alone_and_the_process_goes_on,
    scope_is_identified_by_its_path,
    stop_of_a_scope_also_stops_inner_scopes,
    inner_scope_can_stop_alone,
    failure_in_a_scope_is_only_in_its_own_report,
    scope_that_exceeds_its_grace_is_reported_and_the_process_goes_on,
    scope_keeps_the_reserve_of_a_later_phase,
    scope_with_zero_grace_skips_its_tasks,
    detached_scope_stops_when_a_task_requests_it,
    detached_scope_that_is_not_stopped_is_reported_as_not_requested,
    failure_of_another_task_is_reported_if_a_detached_scope_is_not_stopped,
    scope_that_has_stopped_can_be_restarted,
    waiter_gets_the_report_of_its_run_after_a_restart,
    stop_after_an_immediate_restart_returns_the_new_report,
    simultaneous_stops_of_a_scope_share_one_run,
    stopping_scope_accepts_tasks_only_for_current_and_later_phases,
    request_of_a_scope_is_ignored_after_the_shutdown_has_begun,
    shutdown_waits_for_a_scope_that_is_already_stopping,
    task_runs_once_if_its_scope_and_the_shutdown_start_together,
    scopes_stop_in_parallel,
    waiter_of_a_scope_is_woken_when_its_parent_scope_ends,
    waiter_of_a_scope_is_woken_when_the_shutdown_ends,
    scope_wait_is_refused_if_the_task_would_wait_for_itself,
    hanging_scope_ends_at_the_deadline_of_the_shutdown,
}

fn scope_stops_alone_and_the_process_goes_on() -> Case {
    passes(|| {
        let log = journal::of_log();
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        noting(&ingest, "close", Phase::CLOSE, &journal);
        noting(&ingest, "drain", Phase::DRAIN, &journal);
        noting(&shutdown.scope("serve"), "close", Phase::CLOSE, &journal);
        let root = shutdown.task("root").on_shutdown(journal.noting("root"));
        root.expect("the shutdown has not begun");
        let cause = Cause::requested("a reload");
        let expected = cause.clone();
        let looks = ingest.task("looks");
        looks
            .on_shutdown(move |cx| {
                assert_eq!(cx.cause(), &expected);
                assert!(cx.remaining() <= ms(5000), "{:?}", cx.remaining());
            })
            .expect("the shutdown has not begun");

        let report = ingest
            .stop(cause.clone(), ms(5000))
            .expect("the caller is not a task");
        journal.assert_equals(["/ingest/drain", "/ingest/close"]);
        assert_eq!(report.cause(), &cause);
        assert!(report.is_clean());
        assert_eq!(report.tasks().count(), 3);
        let drain = report
            .task("/ingest/drain")
            .expect("the report lists the task");
        assert_eq!(drain.outcome(), &Outcome::Done);
        assert!(drain.budget() <= ms(5000), "{report}");
        assert!(log.has_soon("INFO scope /ingest stops: request: \"a reload\""));

        // The process goes on, and no deadline is set.
        assert!(!shutdown.is_requested() && shutdown.cause().is_none());
        assert!(shutdown.report().is_none());
        assert_eq!(shutdown.watchdog().deadline(), None);
        assert!(ingest.is_requested());
        let whole = run(&shutdown);
        journal.assert_equals_sorted(["/ingest/close", "/ingest/drain", "/serve/close", "root"]);
        assert_eq!(whole.tasks().count(), 2, "{whole}");
    })
}

fn scope_is_identified_by_its_path() -> Case {
    passes(|| {
        let shutdown = install();
        let reader = shutdown.scope("ingest").scope("reader");
        assert_eq!(reader.name(), "/ingest/reader");
        for same in ["ingest/reader", "/ingest/reader/", "//ingest//reader"] {
            assert_eq!(shutdown.scope(same).name(), "/ingest/reader");
        }
        assert_eq!(journal::debug(&reader), "Scope(\"/ingest/reader\")");
        assert_eq!(reader.scope("").name(), "/ingest/reader");
        let task = reader
            .task("a/b")
            .on_shutdown(|_| {})
            .expect("the shutdown has not begun");
        assert_eq!(task.name(), "/ingest/reader/a/b");
        // Another handle of the same scope.
        let same = shutdown.scope("ingest/reader");
        assert!(
            same.stop(some_cause(), LONG_GRACE)
                .expect("the caller is not a task")
                .is_clean()
        );
        assert!(reader.is_requested());
        assert!(!shutdown.scope("ingest").is_requested());
        assert!(!shutdown.scope("reader").is_requested());
        assert!(run(&shutdown).task("/ingest/reader/a/b").is_none());
    })
}

fn stop_of_a_scope_also_stops_inner_scopes() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let reader = ingest.scope("reader");
        let deep = shutdown.scope("ingest/reader/buffer/page");
        noting(&ingest, "task", Phase::CLOSE, &journal);
        noting(&reader, "task", Phase::FLUSH, &journal);
        noting(&deep, "task", Phase::DRAIN, &journal);
        let task = reader.task("sees");
        let seen = deep.clone();
        task.on_shutdown(move |_| assert!(seen.is_requested()))
            .expect("the shutdown has not begun");
        let report = ingest
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        journal.assert_equals([
            "/ingest/reader/buffer/page/task",
            "/ingest/reader/task",
            "/ingest/task",
        ]);
        assert!(report.is_clean() && reader.is_requested());
        // The scopes inside it are stopped too.
        let late = deep.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("the call is refused"), RegisterError::Over);
        assert!(
            !deep.request(some_cause(), LONG_GRACE),
            "the stop was already requested"
        );
        assert_eq!(run(&shutdown).tasks().count(), 0);
    })
}

fn inner_scope_can_stop_alone() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let [reader, writer] = ["reader", "writer"].map(|name| ingest.scope(name));
        for scope in [&ingest, &reader, &writer] {
            noting(scope, "task", Phase::CLOSE, &journal);
        }
        reader
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        journal.assert_equals(["/ingest/reader/task"]);
        assert!(reader.is_requested());
        assert!(!ingest.is_requested() && !writer.is_requested());
        let report = ingest
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        assert_eq!(report.tasks().count(), 2, "{report}");
        assert!(writer.is_requested() && !shutdown.is_requested());
        // A restart includes inner scopes, even if they were stopped on their own.
        assert!(!reader.request(some_cause(), LONG_GRACE));
        assert!(ingest.restart());
        assert!(!reader.is_requested());
        assert!(reader.request(some_cause(), LONG_GRACE));
        reader.wait().expect("the caller is not a task");
        assert_eq!(run(&shutdown).tasks().count(), 0);
        assert_eq!(journal.len(), 3);
    })
}

/// A scope's tasks fail and panic. The report of the later shutdown must be clean.
fn failure_in_a_scope_is_only_in_its_own_report() -> Case {
    passes(|| {
        let shutdown = install_as(builder().panics(deadstop::Panics::Ignore));
        let journal = Journal::new();
        let plugin = shutdown.scope("plugin");
        let fails = plugin.task("fails").on_shutdown(|_| Err("no"));
        let panics = plugin.task("panics").on_shutdown(|_| panic_as_planned());
        assert!(fails.is_ok() && panics.is_ok());
        let report = plugin
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        assert!(!report.is_clean());
        let outcome = |task| {
            report
                .task(task)
                .expect("the report lists the task")
                .outcome()
        };
        assert_eq!(outcome("/plugin/fails"), &Outcome::Failed("no".into()));
        assert_eq!(
            outcome("/plugin/panics"),
            &Outcome::Panicked("planned".into())
        );
        assert!(!shutdown.is_requested());
        let task = shutdown.task("root").on_shutdown(journal.noting("root"));
        task.expect("the shutdown has not begun");
        assert!(run(&shutdown).is_clean());
        journal.assert_equals(["root"]);
    })
}

/// A scope has a grace of 500 ms, and its first task hangs. `stop` must return a report after
/// the grace. No shutdown must begin.
fn scope_that_exceeds_its_grace_is_reported_and_the_process_goes_on() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::CLOSE.reserve(Duration::ZERO)));
        let plugin = shutdown.scope("plugin");
        let hangs = plugin.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        let later = plugin.task("later").on_shutdown(|_| {});
        later.expect("the shutdown has not begun");
        let asked = Instant::now();
        let report = plugin
            .stop(some_cause(), ms(500))
            .expect("the caller is not a task");
        assert!(
            asked.elapsed() >= ms(500),
            "too early: {:?}",
            asked.elapsed()
        );
        let hung = report
            .task("/plugin/hangs")
            .expect("the report lists the task");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        // The later phase has no reserve.
        let later = report
            .task("/plugin/later")
            .expect("the report lists the task");
        assert_eq!(later.outcome(), &Outcome::Skipped(Skip::NoTime));
        assert_eq!(later.took(), Duration::ZERO);
        sleep_ms(100);
        assert!(!shutdown.is_requested());
        assert!(
            run(&shutdown).is_clean(),
            "a scope's failure is not the shutdown's"
        );
    })
}

fn scope_keeps_the_reserve_of_a_later_phase() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.reserve(ms(800))));
        let plugin = shutdown.scope("plugin");
        let hangs = plugin.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        let (to, from) = mpsc::channel();
        let flushes = plugin.task("flushes").phase(Phase::FLUSH);
        flushes
            .on_shutdown(move |cx| to.send(cx.remaining()).expect("the receiver exists"))
            .expect("the shutdown has not begun");
        let report = plugin
            .stop(some_cause(), ms(1200))
            .expect("the caller is not a task");
        let hung = report
            .task("/plugin/hangs")
            .expect("the report lists the task");
        assert!(hung.start() + hung.took() >= ms(400), "too early: {report}");
        let remaining = from.recv().expect("the task sends it");
        assert!(remaining <= ms(800), "{remaining:?}");
    })
}

fn scope_with_zero_grace_skips_its_tasks() -> Case {
    passes(|| {
        let shutdown = install();
        let plugin = shutdown.scope("plugin");
        let task = plugin.task("no time");
        task.on_shutdown(|_| panic!("there is no time"))
            .expect("the shutdown has not begun");
        let report = plugin
            .stop(some_cause(), Duration::ZERO)
            .expect("the caller is not a task");
        let task = report
            .task("/plugin/no time")
            .expect("the report lists the task");
        assert_eq!(task.outcome(), &Outcome::Skipped(Skip::NoTime));
        // A second request has no effect.
        assert!(!plugin.request(some_cause(), LONG_GRACE));
        assert!(run(&shutdown).is_clean());
    })
}

/// Tasks of the shutdown still need a detached scope. It must stop when one of them requests it,
/// and not before.
fn detached_scope_stops_when_a_task_requests_it() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let metrics = shutdown.detached_scope("metrics");
        noting(&metrics, "drain", Phase::DRAIN, &journal);
        noting(&metrics, "close", Phase::CLOSE, &journal);
        let joined = shutdown.scope("joined");
        noting(&joined, "close", Phase::CLOSE, &journal);
        let root = shutdown.task("root").phase(Phase::DRAIN);
        let (scope, noted) = (metrics.clone(), journal.clone());
        root.on_shutdown(move |_| {
            noted.note("root");
            assert!(
                !joined.request(some_cause(), LONG_GRACE),
                "the scope stops with the shutdown"
            );
            assert!(!scope.is_requested());
            assert!(scope.task("more").on_shutdown(noted.noting("more")).is_ok());
        })
        .expect("the shutdown has not begun");
        let last = shutdown.task("last").phase(Phase::CLOSE);
        let (scope, noted) = (metrics.clone(), journal.clone());
        last.on_shutdown(move |_| {
            noted.note("last");
            // The scope's own phases have not begun.
            let early = scope.task("early").phase(Phase::DRAIN);
            assert!(early.on_shutdown(noted.noting("early")).is_ok());
            let report = scope.stop(Cause::requested("the last"), LONG_GRACE);
            let report = report.expect("it is another scope's task");
            assert!(report.is_clean());
            assert_eq!(report.tasks().count(), 4, "{report}");
        })
        .expect("the shutdown has not begun");
        let report = run(&shutdown);
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.tasks().count(), 3, "{report}");
        assert_eq!(journal.len(), 7);
        assert!(journal.has("/metrics/close") && journal.has("more"));
        // An existing scope stays as it is.
        assert!(shutdown.scope("metrics").is_requested());
    })
}

fn detached_scope_that_is_not_stopped_is_reported_as_not_requested() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let metrics = shutdown.detached_scope("metrics");
        noting(&metrics, "close", Phase::CLOSE, &journal);
        noting(&metrics.scope("inner"), "close", Phase::CLOSE, &journal);
        let report = run(&shutdown);
        for name in ["/metrics/close", "/metrics/inner/close"] {
            let task = report.task(name).expect("the report lists the task");
            assert_eq!(task.outcome(), &Outcome::Skipped(Skip::NotRequested));
        }
        assert!(report.is_clean(), "no stop was requested");
        assert!(!metrics.is_requested());
        journal.assert_equals([]);
        let late = metrics.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("the call is refused"), RegisterError::Over);
        assert!(
            !metrics.request(some_cause(), LONG_GRACE),
            "the shutdown has ended"
        );
        assert!(!metrics.restart());
    })
}

/// Skipped tasks of a detached scope that was not requested are no failure. They must not hide
/// the failure of another task.
fn failure_of_another_task_is_reported_if_a_detached_scope_is_not_stopped() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let metrics = shutdown.detached_scope("metrics");
        noting(&metrics, "close", Phase::CLOSE, &journal);
        let fails = shutdown.task("fails").phase(Phase::CLOSE);
        fails
            .on_shutdown(|_| Err("no"))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 2, "{report}");
        assert!(!report.is_clean(), "{report}");
    })
}

fn scope_that_has_stopped_can_be_restarted() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let reader = ingest.scope("reader");
        assert!(!ingest.restart(), "the scope has not stopped");
        for round in 0..20 {
            noting(&ingest, "task", Phase::CLOSE, &journal);
            noting(&reader, "task", Phase::DRAIN, &journal);
            let cause = Cause::requested(format!("round {round}"));
            let report = ingest
                .stop(cause.clone(), LONG_GRACE)
                .expect("the caller is not a task");
            assert_eq!(report.cause(), &cause);
            assert_eq!(report.tasks().count(), 2, "{report}");
            assert_eq!(journal.len(), 2 * (round + 1));
            let late = reader.task("late").on_shutdown(|_| {});
            assert_eq!(late.expect_err("the call is refused"), RegisterError::Over);
            // The report stays available until the restart.
            let again = ingest.wait().expect("the caller is not a task");
            assert!(Arc::ptr_eq(&again, &report));
            assert!(ingest.restart());
            assert!(!ingest.restart(), "the scope has not stopped again");
            assert!(!ingest.is_requested() && !reader.is_requested());
        }
        noting(&ingest, "last", Phase::CLOSE, &journal);
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 1, "{report}");
        assert!(!ingest.restart(), "the shutdown has begun");
    })
}

/// A thread waits for a scope that stops, and is restarted at once, before the thread runs
/// again. The thread must get the report of the run for which it waited. Load can make a thread
/// wait too late, so most threads of one of four rounds must get it.
fn waiter_gets_the_report_of_its_run_after_a_restart() -> Case {
    passes(|| {
        const ROUNDS: usize = 40;
        let shutdown = install();
        let plugin = shutdown.scope("plugin");
        let scopes = [&plugin, &plugin.scope("inner")];
        let enough = 2 * ROUNDS * 19 / 20;
        let mut own = 0;
        for _ in 0..4 {
            if own < enough {
                own = (0..ROUNDS).map(|_| count_own_reports(scopes)).sum();
            }
        }
        assert!(
            own >= enough,
            "{own} of {} threads got their report",
            2 * ROUNDS
        );
        assert!(run(&shutdown).is_clean());
    })
}

/// A scope is restarted as soon as possible, and stopped again. `stop` must return the report of
/// the second run.
fn stop_after_an_immediate_restart_returns_the_new_report() -> Case {
    passes(|| {
        let shutdown = install();
        let ingest = shutdown.scope("ingest");
        assert!(!ingest.is_requested());
        for round in 0..200 {
            let cause = Cause::requested(format!("round {round}"));
            assert!(ingest.request(cause, LONG_GRACE));
            while !ingest.restart() {
                std::hint::spin_loop();
            }
            let cause = Cause::requested(format!("after round {round}"));
            let report = ingest
                .stop(cause.clone(), LONG_GRACE)
                .expect("the caller is not a task");
            assert_eq!(report.cause(), &cause);
            assert!(ingest.restart());
        }
        run(&shutdown);
    })
}

fn simultaneous_stops_of_a_scope_share_one_run() -> Case {
    passes(|| {
        let shutdown = install();
        let runs = Arc::new(AtomicUsize::new(0));
        let ingest = shutdown.scope("ingest");
        let counted = Arc::clone(&runs);
        let task = ingest.task("once");
        task.on_shutdown(move |_| {
            sleep_ms(50);
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .expect("the shutdown has not begun");
        let barrier = Barrier::new(16);
        let reports: Vec<_> = thread::scope(|threads| {
            let stopping: Vec<_> = (0..16)
                .map(|n| {
                    let (ingest, barrier) = (&ingest, &barrier);
                    threads.spawn(move || {
                        barrier.wait();
                        let cause = Cause::requested(format!("thread {n}"));
                        ingest
                            .stop(cause, LONG_GRACE)
                            .expect("the caller is not a task")
                    })
                })
                .collect();
            let reports = stopping
                .into_iter()
                .map(|stops| stops.join().expect("the thread does not panic"));
            reports.collect()
        });
        let same = |report| Arc::ptr_eq(report, &reports[0]);
        assert!(reports.iter().all(same));
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        run(&shutdown);
    })
}

fn stopping_scope_accepts_tasks_only_for_current_and_later_phases() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let (scope, noted) = (ingest.clone(), journal.clone());
        let task = ingest.task("adds").phase(Phase::DRAIN);
        task.on_shutdown(move |_| {
            let child = scope.scope("child");
            assert!(child.is_requested(), "the scope that contains it stops");
            noting(&child, "later", Phase::FLUSH, &noted);
            noting(&child, "now", Phase::DRAIN, &noted);
            let earlier = child.task("earlier").phase(Phase::UNBIND);
            let refused = earlier
                .on_shutdown(|_| {})
                .expect_err("the call is refused");
            let phase = Phase::UNBIND.into();
            assert_eq!(refused, RegisterError::PhaseOver { phase });
        })
        .expect("the shutdown has not begun");
        // The name of this scope begins with the name of the other, but is not a path below it.
        let other = shutdown.scope("ingest-2");
        noting(&other, "ends", Phase::CLOSE, &Journal::new());
        other
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        let late = other.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("the call is refused"), RegisterError::Over);
        let report = ingest
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        journal.assert_equals(["/ingest/child/now", "/ingest/child/later"]);
        let refused: Vec<_> = report.refused().iter().map(|task| task.name()).collect();
        assert_eq!(refused, ["/ingest/child/earlier"]);
        // The shutdown's report lists refused tasks that are in no scope's report.
        let whole = run(&shutdown);
        let refused: Vec<_> = whole.refused().iter().map(|task| task.name()).collect();
        assert_eq!(refused, ["/ingest-2/late"]);
    })
}

/// The shutdown runs, and a thread requests that a scope stop, with no time. The scope's tasks
/// must run as part of the shutdown.
fn request_of_a_scope_is_ignored_after_the_shutdown_has_begun() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        noting(&ingest, "drain", Phase::DRAIN, &journal);
        noting(&ingest, "close", Phase::CLOSE, &journal);
        let (asked, asks) = mpsc::channel::<()>();
        let task = shutdown.task("holds").phase(Phase::FLUSH);
        task.on_shutdown(move |_| {
            let _ = asks.recv();
        })
        .expect("the shutdown has not begun");
        let scope = ingest.clone();
        let stops = thread::spawn(move || {
            scope.requested().wait();
            assert!(
                !scope.request(some_cause(), Duration::ZERO),
                "the scope is part of the shutdown"
            );
            assert!(!scope.restart());
            drop(asked);
            scope.stop(some_cause(), Duration::ZERO)
        });
        let report = run(&shutdown);
        journal.assert_equals(["/ingest/drain", "/ingest/close"]);
        let stopped = stops
            .join()
            .expect("the thread does not panic")
            .expect("the caller is not a task");
        assert_eq!(stopped.to_string(), report.to_string());
    })
}

/// A scope stops on its own, and the shutdown begins meanwhile. The shutdown must wait for the
/// scope. The scope's tasks are in the scope's report.
fn shutdown_waits_for_a_scope_that_is_already_stopping() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let (to, began) = mpsc::channel();
        let slow = ingest.task("slow").phase(Phase::DRAIN);
        let noted = journal.clone();
        slow.on_shutdown(move |_| {
            to.send(()).expect("the receiver exists");
            sleep_ms(300);
            noted.note("/ingest/slow");
        })
        .expect("the shutdown has not begun");
        noting(&ingest, "close", Phase::CLOSE, &journal);
        let root = shutdown.task("root").on_shutdown(journal.noting("root"));
        root.expect("the shutdown has not begun");
        let cause = Cause::requested("the scope alone");
        assert!(ingest.request(cause.clone(), LONG_GRACE));
        began.recv().expect("the task begins");
        let whole = run(&shutdown);
        journal.assert_equals(["root", "/ingest/slow", "/ingest/close"]);
        assert_eq!(whole.tasks().count(), 1, "{whole}");
        let report = ingest.wait().expect("the caller is not a task");
        assert_eq!(report.cause(), &cause);
        assert_eq!(report.tasks().count(), 2, "{report}");
    })
}

/// Threads stop scopes and request the shutdown at the same time. Each task must run exactly
/// once.
fn task_runs_once_if_its_scope_and_the_shutdown_start_together() -> Case {
    passes(|| {
        const TASKS: usize = 400;
        let shutdown = install();
        let scopes = ["a", "a/b", "c"].map(|name| shutdown.scope(name));
        let slots: Arc<[AtomicUsize]> = (0..TASKS).map(|_| AtomicUsize::new(0)).collect();
        let phases = [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH, Phase::CLOSE];
        for n in 0..TASKS {
            let slots = Arc::clone(&slots);
            let task = scopes[n % 3].task("task").phase(&phases[n % 4]);
            task.on_shutdown(move |_| {
                slots[n].fetch_add(1, Ordering::Relaxed);
            })
            .expect("the shutdown has not begun");
        }
        let barrier = Barrier::new(4);
        thread::scope(|threads| {
            for scope in &scopes {
                threads.spawn(|| {
                    barrier.wait();
                    scope.request(some_cause(), LONG_GRACE);
                });
            }
            barrier.wait();
            shutdown.request(some_cause());
        });
        let report = wait_for_report(&shutdown);
        assert!(report.is_clean(), "{report}");
        let runs = slots.iter().map(|slot| slot.load(Ordering::Relaxed));
        assert!(runs.into_iter().all(|runs| runs == 1));
    })
    .times(5)
}

fn scopes_stop_in_parallel() -> Case {
    passes(|| {
        let shutdown = install();
        // The tasks meet at a barrier, so they can only return if all scopes run at once.
        let barrier = Arc::new(Barrier::new(4));
        let scopes = ["a", "b", "c", "d"].map(|name| shutdown.scope(name));
        for scope in &scopes {
            let barrier = Arc::clone(&barrier);
            let task = scope.task("meets");
            task.on_shutdown(move |_| {
                barrier.wait();
            })
            .expect("the shutdown has not begun");
        }
        for scope in &scopes {
            assert!(scope.request(some_cause(), LONG_GRACE));
        }
        for scope in &scopes {
            let report = scope.wait().expect("the caller is not a task");
            assert!(report.is_clean(), "{report}");
            assert_eq!(report.tasks().count(), 1, "{report}");
        }
        run(&shutdown);
    })
}

fn waiter_of_a_scope_is_woken_when_its_parent_scope_ends() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let reader = ingest.scope("reader");
        noting(&reader, "task", Phase::CLOSE, &journal);
        let scope = reader.clone();
        let waits = thread::spawn(move || scope.wait());
        sleep_ms(50);
        let report = ingest
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        let waited = waits
            .join()
            .expect("the thread does not panic")
            .expect("the caller is not a task");
        assert!(Arc::ptr_eq(&waited, &report));
        run(&shutdown);
    })
}

fn waiter_of_a_scope_is_woken_when_the_shutdown_ends() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        noting(&ingest, "task", Phase::CLOSE, &journal);
        let scope = ingest.clone();
        let waits = thread::spawn(move || scope.wait());
        sleep_ms(50);
        let report = run(&shutdown);
        let waited = waits
            .join()
            .expect("the thread does not panic")
            .expect("the caller is not a task");
        assert_eq!(waited.to_string(), report.to_string());
        assert!(waited.task("/ingest/task").is_some(), "{waited}");
        let late = ingest.wait().expect("the caller is not a task");
        assert_eq!(late.to_string(), report.to_string());
    })
}

fn scope_wait_is_refused_if_the_task_would_wait_for_itself() -> Case {
    passes(|| {
        fn refuses(waited_for: &Scope, by: deadstop::task::TaskBuilder) -> mpsc::Receiver<bool> {
            let (to, from) = mpsc::channel();
            let scope = waited_for.clone();
            let by = by.phase(Phase::DRAIN).budget(ms(2000));
            by.on_shutdown(move |_| {
                let refused = scope
                    .wait()
                    .is_err_and(|error| error == WaitError::FromTask);
                let _ = to.send(refused);
            })
            .expect("the shutdown has not begun");
            from
        }
        fn stop(shutdown: &Shutdown, name: &str) {
            let report = shutdown
                .scope(name)
                .stop(some_cause(), LONG_GRACE)
                .expect("the caller is not a task");
            assert!(report.is_clean(), "{report}");
        }
        let shutdown = install();
        let [a, b, c, d, e] = ["a", "b", "c", "d", "e"].map(|name| shutdown.scope(name));
        let refused = [
            // The task's own scope.
            refuses(&a, a.task("waits")),
            // A scope that contains the task's own.
            refuses(&b, b.scope("inner").task("waits")),
            // A scope that stops with the task's own.
            refuses(&c.scope("inner"), c.task("waits")),
            // A scope that stops with the whole shutdown.
            refuses(&d, shutdown.task("waits")),
            // A scope that contains the task's own, and was not requested to stop.
            refuses(&e, e.scope("inner").task("waits")),
        ];
        for name in ["a", "b", "c"] {
            stop(&shutdown, name);
        }
        let report = e
            .scope("inner")
            .stop(some_cause(), LONG_GRACE)
            .expect("the caller is not a task");
        assert!(report.is_clean(), "{report}");
        assert!(run(&shutdown).is_clean());
        let refused = refused.map(|refused| refused.recv() == Ok(true));
        assert_eq!(refused, [true; 5]);
    })
}

/// A scope with a long grace stops, and hangs. The shutdown then begins with a grace of 600 ms.
/// The process must end after that time (status 124).
fn hanging_scope_ends_at_the_deadline_of_the_shutdown() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().grace(ms(600)));
            let ingest = shutdown.scope("ingest");
            let (to, began) = mpsc::channel();
            let task = ingest.task("hangs");
            task.on_shutdown(move |cx| {
                assert!(cx.remaining() > LONG_GRACE);
                to.send(()).expect("the receiver exists");
                wait_for_shutdown(cx);
            })
            .expect("the shutdown has not begun");
            ingest.request(some_cause(), 3 * LONG_GRACE);
            began.recv().expect("the task begins");
            shutdown.request(some_cause());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_after(Duration::from_millis(600), 124);
            assert!(
                death.stdout.contains("the deadline is the whole's"),
                "{death:?}"
            );
        },
    )
}

/// Registers a task that adds its own full name to the journal.
fn noting(scope: &Scope, name: &str, phase: Phase, journal: &Journal) {
    let full = format!("{}/{name}", scope.name());
    let task = scope.task(name).phase(phase);
    let task = task.on_shutdown(journal.noting(&full));
    assert_eq!(task.expect("the shutdown has not begun").name(), full);
}

/// Stops and restarts the first of two scopes, for each of which a thread waits. Returns the
/// number of threads that get the report of this run.
fn count_own_reports(scopes: [&Scope; 2]) -> usize {
    let stopped = scopes[0];
    thread::scope(|threads| {
        let waits = scopes.map(|scope| {
            threads.spawn(|| {
                scope
                    .wait()
                    .expect("the caller is not a task")
                    .cause()
                    .clone()
            })
        });
        // The threads should wait by now. A thread that does not gets the report of the next
        // run.
        sleep_ms(10);
        assert!(stopped.request(some_cause(), LONG_GRACE));
        while !stopped.restart() {
            std::hint::spin_loop();
        }
        let patience = Instant::now() + ms(100);
        while waits.iter().any(|waits| !waits.is_finished()) {
            if Instant::now() > patience {
                let next = stopped.stop(Cause::requested("the next"), LONG_GRACE);
                assert!(next.is_ok() && stopped.restart());
            }
            sleep_ms(1);
        }
        let causes = waits.map(|waits| waits.join().expect("the thread does not panic"));
        causes
            .iter()
            .filter(|cause| **cause == some_cause())
            .count()
    })
}

/// Waits until the task has the deadline of the shutdown, and then for ever.
fn wait_for_shutdown(cx: &deadstop::TaskContext) {
    while cx.remaining() > ms(600) {
        sleep_ms(1);
    }
    print_line("the deadline is the whole's");
    hang();
}
