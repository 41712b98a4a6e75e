//! Taking tasks back.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use deadstop::report::Outcome;
use deadstop::task::PhaseName;
use deadstop::{Phase, RegisterError, Shutdown, TaskHandle};

use crate::case::{Case, judged, sees};
use crate::journal::Journal;
use crate::scenario::{LONG, builder, hang, install, install_as, ms, reported, run, say, why};

tests! {
    cancelled_task_does_not_run_and_the_others_do,
    same_task_three_times_is_three_tasks,
    task_that_has_started_cannot_be_cancelled,
    task_that_waits_for_its_turn_can_be_cancelled,
    tasks_are_cancelled_across_threads,
    cancelling_races_with_starting_and_one_of_them_wins,
    each_of_ten_thousand_tasks_runs_unless_cancelled,
}

/// Once, and it shows.
fn cancelled_task_does_not_run_and_the_others_do() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let task = |name: &'static str| {
            let task = shutdown.task(name).on_shutdown(journal.noting(name));
            task.expect("it has not begun")
        };
        let handles = [task("one"), task("two"), task("three")];
        assert!(handles[1].cancel());
        assert!(!handles[1].cancel(), "only once");
        assert!(!handles[1].clone().cancel(), "nor by a clone");
        let cancelled: Vec<_> = handles.iter().map(TaskHandle::is_cancelled).collect();
        assert_eq!(cancelled, [false, true, false]);
        let report = run(&shutdown);
        journal.reads_sorted(["one", "three"]);
        assert!(report.task("two").is_none(), "{report}");
        assert!(report.is_clean());
        let cancelled: Vec<_> = handles.iter().map(TaskHandle::is_cancelled).collect();
        assert_eq!(cancelled, [false, true, false]);
    })
}

fn same_task_three_times_is_three_tasks() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let handles = [(); 3].map(|()| {
            let task = shutdown.task("same").on_shutdown(journal.noting("ran"));
            task.expect("it has not begun")
        });
        assert!(handles[0].cancel());
        run(&shutdown);
        journal.reads(["ran", "ran"]);
        assert_eq!(handles[1].name(), "same");
    })
}

fn task_that_has_started_cannot_be_cancelled() -> Case {
    sees(|| {
        let shutdown = install();
        let (to, from) = mpsc::channel();
        let handle = Arc::new(Mutex::new(None::<TaskHandle>));
        let own = Arc::clone(&handle);
        let task = shutdown.task("itself");
        let task = task.on_shutdown(move |_| {
            let own = own.lock().expect("no thread panics with the lock");
            let own = own.as_ref().expect("it is set");
            let _ = to.send((own.cancel(), own.is_cancelled()));
        });
        *handle.lock().expect("no thread panics with the lock") =
            Some(task.expect("it has not begun"));
        let late = shutdown.task("late").budget(ms(50));
        let late = late.on_shutdown(|_| hang()).expect("it has not begun");
        run(&shutdown);
        assert_eq!(from.recv(), Ok((false, false)), "while it runs");
        let handle = handle.lock().expect("no thread panics with the lock");
        let handle = handle.as_ref().expect("it is set");
        assert!(
            !handle.cancel() && !handle.is_cancelled(),
            "when it is done"
        );
        assert!(
            !late.cancel() && !late.is_cancelled(),
            "when it is abandoned"
        );
    })
}

/// By a task of the same phase, whose turn came first.
fn task_that_waits_for_its_turn_can_be_cancelled() -> Case {
    sees(|| {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let journal = Journal::new();
        let (to, from) = mpsc::channel::<TaskHandle>();
        let task = shutdown.task("first");
        task.on_shutdown(move |_| {
            let next = from.recv().expect("it is there");
            assert!(next.cancel());
        })
        .expect("it has not begun");
        for name in ["second", "third"] {
            let task = shutdown.task(name).on_shutdown(journal.noting(name));
            // Only the first is heard.
            let _ = to.send(task.expect("it has not begun"));
        }
        let report = run(&shutdown);
        journal.reads(["third"]);
        let second = report.task("second").expect("its phase had begun");
        assert_eq!(second.outcome(), &Outcome::Cancelled);
        assert!(report.is_clean());
    })
}

/// 20 tasks, 10 of them cancelled from 25 threads; each of the others adds one
/// to the next phase.
fn tasks_are_cancelled_across_threads() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let handles: Vec<_> = (0..20)
            .map(|n| {
                let (later, journal) = (shutdown.clone(), journal.clone());
                let task = shutdown.task(format!("task {n}")).phase(Phase::DRAIN);
                task.on_shutdown(move |_| {
                    journal.note("drained");
                    let task = later.task(format!("after {n}")).phase(Phase::FLUSH);
                    task.on_shutdown(journal.noting("flushed"))
                        .expect("it is later");
                })
                .expect("it has not begun")
            })
            .collect();
        let next = AtomicU32::new(0);
        thread::scope(|threads| {
            for _ in 0..25 {
                threads.spawn(|| {
                    let n = next.fetch_add(1, Ordering::Relaxed) as usize;
                    if n < 10 {
                        assert!(handles[2 * n].cancel());
                    }
                });
            }
        });
        assert!(run(&shutdown).is_clean());
        let mut expected = vec!["drained"; 10];
        expected.extend(["flushed"; 10]);
        journal.reads(expected);
    })
}

/// Each task is cancelled at about its start: it runs, or exactly one of the calls to `cancel`
/// returns that it will not.
fn cancelling_races_with_starting_and_one_of_them_wins() -> Case {
    judged(
        || {
            const TASKS: usize = 10_000;
            let shutdown = install();
            let slots: Arc<[AtomicU32]> = (0..TASKS).map(|_| AtomicU32::new(0)).collect();
            let latest = Arc::new(AtomicUsize::new(0));
            let handles: Vec<_> = (0..TASKS)
                .map(|n| {
                    let (slots, latest) = (Arc::clone(&slots), Arc::clone(&latest));
                    let task = shutdown.task("task").phase(Phase::DRAIN);
                    task.on_shutdown(move |_| {
                        slots[n].fetch_add(1, Ordering::Relaxed);
                        latest.fetch_max(n, Ordering::Relaxed);
                    })
                    .expect("it has not begun")
                })
                .collect();
            let told: Vec<_> = (0..TASKS).map(|_| AtomicU32::new(0)).collect();
            let over = AtomicBool::new(false);
            let cancel_next = |patience: usize| {
                let seen = latest.load(Ordering::Relaxed);
                // The time that the next task takes to start varies; so does this one.
                for _ in 0..patience {
                    spin_loop();
                }
                for next in (seen + 1..TASKS).take(2) {
                    if handles[next].cancel() {
                        told[next].fetch_add(1, Ordering::Relaxed);
                    }
                }
                while latest.load(Ordering::Relaxed) == seen && !over.load(Ordering::Relaxed) {
                    spin_loop();
                }
            };
            let report = thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| {
                        for round in (0..400).cycle() {
                            if over.load(Ordering::Relaxed) {
                                return;
                            }
                            cancel_next(round);
                        }
                    });
                }
                shutdown.request(why());
                let report = reported(&shutdown);
                over.store(true, Ordering::Relaxed);
                report
            });
            let mut cancelled = 0;
            for ((ran, told), handle) in slots.iter().zip(&told).zip(&handles) {
                let (ran, told) = (ran.load(Ordering::Relaxed), told.load(Ordering::Relaxed));
                assert_eq!(ran + told, 1, "ran {ran} times, cancelled {told} times");
                assert_eq!(handle.is_cancelled(), told == 1);
                cancelled += told;
            }
            say(&format!("cancelled {cancelled}"));
            let done = report
                .tasks()
                .filter(|task| task.outcome() == &Outcome::Done);
            assert_eq!(done.count() as u32 + cancelled, TASKS as u32);
            assert!(report.is_clean());
        },
        |victims| {
            let cancelled = (0..5).map(|_| {
                let ending = victims.sees();
                let line = ending
                    .stdout
                    .lines()
                    .find_map(|line| line.strip_prefix("cancelled "));
                line.and_then(|count| count.parse().ok()).unwrap_or(0)
            });
            // Each call may be late for all of one run; then that was no race.
            assert!(cancelled.sum::<u32>() > 0, "no call was early enough");
        },
    )
}

/// Added, cancelled and run from many threads at once, for all phases, while
/// the shutdown goes through them.
fn each_of_ten_thousand_tasks_runs_unless_cancelled() -> Case {
    sees(|| {
        const THREADS: usize = 8;
        const EACH: usize = 1250;
        let shutdown = install_as(builder().grace(2 * LONG));
        let slots: Arc<[AtomicU32]> = (0..THREADS * EACH).map(|_| AtomicU32::new(0)).collect();
        let to_run: Vec<_> = (0..THREADS * EACH)
            .map(|_| AtomicBool::new(false))
            .collect();
        let barrier = Barrier::new(THREADS + 1);
        let phases = [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH, Phase::CLOSE];
        thread::scope(|threads| {
            for thread in 0..THREADS {
                let (shutdown, slots, to_run) = (&shutdown, &slots, &to_run);
                let (barrier, phases) = (&barrier, &phases);
                threads.spawn(move || {
                    let mut before = None::<(TaskHandle, usize)>;
                    for n in 0..EACH {
                        if n == EACH / 2 {
                            barrier.wait();
                        }
                        let slot = thread * EACH + n;
                        let Some(handle) = register(shutdown, slots, slot, &phases[n % 4]) else {
                            continue;
                        };
                        to_run[slot].store(true, Ordering::Relaxed);
                        match n % 3 {
                            0 => before = Some((handle, slot)),
                            // Two tasks later, so that some have begun.
                            2 => {
                                if let Some((handle, slot)) = before.take() {
                                    if handle.cancel() {
                                        to_run[slot].store(false, Ordering::Relaxed);
                                    }
                                }
                            }
                            _ => {}
                        }
                    }
                });
            }
            barrier.wait();
            shutdown.request(why());
        });
        let report = reported(&shutdown);
        let mut ran = 0;
        for (slot, to_run) in slots.iter().zip(&to_run) {
            let times = slot.load(Ordering::Relaxed);
            assert_eq!(times, u32::from(to_run.load(Ordering::Relaxed)));
            ran += times;
        }
        let done = report
            .tasks()
            .filter(|task| task.outcome() == &Outcome::Done);
        assert_eq!(done.count() as u32, ran);
        assert!(report.is_clean(), "{report}");
    })
}

/// Registers a task that counts its run in `slot`, unless it is too late.
fn register(
    shutdown: &Shutdown,
    slots: &Arc<[AtomicU32]>,
    slot: usize,
    phase: &Phase,
) -> Option<TaskHandle> {
    let slots = Arc::clone(slots);

    let task = shutdown.task("task").phase(PhaseName::from(phase));

    let task = task.on_shutdown(move |_| {
        slots[slot].fetch_add(1, Ordering::Relaxed);
    });
    match task {
        Ok(handle) => Some(handle),
        Err(RegisterError::PhaseOver { .. } | RegisterError::Over) => None,
        Err(other) => panic!("{other}"),
    }
}
