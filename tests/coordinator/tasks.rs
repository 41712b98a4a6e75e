//! Tasks: their outcomes, their context, and the number that runs at once.

use std::future::{self, Future};
use std::hint;
use std::panic::panic_any;
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::report::Outcome;
use deadstop::task::TaskResult;
use deadstop::{Cause, Phase, RegisterError};

use crate::case::{Case, passes};
use crate::journal::{self, Journal};
use crate::scenario::{
    LONG_GRACE, PlannedPanic, builder, hang, install, install_as, ms, panic_as_planned, run,
    sleep_ms, some_cause,
};

tests! {
    report_has_the_outcome_and_message_of_each_task,
    short_blocking_tasks_run_on_several_threads,
    panic_of_a_task_does_not_stop_other_tasks,
    task_context_has_the_cause_and_the_time_left,
    request_from_a_task_has_no_effect,
    task_can_register_itself_again_in_its_phase,
    task_can_wait_for_a_task_that_it_registers,
    task_that_waits_for_the_shutdown_is_refused,
    tasks_of_a_phase_run_in_parallel,
    max_concurrent_tasks_is_not_exceeded,
    single_task_thread_runs_tasks_in_registration_order,
    next_task_runs_after_a_task_is_abandoned,
    every_accepted_task_runs_while_phases_end,
    abandoned_task_that_returns_frees_no_second_slot,
    tasks_run_after_all_handles_are_dropped,
    captured_values_are_dropped_for_every_outcome,
    async_task_is_woken_from_another_thread,
    async_task_that_is_never_woken_is_abandoned,
    async_task_can_fail_or_panic,
}

/// Also for a panic whose payload is not a text.
fn report_has_the_outcome_and_message_of_each_task() -> Case {
    passes(|| {
        let shutdown = install();
        let registered = [
            shutdown.task("returns").on_shutdown(|_| {}),
            shutdown.task("ok").on_shutdown(|_| Ok::<_, String>(())),
            shutdown.task("error").on_shutdown(|_| Err("no more paper")),
            shutdown.task("text").on_shutdown(|_| panic_as_planned()),
            shutdown
                .task("formatted")
                .on_shutdown(|_| panic!("planned {}", 7)),
            shutdown
                .task("value")
                .on_shutdown(|_| panic_any(PlannedPanic)),
            shutdown.task("late").budget(ms(50)).on_shutdown(|_| hang()),
        ];
        assert!(registered.iter().all(Result::is_ok));
        let report = run(&shutdown);
        let outcome = |task| {
            report
                .task(task)
                .expect("the report lists the task")
                .outcome()
        };
        assert_eq!(outcome("returns"), &Outcome::Done);
        assert_eq!(outcome("ok"), &Outcome::Done);
        assert_eq!(outcome("error"), &Outcome::Failed("no more paper".into()));
        assert_eq!(outcome("text"), &Outcome::Panicked("planned".into()));
        assert_eq!(outcome("formatted"), &Outcome::Panicked("planned 7".into()));
        let wordless = Outcome::Panicked("a panic without a message".into());
        assert_eq!(outcome("value"), &wordless);
        assert_eq!(outcome("late"), &Outcome::OverBudget);
        let is_failure = |task| outcome(task).is_failure();
        assert!(!is_failure("returns") && !is_failure("ok"));
        let failures = ["error", "text", "formatted", "value", "late"];
        assert!(failures.into_iter().all(is_failure));
    })
}

/// 5000 tasks block for 1 µs each. One of them is too short to justify another thread, but all
/// together must be run by several threads.
fn short_blocking_tasks_run_on_several_threads() -> Case {
    passes(|| {
        const TASKS: usize = 5000;
        let shutdown = install();
        for _ in 0..TASKS {
            let task = shutdown.task("waits for a peer");
            let registered = task.on_shutdown(|_| thread::sleep(Duration::from_micros(1)));
            registered.expect("the shutdown has not begun");
        }
        let report = run(&shutdown);
        let one_by_one: Duration = report.tasks().map(|task| task.took()).sum();
        assert_eq!(report.tasks().count(), TASKS);
        assert!(
            report.took() * 2 < one_by_one,
            "{:?} for {one_by_one:?}",
            report.took()
        );
    })
}

fn panic_of_a_task_does_not_stop_other_tasks() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        for name in ["one", "two"] {
            let task = shutdown.task(name);
            task.on_shutdown(|_| panic_as_planned())
                .expect("the shutdown has not begun");
        }
        let noted = journal.clone();
        let third = shutdown.task("third");
        third
            .on_shutdown(move |_| {
                sleep_ms(40);
                noted.note("third");
            })
            .expect("the shutdown has not begun");
        run(&shutdown);
        journal.assert_equals(["third"]);
    })
}

fn task_context_has_the_cause_and_the_time_left() -> Case {
    passes(|| {
        let shutdown = install();
        let cause = Cause::requested("the context");
        let expected = cause.clone();
        let task = shutdown.task("told").budget(ms(2000));
        task.on_shutdown(move |cx| {
            assert_eq!(cx.cause(), &expected);
            assert!(!cx.is_abandoned());
            let (first, before) = (cx.deadline(), cx.remaining());
            assert!(before <= ms(2000) && before > Duration::ZERO);
            // A progress text does not extend the budget.
            for text in ["", "segment 12 of 40", &"ä".repeat(500)] {
                cx.progress(text);
            }
            sleep_ms(20);
            assert!(cx.remaining() <= before - ms(20));
            assert!(cx.deadline() <= first + ms(250));
            let debug = journal::debug(cx);
            assert!(debug.starts_with("TaskContext { task: \"told\""), "{debug}");
        })
        .expect("the shutdown has not begun");
        assert!(shutdown.request(cause));
        shutdown.wait();
        assert!(
            shutdown
                .report()
                .expect("the shutdown has ended")
                .is_clean()
        );
    })
}

/// The call must return `false`, and not deadlock.
fn request_from_a_task_has_no_effect() -> Case {
    passes(|| {
        let shutdown = install();
        let again = shutdown.clone();
        let task = shutdown.task("asks");
        task.on_shutdown(move |_| {
            assert!(again.is_requested());
            assert!(!again.request(some_cause()));
            again.requested().wait();
        })
        .expect("the shutdown has not begun");
        assert!(run(&shutdown).is_clean());
    })
}

/// A task registers itself 100 times in the phase that runs.
fn task_can_register_itself_again_in_its_phase() -> Case {
    passes(|| {
        fn register(shutdown: deadstop::Shutdown, left: u32, journal: Journal) {
            let again = shutdown.clone();
            let task = shutdown.task(format!("{left} left")).phase(Phase::FLUSH);
            task.on_shutdown(move |_| {
                journal.note("ran");
                if left > 0 {
                    register(again, left - 1, journal);
                }
            })
            .expect("the task's phase is running");
        }
        let shutdown = install();
        let journal = Journal::new();
        register(shutdown.clone(), 100, journal.clone());
        let report = run(&shutdown);
        assert_eq!(journal.len(), 101);
        assert_eq!(report.tasks().count(), 101);
        assert!(report.is_clean());
    })
}

/// The new task must run while the task that registered it runs.
fn task_can_wait_for_a_task_that_it_registers() -> Case {
    passes(|| {
        let shutdown = install();
        for phase in [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH, Phase::CLOSE] {
            let handle = shutdown.clone();
            let task = shutdown.task("waits").phase(&phase).budget(ms(1500));
            task.on_shutdown(move |_| {
                let (to, from) = mpsc::channel();
                let other = handle.task("other").phase(phase);
                other
                    .on_shutdown(move |_| to.send(()).expect("the receiver exists"))
                    .expect("the task's phase is running");
                from.recv().expect("the other task runs");
            })
            .expect("the shutdown has not begun");
        }
        assert!(run(&shutdown).is_clean());
    })
}

/// A task that waits for the end of the shutdown would wait for itself. Each such call must
/// return a failure.
fn task_that_waits_for_the_shutdown_is_refused() -> Case {
    passes(|| {
        let shutdown = install();
        let handle = shutdown.clone();
        let task = shutdown.task("waits");
        task.on_shutdown(move |_| {
            assert_eq!(
                journal::debug(&handle.ended().wait()),
                journal::debug(&ExitCode::FAILURE)
            );
            assert_eq!(
                journal::debug(&handle.wait()),
                journal::debug(&ExitCode::FAILURE)
            );
            assert_eq!(
                journal::debug(&handle.finish()),
                journal::debug(&ExitCode::FAILURE)
            );
        })
        .expect("the shutdown has not begun");
        let handle = shutdown.clone();
        let task = shutdown.task("exits");
        task.on_shutdown(move |_| -> () { handle.wait_and_exit() })
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let waits = report.task("waits").expect("the report lists the task");
        assert_eq!(waits.outcome(), &Outcome::Done);
        let exits = report.task("exits").expect("the report lists the task");
        let why = "a task of the shutdown cannot wait for the shutdown: it would wait for itself";
        assert_eq!(exits.outcome(), &Outcome::Failed(why.into()));
        assert!(report.took() < LONG_GRACE, "{report}");
    })
}

/// 100 tasks meet at a barrier. They can only return if all of them run at once.
fn tasks_of_a_phase_run_in_parallel() -> Case {
    passes(|| {
        const TASKS: usize = 100;
        let shutdown = install();
        let barrier = Arc::new(Barrier::new(TASKS));
        for n in 0..TASKS {
            let barrier = Arc::clone(&barrier);
            let task = shutdown.task(format!("task {n}"));
            task.on_shutdown(move |_| {
                barrier.wait();
            })
            .expect("the shutdown has not begun");
        }
        let report = run(&shutdown);
        assert!(report.is_clean(), "{report}");
        assert!(!report.threads_refused());
    })
}

fn max_concurrent_tasks_is_not_exceeded() -> Case {
    passes(|| {
        const LIMIT: usize = 3;
        let shutdown = install_as(builder().max_concurrent_tasks(LIMIT));
        let running = Arc::new(AtomicUsize::new(0));
        let most = Arc::new(AtomicUsize::new(0));
        // The barrier makes sure that `LIMIT` tasks run at once.
        let barrier = Arc::new(Barrier::new(LIMIT));
        let journal = Journal::new();
        for phase in [Phase::DRAIN, Phase::FLUSH] {
            for n in 0..7 * LIMIT {
                let (running, most) = (Arc::clone(&running), Arc::clone(&most));
                let (barrier, journal) = (Arc::clone(&barrier), journal.clone());
                let task = shutdown.task(format!("task {n}")).phase(&phase);
                task.on_shutdown(move |_| {
                    let now = running.fetch_add(1, Ordering::SeqCst) + 1;
                    most.fetch_max(now, Ordering::SeqCst);
                    sleep_ms(5);
                    barrier.wait();
                    journal.note("ran");
                    running.fetch_sub(1, Ordering::SeqCst);
                })
                .expect("the shutdown has not begun");
            }
        }
        assert!(run(&shutdown).is_clean());
        assert_eq!(journal.len(), 14 * LIMIT);
        assert_eq!(most.load(Ordering::SeqCst), LIMIT);
    })
}

fn single_task_thread_runs_tasks_in_registration_order() -> Case {
    passes(|| {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let seen = Arc::new(Mutex::new(Vec::new()));
        for n in 0..200 {
            let seen = Arc::clone(&seen);
            let task = shutdown.task(format!("task {n}"));
            task.on_shutdown(move |_| seen.lock().expect("the lock is not poisoned").push(n))
                .expect("the shutdown has not begun");
        }
        run(&shutdown);
        let seen = seen.lock().expect("the lock is not poisoned");
        assert!(seen.iter().copied().eq(0..200), "{seen:?}");
    })
}

fn next_task_runs_after_a_task_is_abandoned() -> Case {
    passes(|| {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let journal = Journal::new();
        let hangs = shutdown.task("hangs").budget(ms(100));
        hangs
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        let next = shutdown.task("next");
        next.on_shutdown(journal.noting("next"))
            .expect("the shutdown has not begun");
        run(&shutdown);
        journal.assert_equals(["next"]);
    })
}

/// 300 short phases run, while three threads register tasks for the phase that runs or has just
/// ended. Each accepted task must run.
fn every_accepted_task_runs_while_phases_end() -> Case {
    passes(|| {
        const PHASES: usize = 300;
        const PAUSE: Duration = Duration::from_micros(20);
        let name = |n: usize| format!("phase {n}");
        let mut builder = builder().phase(Phase::new(name(0)));
        for n in 1..PHASES {
            builder = builder.phase(Phase::new(name(n)).after(name(n - 1)));
        }
        let shutdown = install_as(builder);
        let place = Arc::new(AtomicUsize::new(0));
        for n in 0..PHASES {
            let place = Arc::clone(&place);
            let task = shutdown.task("says where it is").phase(name(n));
            let says = task.on_shutdown(move |_| {
                place.store(n, Ordering::SeqCst);
                thread::sleep(PAUSE);
            });
            says.expect("the shutdown has not begun");
        }
        let ran = Arc::new(AtomicUsize::new(0));
        let is_over = AtomicBool::new(false);
        // A phase does not end while tasks are registered for it, so this stops after 2 s.
        let patience = Instant::now() + ms(2000);
        let accepted: usize = thread::scope(|threads| {
            let registers = || {
                let mut accepted = 0;
                while !is_over.load(Ordering::SeqCst) && Instant::now() < patience {
                    let ran = Arc::clone(&ran);
                    let task = shutdown.task("comes late");
                    let task = task.phase(name(place.load(Ordering::SeqCst)));
                    let task = task.on_shutdown(move |_| {
                        ran.fetch_add(1, Ordering::SeqCst);
                    });
                    accepted += usize::from(task.is_ok());
                    let next = Instant::now() + PAUSE;
                    while Instant::now() < next {
                        hint::spin_loop();
                    }
                }
                accepted
            };
            let register = [(); 3].map(|()| threads.spawn(registers));
            run(&shutdown);
            is_over.store(true, Ordering::SeqCst);
            let accepted = register.map(|thread| thread.join().expect("the thread does not panic"));
            accepted.iter().sum()
        });
        assert_eq!(ran.load(Ordering::SeqCst), accepted, "of those accepted");
    })
}

/// Tasks run one at a time. The first is abandoned while it sleeps, and its thread returns while
/// the second runs. The third must not start before the second has ended.
fn abandoned_task_that_returns_frees_no_second_slot() -> Case {
    passes(|| {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let journal = Journal::new();
        let late = shutdown.task("late").budget(ms(50));
        late.on_shutdown(|_| sleep_ms(150))
            .expect("the shutdown has not begun");
        let next = journal.clone();
        let long = shutdown.task("long").on_shutdown(move |_| {
            next.note("long begins");
            sleep_ms(300);
            next.note("long ends");
        });
        long.expect("the shutdown has not begun");
        let last = shutdown.task("last");
        last.on_shutdown(journal.noting("last"))
            .expect("the shutdown has not begun");
        run(&shutdown);
        journal.assert_equals(["long begins", "long ends", "last"]);
    })
}

fn tasks_run_after_all_handles_are_dropped() -> Case {
    passes(|| {
        let journal = Journal::new();
        {
            let shutdown = install();
            let handle = shutdown.task("task").on_shutdown(journal.noting("ran"));
            drop(handle);
            let scope = shutdown.scope("scope");
            let handle = scope.task("task").on_shutdown(journal.noting("ran"));
            drop((handle, scope, shutdown.requested(), shutdown));
        }
        let shutdown = deadstop::Shutdown::installed().expect("the shutdown stays installed");
        assert_eq!(run(&shutdown).tasks().count(), 2);
        journal.assert_equals(["ran", "ran"]);
    })
}

/// A task's closure must be dropped if the task is cancelled, skipped, refused, panics or runs,
/// also if its handle is kept.
fn captured_values_are_dropped_for_every_outcome() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.disabled(true)));
        let held = Arc::new(());
        let task = |name: &str, phase: Phase| {
            let held = Arc::clone(&held);
            let task = shutdown.task(name).phase(phase);
            task.on_shutdown(move |_| {
                let _held = held;
            })
            .expect("the shutdown has not begun")
        };
        let cancelled = task("cancelled", Phase::DRAIN);
        assert_eq!(Arc::strong_count(&held), 2);
        assert!(cancelled.cancel());
        assert_eq!(Arc::strong_count(&held), 1, "`cancel` drops the closure");
        let kept = [task("skipped", Phase::FLUSH), task("runs", Phase::DRAIN)];
        let (to, panics) = (Arc::clone(&held), shutdown.task("panics"));
        let panics = panics.on_shutdown(move |_| {
            let _held = to;
            panic_as_planned()
        });
        let registers = shutdown.clone();
        let late = shutdown.task("registers too late").phase(Phase::CLOSE);
        late.on_shutdown(move |_| {
            let held = Arc::new(());
            let to = Arc::clone(&held);
            let task = registers.task("late").phase(Phase::DRAIN);
            let refused = task.on_shutdown(move |_| drop(to));
            assert!(matches!(refused, Err(RegisterError::PhaseOver { .. })));
            assert_eq!(Arc::strong_count(&held), 1, "the refusal drops the closure");
        })
        .expect("the shutdown has not begun");
        run(&shutdown);
        // Another thread drops the closures, because a drop may hang.
        let gone = (0..500).any(|_| {
            sleep_ms(10);
            Arc::strong_count(&held) == 1
        });
        assert!(gone, "{} still held", Arc::strong_count(&held) - 1);
        drop((kept, panics));
    })
}

fn async_task_is_woken_from_another_thread() -> Case {
    passes(|| {
        let shutdown = install();
        let (to, from) = mpsc::channel();
        let task = shutdown.task("woken").phase(Phase::FLUSH);
        task.on_shutdown_async(|_| async move {
            to.send("begins").expect("the receiver exists");
            WokenByThread::after_ms(60).await;
            to.send("woken").expect("the receiver exists");
        })
        .expect("the shutdown has not begun");
        sleep_ms(20);
        assert!(from.try_recv().is_err(), "polled before the request");
        let report = run(&shutdown);
        let woken = report.task("woken").expect("the report lists the task");
        assert_eq!(woken.outcome(), &Outcome::Done);
        assert!(woken.took() >= ms(60), "{report}");
        assert_eq!(from.iter().collect::<Vec<_>>(), ["begins", "woken"]);
    })
}

fn async_task_that_is_never_woken_is_abandoned() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let task = shutdown.task("never").phase(Phase::DRAIN).budget(ms(100));
        task.on_shutdown_async(|_| future::pending::<()>())
            .expect("the shutdown has not begun");
        let after = shutdown.task("after").phase(Phase::FLUSH);
        after
            .on_shutdown(journal.noting("after"))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let never = report.task("never").expect("the report lists the task");
        assert_eq!(never.outcome(), &Outcome::OverBudget);
        assert!(never.took() >= ms(100), "{report}");
        journal.assert_equals(["after"]);
    })
}

fn async_task_can_fail_or_panic() -> Case {
    passes(|| {
        fn is_result(_: &impl TaskResult) {}
        is_result(&());
        let shutdown = install();
        let fails = shutdown.task("fails").on_shutdown_async(|_| async {
            WokenByThread::after_ms(5).await;
            Err("no more paper")
        });
        let panics = shutdown.task("panics").on_shutdown_async(|_| async {
            WokenByThread::after_ms(5).await;
            panic_as_planned();
        });
        assert!(fails.is_ok() && panics.is_ok());
        let report = run(&shutdown);
        let outcome = |task| {
            report
                .task(task)
                .expect("the report lists the task")
                .outcome()
        };
        assert_eq!(outcome("fails"), &Outcome::Failed("no more paper".into()));
        assert_eq!(outcome("panics"), &Outcome::Panicked("planned".into()));
    })
}

/// A future that another thread wakes.
struct WokenByThread(Arc<Mutex<(bool, Option<Waker>)>>);

impl WokenByThread {
    fn after_ms(time: u64) -> Self {
        let shared = Arc::new(Mutex::new((false, None::<Waker>)));
        let state = Arc::clone(&shared);
        thread::spawn(move || {
            sleep_ms(time);
            let waker = {
                let mut state = state.lock().expect("the lock is not poisoned");
                state.0 = true;
                state.1.take()
            };
            if let Some(waker) = waker {
                waker.wake();
            }
        });
        Self(shared)
    }
}

impl Future for WokenByThread {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut state = self.0.lock().expect("the lock is not poisoned");
        if state.0 {
            return Poll::Ready(());
        }
        state.1 = Some(context.waker().clone());
        Poll::Pending
    }
}
