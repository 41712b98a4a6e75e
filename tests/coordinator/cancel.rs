//! Cancelling of registered tasks.

use std::hint::spin_loop;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, Mutex, mpsc};
use std::thread;

use deadstop::report::Outcome;
use deadstop::task::PhaseName;
use deadstop::{Phase, RegisterError, Shutdown, TaskHandle};

use crate::case::{Case, checked_by, passes};
use crate::journal::Journal;
use crate::scenario::{
    LONG_GRACE, builder, hang, install, install_as, ms, print_line, run, some_cause,
    wait_for_report,
};

tests! {
    cancelled_task_does_not_run_but_the_others_do,
    tasks_with_the_same_name_are_separate_tasks,
    task_that_has_started_cannot_be_cancelled,
    task_waiting_in_a_running_phase_can_be_cancelled,
    tasks_can_be_cancelled_from_other_threads,
    task_cancelled_while_it_starts_either_runs_or_is_cancelled,
    ten_thousand_tasks_run_once_unless_cancelled,
}

fn cancelled_task_does_not_run_but_the_others_do() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let task = |name: &'static str| {
            let task = shutdown.task(name).on_shutdown(journal.noting(name));
            task.expect("the shutdown has not begun")
        };
        let handles = [task("one"), task("two"), task("three")];
        assert!(handles[1].cancel());
        assert!(!handles[1].cancel(), "a task is cancelled once");
        assert!(
            !handles[1].clone().cancel(),
            "a clone cannot cancel it again"
        );
        let cancelled: Vec<_> = handles.iter().map(TaskHandle::is_cancelled).collect();
        assert_eq!(cancelled, [false, true, false]);
        let report = run(&shutdown);
        journal.assert_equals_sorted(["one", "three"]);
        assert!(report.task("two").is_none(), "{report}");
        assert!(report.is_clean());
        let cancelled: Vec<_> = handles.iter().map(TaskHandle::is_cancelled).collect();
        assert_eq!(cancelled, [false, true, false]);
    })
}

fn tasks_with_the_same_name_are_separate_tasks() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let handles = [(); 3].map(|()| {
            let task = shutdown.task("same").on_shutdown(journal.noting("ran"));
            task.expect("the shutdown has not begun")
        });
        assert!(handles[0].cancel());
        run(&shutdown);
        journal.assert_equals(["ran", "ran"]);
        assert_eq!(handles[1].name(), "same");
    })
}

fn task_that_has_started_cannot_be_cancelled() -> Case {
    passes(|| {
        let shutdown = install();
        let (to, from) = mpsc::channel();
        let handle = Arc::new(Mutex::new(None::<TaskHandle>));
        let own = Arc::clone(&handle);
        let task = shutdown.task("itself");
        let task = task.on_shutdown(move |_| {
            let own = own.lock().expect("the lock is not poisoned");
            let own = own.as_ref().expect("the handle is set");
            let _ = to.send((own.cancel(), own.is_cancelled()));
        });
        *handle.lock().expect("the lock is not poisoned") =
            Some(task.expect("the shutdown has not begun"));
        let late = shutdown.task("late").budget(ms(50));
        let late = late
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        run(&shutdown);
        assert_eq!(
            from.recv(),
            Ok((false, false)),
            "a running task cannot be cancelled"
        );
        let handle = handle.lock().expect("the lock is not poisoned");
        let handle = handle.as_ref().expect("the handle is set");
        assert!(
            !handle.cancel() && !handle.is_cancelled(),
            "the task has returned"
        );
        assert!(
            !late.cancel() && !late.is_cancelled(),
            "the task was abandoned"
        );
    })
}

/// Tasks run one at a time. The first task cancels the second, whose phase has begun.
fn task_waiting_in_a_running_phase_can_be_cancelled() -> Case {
    passes(|| {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let journal = Journal::new();
        let (to, from) = mpsc::channel::<TaskHandle>();
        let task = shutdown.task("first");
        task.on_shutdown(move |_| {
            let next = from.recv().expect("the test sends a handle");
            assert!(next.cancel());
        })
        .expect("the shutdown has not begun");
        for name in ["second", "third"] {
            let task = shutdown.task(name).on_shutdown(journal.noting(name));
            // The first task receives only one handle.
            let _ = to.send(task.expect("the shutdown has not begun"));
        }
        let report = run(&shutdown);
        journal.assert_equals(["third"]);
        let second = report.task("second").expect("the report lists the task");
        assert_eq!(second.outcome(), &Outcome::Cancelled);
        assert!(report.is_clean());
    })
}

/// 25 threads cancel 10 of 20 tasks. Each other task registers one for the next phase.
fn tasks_can_be_cancelled_from_other_threads() -> Case {
    passes(|| {
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
                        .expect("the phase has not begun");
                })
                .expect("the shutdown has not begun")
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
        journal.assert_equals(expected);
    })
}

/// Threads cancel each task at about the time of its start. Either the task runs, or exactly one
/// call of `cancel` returns `true`.
fn task_cancelled_while_it_starts_either_runs_or_is_cancelled() -> Case {
    checked_by(
        || {
            let shutdown = install();
            let race = Race::new(&shutdown, 10_000);
            let report = thread::scope(|threads| {
                for _ in 0..2 {
                    threads.spawn(|| race.cancel_until_over());
                }
                shutdown.request(some_cause());
                let report = wait_for_report(&shutdown);
                race.is_over.store(true, Ordering::Relaxed);
                report
            });
            let cancelled = race.count_cancelled();
            print_line(&format!("cancelled {cancelled}"));
            let done = report
                .tasks()
                .filter(|task| task.outcome() == &Outcome::Done);
            assert_eq!(done.count() + cancelled, race.tasks.len());
            assert!(report.is_clean());
        },
        |victims| {
            let cancelled = (0..5).map(|_| {
                let ending = victims.passes();
                let line = ending
                    .stdout
                    .lines()
                    .find_map(|line| line.strip_prefix("cancelled "));
                line.and_then(|count| count.parse().ok()).unwrap_or(0)
            });
            // All calls of one run may be too late. There was no race in such a run.
            assert!(cancelled.sum::<u32>() > 0, "no call was in time");
        },
    )
}

/// Tasks that start one after the other, while threads cancel the next ones.
struct Race {
    tasks: Vec<TaskHandle>,
    /// How many times each task has run.
    runs: Arc<[AtomicU32]>,
    /// How many calls of `cancel` have returned `true`, for each task.
    cancels: Vec<AtomicU32>,
    /// The last task that has run.
    latest: Arc<AtomicUsize>,
    is_over: AtomicBool,
}

impl Race {
    fn new(shutdown: &Shutdown, tasks: usize) -> Self {
        let runs: Arc<[AtomicU32]> = (0..tasks).map(|_| AtomicU32::new(0)).collect();
        let latest = Arc::new(AtomicUsize::new(0));
        let register = |n: usize| {
            let (runs, latest) = (Arc::clone(&runs), Arc::clone(&latest));
            let task = shutdown.task("task").phase(Phase::DRAIN);
            task.on_shutdown(move |_| {
                runs[n].fetch_add(1, Ordering::Relaxed);
                latest.fetch_max(n, Ordering::Relaxed);
            })
            .expect("the shutdown has not begun")
        };
        Self {
            tasks: (0..tasks).map(register).collect(),
            cancels: (0..tasks).map(|_| AtomicU32::new(0)).collect(),
            is_over: AtomicBool::new(false),
            runs,
            latest,
        }
    }

    fn cancel_until_over(&self) {
        for delay in (0..400).cycle() {
            if self.is_over.load(Ordering::Relaxed) {
                return;
            }
            self.cancel_next(delay);
        }
    }

    /// Cancels the two tasks after the last one that has run, and waits until another has run.
    fn cancel_next(&self, delay: usize) {
        let seen = self.latest.load(Ordering::Relaxed);
        // The time until the next task starts varies, so this delay varies too.
        for _ in 0..delay {
            spin_loop();
        }
        for next in (seen + 1..self.tasks.len()).take(2) {
            if self.tasks[next].cancel() {
                self.cancels[next].fetch_add(1, Ordering::Relaxed);
            }
        }
        let has_changed = || self.latest.load(Ordering::Relaxed) != seen;
        while !has_changed() && !self.is_over.load(Ordering::Relaxed) {
            spin_loop();
        }
    }

    /// Asserts that each task has either run once, or was cancelled by one call. Returns the
    /// number of cancelled tasks.
    fn count_cancelled(&self) -> usize {
        let mut cancelled = 0;
        for ((runs, cancels), task) in self.runs.iter().zip(&self.cancels).zip(&self.tasks) {
            let (runs, cancels) = (
                runs.load(Ordering::Relaxed),
                cancels.load(Ordering::Relaxed),
            );
            assert_eq!(
                runs + cancels,
                1,
                "ran {runs} times, cancelled {cancels} times"
            );
            assert_eq!(task.is_cancelled(), cancels == 1);
            cancelled += cancels as usize;
        }
        cancelled
    }
}

/// Threads register and cancel tasks for all phases, while the shutdown runs them.
fn ten_thousand_tasks_run_once_unless_cancelled() -> Case {
    passes(|| {
        const THREADS: usize = 8;
        const EACH: usize = 1250;
        let shutdown = install_as(builder().grace(2 * LONG_GRACE));
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
                            // Cancels a task two registrations later, when some tasks have
                            // begun.
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
            shutdown.request(some_cause());
        });
        let report = wait_for_report(&shutdown);
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

/// Registers a task that counts its runs in `slot`. Returns `None` if its phase is over.
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
