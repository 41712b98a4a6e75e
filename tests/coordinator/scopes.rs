//! Parts of the program that can be stopped alone.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::report::{Outcome, Skip};
use deadstop::wait::WaitError;
use deadstop::{Cause, Phase, RegisterError, Scope, Shutdown};

use crate::case::{Case, judged, sees};
use crate::journal::{self, Journal};
use crate::scenario::{
    LONG, builder, hang, install, install_as, let_it_end, look_away, ms, panic_as_planned,
    reported, run, say, sleep_ms, why,
};

tests! {
    scope_stops_alone_and_the_process_goes_on,
    scope_is_known_by_its_path,
    scope_stops_with_all_that_is_in_it,
    scope_in_a_scope_stops_alone,
    failure_of_a_scope_is_in_its_report_alone,
    scope_that_overruns_is_reported_and_the_process_goes_on,
    reserve_is_kept_within_a_scopes_grace,
    scope_without_time_runs_nothing,
    detached_scope_stops_when_one_of_the_others_says_so,
    detached_scope_that_is_not_stopped_is_reported_as_not_requested,
    detached_scope_that_is_not_stopped_hides_no_failure,
    scope_that_has_stopped_can_be_restarted,
    scope_that_is_restarted_has_stopped_for_those_who_waited,
    scope_that_is_restarted_at_once_gets_its_own_report,
    all_who_stop_a_scope_share_one_run,
    scope_that_stops_takes_tasks_for_what_is_left_of_it,
    scope_cannot_leave_a_whole_that_has_begun,
    whole_waits_for_a_scope_that_stops_by_itself,
    task_is_run_once_by_its_scope_or_by_the_whole,
    scopes_stop_side_by_side,
    waiter_of_a_scope_is_woken_when_its_parent_ends,
    waiter_of_a_scope_is_woken_when_the_shutdown_ends,
    task_that_would_wait_for_itself_is_refused,
    scope_that_hangs_does_not_outlive_the_whole,
}

fn scope_stops_alone_and_the_process_goes_on() -> Case {
    sees(|| {
        let log = journal::of_log();
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        noting(&ingest, "close", Phase::CLOSE, &journal);
        noting(&ingest, "drain", Phase::DRAIN, &journal);
        noting(&shutdown.scope("serve"), "close", Phase::CLOSE, &journal);
        let root = shutdown.task("root").on_shutdown(journal.noting("root"));
        root.expect("it has not begun");
        let cause = Cause::requested("a reload");
        let expected = cause.clone();
        let looks = ingest.task("looks");
        looks
            .on_shutdown(move |cx| {
                assert_eq!(cx.cause(), &expected);
                assert!(cx.remaining() <= ms(5000), "{:?}", cx.remaining());
            })
            .expect("it has not begun");

        let report = ingest.stop(cause.clone(), ms(5000)).expect("no task waits");
        journal.reads(["/ingest/drain", "/ingest/close"]);
        assert_eq!(report.cause(), &cause);
        assert!(report.is_clean());
        assert_eq!(report.tasks().count(), 3);
        let drain = report.task("/ingest/drain").expect("it ran");
        assert_eq!(drain.outcome(), &Outcome::Done);
        assert!(drain.budget() <= ms(5000), "{report}");
        assert!(log.comes_to_have("INFO scope /ingest stops: request: \"a reload\""));

        // The process goes on, and nothing is armed.
        assert!(!shutdown.is_requested() && shutdown.cause().is_none());
        assert!(shutdown.report().is_none());
        assert_eq!(shutdown.watchdog().deadline(), None);
        assert!(ingest.is_requested());
        let whole = run(&shutdown);
        journal.reads_sorted(["/ingest/close", "/ingest/drain", "/serve/close", "root"]);
        assert_eq!(whole.tasks().count(), 2, "{whole}");
    })
}

/// `/ingest/reader`.
fn scope_is_known_by_its_path() -> Case {
    sees(|| {
        let shutdown = install();
        let reader = shutdown.scope("ingest").scope("reader");
        assert_eq!(reader.name(), "/ingest/reader");
        for same in ["ingest/reader", "/ingest/reader/", "//ingest//reader"] {
            assert_eq!(shutdown.scope(same).name(), "/ingest/reader");
        }
        assert_eq!(journal::debug(&reader), "Scope(\"/ingest/reader\")");
        assert_eq!(reader.scope("").name(), "/ingest/reader");
        let task = reader.task("a/b").on_shutdown(|_| {}).expect("not begun");
        assert_eq!(task.name(), "/ingest/reader/a/b");
        // The same scope by another handle.
        let same = shutdown.scope("ingest/reader");
        assert!(same.stop(why(), LONG).expect("no task waits").is_clean());
        assert!(reader.is_requested());
        assert!(!shutdown.scope("ingest").is_requested());
        assert!(!shutdown.scope("reader").is_requested());
        assert!(run(&shutdown).task("/ingest/reader/a/b").is_none());
    })
}

fn scope_stops_with_all_that_is_in_it() -> Case {
    sees(|| {
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
            .expect("it has not begun");
        let report = ingest.stop(why(), LONG).expect("no task waits");
        journal.reads([
            "/ingest/reader/buffer/page/task",
            "/ingest/reader/task",
            "/ingest/task",
        ]);
        assert!(report.is_clean() && reader.is_requested());
        // The scopes inside it are stopped too.
        let late = deep.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("it is refused"), RegisterError::Over);
        assert!(!deep.request(why(), LONG), "it has been asked");
        assert_eq!(run(&shutdown).tasks().count(), 0);
    })
}

fn scope_in_a_scope_stops_alone() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let [reader, writer] = ["reader", "writer"].map(|name| ingest.scope(name));
        for scope in [&ingest, &reader, &writer] {
            noting(scope, "task", Phase::CLOSE, &journal);
        }
        reader.stop(why(), LONG).expect("no task waits");
        journal.reads(["/ingest/reader/task"]);
        assert!(reader.is_requested());
        assert!(!ingest.is_requested() && !writer.is_requested());
        let report = ingest.stop(why(), LONG).expect("no task waits");
        assert_eq!(report.tasks().count(), 2, "{report}");
        assert!(writer.is_requested() && !shutdown.is_requested());
        // A restart is of all that is in it, however that was stopped.
        assert!(!reader.request(why(), LONG));
        assert!(ingest.restart());
        assert!(!reader.is_requested());
        assert!(reader.request(why(), LONG));
        reader.wait().expect("no task waits");
        assert_eq!(run(&shutdown).tasks().count(), 0);
        assert_eq!(journal.len(), 3);
    })
}

/// The shutdown itself has not failed.
fn failure_of_a_scope_is_in_its_report_alone() -> Case {
    sees(|| {
        let shutdown = install_as(builder().panics(deadstop::Panics::Ignore));
        let journal = Journal::new();
        let plugin = shutdown.scope("plugin");
        let fails = plugin.task("fails").on_shutdown(|_| Err("no"));
        let panics = plugin.task("panics").on_shutdown(|_| panic_as_planned());
        assert!(fails.is_ok() && panics.is_ok());
        let report = plugin.stop(why(), LONG).expect("no task waits");
        assert!(!report.is_clean());
        let outcome = |task| report.task(task).expect("it ran").outcome();
        assert_eq!(outcome("/plugin/fails"), &Outcome::Failed("no".into()));
        assert_eq!(
            outcome("/plugin/panics"),
            &Outcome::Panicked("planned".into())
        );
        assert!(!shutdown.is_requested());
        let task = shutdown.task("root").on_shutdown(journal.noting("root"));
        task.expect("it has not begun");
        assert!(run(&shutdown).is_clean());
        journal.reads(["root"]);
    })
}

/// Within a grace of its own.
///
/// An overrun is the caller's to deal with.
fn scope_that_overruns_is_reported_and_the_process_goes_on() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::CLOSE.reserve(Duration::ZERO)));
        let plugin = shutdown.scope("plugin");
        let hangs = plugin.task("hangs").phase(Phase::DRAIN);
        hangs.on_shutdown(|_| hang()).expect("it has not begun");
        let later = plugin.task("later").on_shutdown(|_| {});
        later.expect("it has not begun");
        let asked = Instant::now();
        let report = plugin.stop(why(), ms(500)).expect("no task waits");
        assert!(asked.elapsed() >= ms(500), "early: {:?}", asked.elapsed());
        let hung = report.task("/plugin/hangs").expect("it ran");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        // No time was reserved for it.
        let later = report.task("/plugin/later").expect("it was there");
        assert_eq!(later.outcome(), &Outcome::Skipped(Skip::NoTime));
        assert_eq!(later.took(), Duration::ZERO);
        sleep_ms(100);
        assert!(!shutdown.is_requested());
        assert!(run(&shutdown).is_clean(), "the whole is not the scope's");
    })
}

fn reserve_is_kept_within_a_scopes_grace() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.reserve(ms(800))));
        let plugin = shutdown.scope("plugin");
        let hangs = plugin.task("hangs").phase(Phase::DRAIN);
        hangs.on_shutdown(|_| hang()).expect("it has not begun");
        let (to, from) = mpsc::channel();
        let flushes = plugin.task("flushes").phase(Phase::FLUSH);
        flushes
            .on_shutdown(move |cx| to.send(cx.remaining()).expect("it is heard"))
            .expect("it has not begun");
        let report = plugin.stop(why(), ms(1200)).expect("no task waits");
        let hung = report.task("/plugin/hangs").expect("it ran");
        assert!(hung.start() + hung.took() >= ms(400), "early: {report}");
        let remaining = from.recv().expect("it ran");
        assert!(remaining <= ms(800), "{remaining:?}");
    })
}

/// No time, and asking twice is harmless.
fn scope_without_time_runs_nothing() -> Case {
    sees(|| {
        let shutdown = install();
        let plugin = shutdown.scope("plugin");
        let task = plugin.task("no time");
        task.on_shutdown(|_| panic!("there is no time"))
            .expect("not begun");
        let report = plugin.stop(why(), Duration::ZERO).expect("no task waits");
        let task = report.task("/plugin/no time").expect("it was there");
        assert_eq!(task.outcome(), &Outcome::Skipped(Skip::NoTime));
        // Asking again changes nothing.
        assert!(!plugin.request(why(), LONG));
        assert!(run(&shutdown).is_clean());
    })
}

/// A detached scope, which the parent's tasks still need, stops when one of them requests it.
fn detached_scope_stops_when_one_of_the_others_says_so() -> Case {
    sees(|| {
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
            assert!(!joined.request(why(), LONG), "it stops with the whole");
            assert!(!scope.is_requested());
            assert!(scope.task("more").on_shutdown(noted.noting("more")).is_ok());
        })
        .expect("it has not begun");
        let last = shutdown.task("last").phase(Phase::CLOSE);
        let (scope, noted) = (metrics.clone(), journal.clone());
        last.on_shutdown(move |_| {
            noted.note("last");
            // The scope's own phases have not begun.
            let early = scope.task("early").phase(Phase::DRAIN);
            assert!(early.on_shutdown(noted.noting("early")).is_ok());
            let report = scope.stop(Cause::requested("the last"), LONG);
            let report = report.expect("it is another scope's task");
            assert!(report.is_clean());
            assert_eq!(report.tasks().count(), 4, "{report}");
        })
        .expect("it has not begun");
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
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let metrics = shutdown.detached_scope("metrics");
        noting(&metrics, "close", Phase::CLOSE, &journal);
        noting(&metrics.scope("inner"), "close", Phase::CLOSE, &journal);
        let report = run(&shutdown);
        for name in ["/metrics/close", "/metrics/inner/close"] {
            let task = report.task(name).expect("it was there");
            assert_eq!(task.outcome(), &Outcome::Skipped(Skip::NotRequested));
        }
        assert!(report.is_clean(), "no stop was requested");
        assert!(!metrics.is_requested());
        journal.reads([]);
        let late = metrics.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("it is refused"), RegisterError::Over);
        assert!(!metrics.request(why(), LONG), "it is over");
        assert!(!metrics.restart());
    })
}

/// Work left undone in a scope without a request is no failure, and hides none.
fn detached_scope_that_is_not_stopped_hides_no_failure() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let metrics = shutdown.detached_scope("metrics");
        noting(&metrics, "close", Phase::CLOSE, &journal);
        let fails = shutdown.task("fails").phase(Phase::CLOSE);
        fails.on_shutdown(|_| Err("no")).expect("it has not begun");
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 2, "{report}");
        assert!(!report.is_clean(), "{report}");
    })
}

fn scope_that_has_stopped_can_be_restarted() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let reader = ingest.scope("reader");
        assert!(!ingest.restart(), "it has not stopped");
        for round in 0..20 {
            noting(&ingest, "task", Phase::CLOSE, &journal);
            noting(&reader, "task", Phase::DRAIN, &journal);
            let cause = Cause::requested(format!("round {round}"));
            let report = ingest.stop(cause.clone(), LONG).expect("no task waits");
            assert_eq!(report.cause(), &cause);
            assert_eq!(report.tasks().count(), 2, "{report}");
            assert_eq!(journal.len(), 2 * (round + 1));
            let late = reader.task("late").on_shutdown(|_| {});
            assert_eq!(late.expect_err("it is refused"), RegisterError::Over);
            // Once it has stopped, the report stays until the restart.
            let again = ingest.wait().expect("no task waits");
            assert!(Arc::ptr_eq(&again, &report));
            assert!(ingest.restart());
            assert!(!ingest.restart(), "it has not stopped again");
            assert!(!ingest.is_requested() && !reader.is_requested());
        }
        noting(&ingest, "last", Phase::CLOSE, &journal);
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 1, "{report}");
        assert!(!ingest.restart(), "the whole has begun");
    })
}

/// A waiter gets the report of the run that it has waited for, although the scope is
/// restarted before it comes to look. Load can only make a thread wait too late,
/// so the best of a few counts.
fn scope_that_is_restarted_has_stopped_for_those_who_waited() -> Case {
    sees(|| {
        const ROUNDS: usize = 40;
        let shutdown = install();
        let plugin = shutdown.scope("plugin");
        let scopes = [&plugin, &plugin.scope("inner")];
        let enough = 2 * ROUNDS * 19 / 20;
        let mut told = 0;
        for _ in 0..4 {
            if told < enough {
                told = (0..ROUNDS).map(|_| got_own_report(scopes)).sum();
            }
        }
        assert!(told >= enough, "{told} of {} got it", 2 * ROUNDS);
        assert!(run(&shutdown).is_clean());
    })
}

/// As soon as it can be restarted, it can be stopped again, and it is its own
/// report that comes.
fn scope_that_is_restarted_at_once_gets_its_own_report() -> Case {
    sees(|| {
        let shutdown = install();
        let ingest = shutdown.scope("ingest");
        assert!(!ingest.is_requested());
        for round in 0..200 {
            let cause = Cause::requested(format!("round {round}"));
            assert!(ingest.request(cause, LONG));
            while !ingest.restart() {
                std::hint::spin_loop();
            }
            let cause = Cause::requested(format!("after round {round}"));
            let report = ingest.stop(cause.clone(), LONG).expect("no task waits");
            assert_eq!(report.cause(), &cause);
            assert!(ingest.restart());
        }
        run(&shutdown);
    })
}

fn all_who_stop_a_scope_share_one_run() -> Case {
    sees(|| {
        let shutdown = install();
        let runs = Arc::new(AtomicUsize::new(0));
        let ingest = shutdown.scope("ingest");
        let counted = Arc::clone(&runs);
        let task = ingest.task("once");
        task.on_shutdown(move |_| {
            sleep_ms(50);
            counted.fetch_add(1, Ordering::Relaxed);
        })
        .expect("it has not begun");
        let barrier = Barrier::new(16);
        let reports: Vec<_> = thread::scope(|threads| {
            let stopping: Vec<_> = (0..16)
                .map(|n| {
                    let (ingest, barrier) = (&ingest, &barrier);
                    threads.spawn(move || {
                        barrier.wait();
                        let cause = Cause::requested(format!("thread {n}"));
                        ingest.stop(cause, LONG).expect("no task waits")
                    })
                })
                .collect();
            let reports = stopping
                .into_iter()
                .map(|stops| stops.join().expect("it returns"));
            reports.collect()
        });
        let same = |report| Arc::ptr_eq(report, &reports[0]);
        assert!(reports.iter().all(same));
        assert_eq!(runs.load(Ordering::Relaxed), 1);
        run(&shutdown);
    })
}

fn scope_that_stops_takes_tasks_for_what_is_left_of_it() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let (scope, noted) = (ingest.clone(), journal.clone());
        let task = ingest.task("adds").phase(Phase::DRAIN);
        task.on_shutdown(move |_| {
            let child = scope.scope("child");
            assert!(child.is_requested(), "it is part of what stops");
            noting(&child, "later", Phase::FLUSH, &noted);
            noting(&child, "now", Phase::DRAIN, &noted);
            let earlier = child.task("earlier").phase(Phase::UNBIND);
            let refused = earlier.on_shutdown(|_| {}).expect_err("it is refused");
            let phase = Phase::UNBIND.into();
            assert_eq!(refused, RegisterError::PhaseOver { phase });
        })
        .expect("it has not begun");
        // A scope whose name has only its first letters in common.
        let other = shutdown.scope("ingest-2");
        noting(&other, "ends", Phase::CLOSE, &Journal::new());
        other.stop(why(), LONG).expect("no task waits");
        let late = other.task("late").on_shutdown(|_| {});
        assert_eq!(late.expect_err("it is refused"), RegisterError::Over);
        let report = ingest.stop(why(), LONG).expect("no task waits");
        journal.reads(["/ingest/child/now", "/ingest/child/later"]);
        let refused: Vec<_> = report.refused().iter().map(|task| task.name()).collect();
        assert_eq!(refused, ["/ingest/child/earlier"]);
        // The whole's report has those that are in no scope's.
        let whole = run(&shutdown);
        let refused: Vec<_> = whole.refused().iter().map(|task| task.name()).collect();
        assert_eq!(refused, ["/ingest-2/late"]);
    })
}

/// A request that comes as the whole runs.
fn scope_cannot_leave_a_whole_that_has_begun() -> Case {
    sees(|| {
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
        .expect("it has not begun");
        let scope = ingest.clone();
        let stops = thread::spawn(move || {
            scope.requested().wait();
            assert!(
                !scope.request(why(), Duration::ZERO),
                "it is part of the whole"
            );
            assert!(!scope.restart());
            drop(asked);
            scope.stop(why(), Duration::ZERO)
        });
        let report = run(&shutdown);
        journal.reads(["/ingest/drain", "/ingest/close"]);
        let stopped = stops.join().expect("it returns").expect("no task waits");
        assert_eq!(stopped.to_string(), report.to_string());
    })
}

/// The end waits for a scope that stops by itself, whose tasks are its own.
fn whole_waits_for_a_scope_that_stops_by_itself() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let (to, began) = mpsc::channel();
        let slow = ingest.task("slow").phase(Phase::DRAIN);
        let noted = journal.clone();
        slow.on_shutdown(move |_| {
            to.send(()).expect("it is heard");
            sleep_ms(300);
            noted.note("/ingest/slow");
        })
        .expect("it has not begun");
        noting(&ingest, "close", Phase::CLOSE, &journal);
        let root = shutdown.task("root").on_shutdown(journal.noting("root"));
        root.expect("it has not begun");
        let cause = Cause::requested("the scope alone");
        assert!(ingest.request(cause.clone(), LONG));
        began.recv().expect("it begins");
        let whole = run(&shutdown);
        journal.reads(["root", "/ingest/slow", "/ingest/close"]);
        assert_eq!(whole.tasks().count(), 1, "{whole}");
        let report = ingest.wait().expect("no task waits");
        assert_eq!(report.cause(), &cause);
        assert_eq!(report.tasks().count(), 2, "{report}");
    })
}

/// Children created or stopped during the trigger.
///
/// A task is run once, by the scope or by the whole, whichever comes first.
fn task_is_run_once_by_its_scope_or_by_the_whole() -> Case {
    sees(|| {
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
            .expect("it has not begun");
        }
        let barrier = Barrier::new(4);
        thread::scope(|threads| {
            for scope in &scopes {
                threads.spawn(|| {
                    barrier.wait();
                    scope.request(why(), LONG);
                });
            }
            barrier.wait();
            shutdown.request(why());
        });
        let report = reported(&shutdown);
        assert!(report.is_clean(), "{report}");
        let runs = slots.iter().map(|slot| slot.load(Ordering::Relaxed));
        assert!(runs.into_iter().all(|runs| runs == 1));
    })
    .times(5)
}

fn scopes_stop_side_by_side() -> Case {
    sees(|| {
        let shutdown = install();
        // Their tasks wait for each other.
        let barrier = Arc::new(Barrier::new(4));
        let scopes = ["a", "b", "c", "d"].map(|name| shutdown.scope(name));
        for scope in &scopes {
            let barrier = Arc::clone(&barrier);
            let task = scope.task("meets");
            task.on_shutdown(move |_| {
                barrier.wait();
            })
            .expect("it has not begun");
        }
        for scope in &scopes {
            assert!(scope.request(why(), LONG));
        }
        for scope in &scopes {
            let report = scope.wait().expect("no task waits");
            assert!(report.is_clean(), "{report}");
            assert_eq!(report.tasks().count(), 1, "{report}");
        }
        run(&shutdown);
    })
}

fn waiter_of_a_scope_is_woken_when_its_parent_ends() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        let reader = ingest.scope("reader");
        noting(&reader, "task", Phase::CLOSE, &journal);
        let scope = reader.clone();
        let waits = thread::spawn(move || scope.wait());
        sleep_ms(50);
        let report = ingest.stop(why(), LONG).expect("no task waits");
        let waited = waits.join().expect("it returns").expect("no task waits");
        assert!(Arc::ptr_eq(&waited, &report));
        run(&shutdown);
    })
}

/// A thread that waits for a scope hears that it ended with the whole.
fn waiter_of_a_scope_is_woken_when_the_shutdown_ends() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let ingest = shutdown.scope("ingest");
        noting(&ingest, "task", Phase::CLOSE, &journal);
        let scope = ingest.clone();
        let waits = thread::spawn(move || scope.wait());
        sleep_ms(50);
        let report = run(&shutdown);
        let waited = waits.join().expect("it returns").expect("no task waits");
        assert_eq!(waited.to_string(), report.to_string());
        assert!(waited.task("/ingest/task").is_some(), "{waited}");
        let late = ingest.wait().expect("no task waits");
        assert_eq!(late.to_string(), report.to_string());
    })
}

/// Tasks that would wait for themselves get an error.
fn task_that_would_wait_for_itself_is_refused() -> Case {
    sees(|| {
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
            .expect("it has not begun");
            from
        }
        fn stop(shutdown: &Shutdown, name: &str) {
            let report = shutdown.scope(name).stop(why(), LONG).expect("no task");
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
            // The same, with the whole.
            refuses(&d, shutdown.task("waits")),
            // A scope that contains the task's own, and was not requested to stop.
            refuses(&e, e.scope("inner").task("waits")),
        ];
        for name in ["a", "b", "c"] {
            stop(&shutdown, name);
        }
        let report = e.scope("inner").stop(why(), LONG).expect("no task");
        assert!(report.is_clean(), "{report}");
        assert!(run(&shutdown).is_clean());
        let refused = refused.map(|refused| refused.recv() == Ok(true));
        assert_eq!(refused, [true; 5]);
    })
}

/// The whole's deadline is the scope's.
///
/// A scope may not outlive the whole; ends with 124.
fn scope_that_hangs_does_not_outlive_the_whole() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().grace(ms(600)));
            let ingest = shutdown.scope("ingest");
            let (to, began) = mpsc::channel();
            let task = ingest.task("hangs");
            task.on_shutdown(move |cx| {
                assert!(cx.remaining() > LONG);
                to.send(()).expect("it is heard");
                shutdown_begins(cx);
            })
            .expect("it has not begun");
            ingest.request(why(), 3 * LONG);
            began.recv().expect("it begins");
            shutdown.request(why());
            look_away();
        },
        |victims| {
            let death = victims.ends_with(124);
            assert!(
                death.after >= Duration::from_millis(600),
                "early: {death:?}"
            );
            assert!(
                death.stdout.contains("the deadline is the whole's"),
                "{death:?}"
            );
        },
    )
}

/// Registers a task that notes its own full name.
fn noting(scope: &Scope, name: &str, phase: Phase, journal: &Journal) {
    let full = format!("{}/{name}", scope.name());
    let task = scope.task(name).phase(phase);
    let task = task.on_shutdown(journal.noting(&full));
    assert_eq!(task.expect("it has not begun").name(), full);
}

/// Returns the number of threads that get the report of their own run. Two threads wait for
/// these scopes; the first scope is stopped and restarted.
fn got_own_report(scopes: [&Scope; 2]) -> usize {
    let stopped = scopes[0];
    thread::scope(|threads| {
        let waits = scopes
            .map(|scope| threads.spawn(|| scope.wait().expect("this is no task").cause().clone()));
        // So that they wait by then. One that does not waits for the next run.
        sleep_ms(10);
        assert!(stopped.request(why(), LONG));
        while !stopped.restart() {
            std::hint::spin_loop();
        }
        let patience = Instant::now() + ms(100);
        while waits.iter().any(|waits| !waits.is_finished()) {
            if Instant::now() > patience {
                let next = stopped.stop(Cause::requested("the next"), LONG);
                assert!(next.is_ok() && stopped.restart());
            }
            sleep_ms(1);
        }
        let causes = waits.map(|waits| waits.join().expect("it returns"));
        causes.iter().filter(|cause| **cause == why()).count()
    })
}

/// Waits until the whole's deadline is the task's own, and then for ever.
fn shutdown_begins(cx: &deadstop::TaskContext) {
    while cx.remaining() > ms(600) {
        sleep_ms(1);
    }
    say("the deadline is the whole's");
    hang();
}
