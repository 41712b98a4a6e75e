//! Tasks that block their thread for ever. Later phases must run.

use std::hint::spin_loop;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use deadstop::report::{Outcome, ShutdownReport};
use deadstop::{Phase, Shutdown, TaskContext};

use crate::case::{Case, checked_by, ends_with, passes};
use crate::scenario::{
    LONG_GRACE, allow_exit, allow_exit_and_block, builder, hang, install_as, ms, run, sleep_ms,
    some_cause,
};

tests! {
    sleeping_task_does_not_delay_later_phases,
    spinning_task_does_not_delay_later_phases,
    deadlocked_task_does_not_delay_later_phases,
    six_hanging_tasks_do_not_delay_later_phases,
    every_phase_runs_although_all_tasks_hang,
    deadlocked_main_thread_does_not_delay_the_shutdown,
    hang_report_lists_waiting_tasks_without_the_one_that_hangs,
    hang_report_lists_no_waiting_task_if_the_last_task_hangs,
}

fn sleeping_task_does_not_delay_later_phases() -> Case {
    passes(|| assert_later_phases_run(sleep))
}

fn spinning_task_does_not_delay_later_phases() -> Case {
    passes(|| assert_later_phases_run(spin))
}

fn deadlocked_task_does_not_delay_later_phases() -> Case {
    passes(|| assert_later_phases_run(deadlock))
}

fn six_hanging_tasks_do_not_delay_later_phases() -> Case {
    passes(|| {
        let shutdown = install_with_reserves();
        let remaining = register_later_tasks(&shutdown);
        for hang in [sleep, spin, deadlock, sleep, spin, deadlock] {
            let task = shutdown.task("hangs").phase(Phase::DRAIN);
            task.on_shutdown(hang).expect("the shutdown has not begun");
        }
        assert_all_ran(&run(&shutdown), &remaining, 6);
    })
}

fn every_phase_runs_although_all_tasks_hang() -> Case {
    passes(|| {
        let phases = [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH, Phase::CLOSE];
        let builder = phases.iter().cloned().fold(builder(), |builder, phase| {
            builder.phase(phase.budget(ms(300)))
        });
        let shutdown = install_as(builder);
        for phase in &phases {
            for hang in [sleep, deadlock] {
                let task = shutdown.task("hangs").phase(phase);
                task.on_shutdown(hang).expect("the shutdown has not begun");
            }
        }
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 8);
        for (place, phase) in (0..).zip(report.phases()) {
            assert_eq!(phase.tasks().len(), 2, "{report}");
            let outcomes = phase.tasks().iter().map(|task| task.outcome());
            assert!(outcomes.into_iter().all(|how| how == &Outcome::OverBudget));
            assert!(phase.start() >= place * ms(300), "too early: {report}");
            assert!(phase.took() >= ms(300), "too early: {report}");
        }
    })
}

/// `main` is deadlocked before the request, and a task hangs. All phases must run, and the
/// process must end with status 1.
fn deadlocked_main_thread_does_not_delay_the_shutdown() -> Case {
    ends_with(1, || {
        allow_exit();
        let shutdown = install_with_reserves();
        let remaining = register_later_tasks(&shutdown);
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(deadlock)
            .expect("the shutdown has not begun");
        let last = shutdown.task("last").phase(Phase::CLOSE);
        last.on_shutdown(move |_| {
            // The two tasks of FLUSH have run. The two of CLOSE run in parallel with this one.
            for _ in 0..4 {
                let left = remaining
                    .recv_timeout(LONG_GRACE)
                    .expect("the task sends it");
                assert!(left >= RESERVE, "{left:?}");
            }
        })
        .expect("the shutdown has not begun");
        thread::spawn(move || shutdown.request(some_cause()));
        deadlock_here();
    })
}

/// Tasks run one at a time. The first returned, the second hangs, and two more wait. The hang
/// report must list only those two as waiting. It must list the phases of the whole shutdown,
/// not those of a scope that stopped before.
fn hang_report_lists_waiting_tasks_without_the_one_that_hangs() -> Case {
    checked_by(
        || {
            allow_exit();
            // CLOSE has no reserve: a reserve would end DRAIN, and so the shutdown, before the
            // deadline.
            let close = Phase::CLOSE.reserve(Duration::ZERO);
            let builder = builder().grace(ms(2000)).phase(close);
            let shutdown = install_as(builder.max_concurrent_tasks(1));
            let scope = shutdown.scope("ingest");
            let stops = scope.task("stops").on_shutdown(|_| sleep_ms(50));
            stops.expect("the shutdown has not begun");
            scope
                .stop(some_cause(), LONG_GRACE)
                .expect("the caller is not a task");
            let drain = |name| shutdown.task(name).phase(Phase::DRAIN);
            let registered = [
                drain("first").on_shutdown(|_| sleep_ms(100)),
                drain("hangs").on_shutdown(|_| hang()),
                drain("next").on_shutdown(|_| {}),
                shutdown.task("later").on_shutdown(|_| {}),
            ];
            assert!(registered.iter().all(Result::is_ok));
            shutdown.request(some_cause());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_with(124);
            let starting = |how| {
                let lines = death.stderr.lines();
                lines.filter_map(move |line: &str| line.strip_prefix(how))
            };
            let waiting =
                starting("deadstop: task ").filter_map(|task| task.split_once(" waiting,"));
            let waiting: Vec<_> = waiting.map(|(task, _)| task).collect();
            assert_eq!(waiting, ["\"next\" drain", "\"later\" close"], "{death:?}");
            let phases = starting("deadstop: phase ").filter_map(|phase| phase.split_once(" at "));
            let phases: Vec<_> = phases.map(|(name, _)| name).collect();
            assert_eq!(phases, ["unbind", "drain"], "{death:?}");
        },
    )
}

/// More tasks wait than the report lists by name. All of them have run when the last one hangs.
/// The report must list no waiting task.
fn hang_report_lists_no_waiting_task_if_the_last_task_hangs() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().grace(ms(2000)).max_concurrent_tasks(1));
            // The other tasks first wait for this phase, and then for the task threads of their
            // own phase.
            for phase in [Phase::DRAIN, Phase::CLOSE] {
                let first = shutdown.task("first").phase(phase);
                let first = first.on_shutdown(|_| sleep_ms(100));
                first.expect("the shutdown has not begun");
            }
            for _ in 0..100 {
                let quick = shutdown.task("quick").on_shutdown(|_| {});
                quick.expect("the shutdown has not begun");
            }
            let hangs = shutdown.task("hangs").on_shutdown(|_| hang());
            hangs.expect("the shutdown has not begun");
            shutdown.request(some_cause());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_with(124);
            let progress = death.stderr.lines().filter(|line| line.contains(" left, "));
            let of_hang: Vec<_> = progress.filter(|line| line.contains("\"hangs\"")).collect();
            assert!(!of_hang.is_empty(), "{death:?}");
            assert!(
                of_hang.iter().all(|line| !line.contains(" pending")),
                "{death:?}"
            );
            assert!(!death.stderr.contains(" waiting"), "{death:?}");
        },
    )
}

const DRAIN_BUDGET: Duration = ms(500);

const RESERVE: Duration = ms(500);

fn sleep(_: &TaskContext) {
    thread::sleep(4 * LONG_GRACE);
}

fn spin(_: &TaskContext) {
    loop {
        spin_loop();
    }
}

fn deadlock(_: &TaskContext) {
    deadlock_here();
}

fn deadlock_here() {
    let lock = Mutex::new(());
    let _held = lock.lock();
    let _never = lock.lock();
}

/// Installs a shutdown with a grace of 4 s. DRAIN has a budget of 500 ms; FLUSH and CLOSE
/// reserve 500 ms each.
fn install_with_reserves() -> Shutdown {
    install_as(
        builder()
            .grace(ms(4000))
            .phase(Phase::DRAIN.budget(DRAIN_BUDGET))
            .phase(Phase::FLUSH.reserve(RESERVE))
            .phase(Phase::CLOSE.reserve(RESERVE)),
    )
}

/// Registers two tasks in FLUSH and in CLOSE. Each sends its time left.
fn register_later_tasks(shutdown: &Shutdown) -> mpsc::Receiver<Duration> {
    let (to, remaining) = mpsc::channel();
    for phase in [Phase::FLUSH, Phase::CLOSE] {
        for _ in 0..2 {
            let to = to.clone();
            let task = shutdown.task("later").phase(&phase);
            task.on_shutdown(move |cx| {
                let _ = to.send(cx.remaining());
            })
            .expect("the shutdown has not begun");
        }
    }
    remaining
}

/// Asserts that the later tasks ran with their reserve, and that `hung` tasks were abandoned.
fn assert_all_ran(report: &ShutdownReport, remaining: &mpsc::Receiver<Duration>, hung: usize) {
    let remaining: Vec<_> = remaining.try_iter().collect();
    assert_eq!(remaining.len(), 4, "{report}");
    assert!(
        remaining.iter().all(|left| *left >= RESERVE),
        "{remaining:?}"
    );
    let abandoned = report
        .tasks()
        .filter(|task| task.outcome() == &Outcome::OverBudget);
    assert_eq!(abandoned.count(), hung, "{report}");
    let drain = &report.phases()[1];
    assert!(drain.took() >= DRAIN_BUDGET, "too early: {report}");
}

/// Runs `hang` in DRAIN, and asserts that the tasks of later phases run with their reserve.
fn assert_later_phases_run(hang: fn(&TaskContext)) {
    let shutdown = install_with_reserves();
    let remaining = register_later_tasks(&shutdown);
    let task = shutdown.task("hangs").phase(Phase::DRAIN);
    task.on_shutdown(hang).expect("the shutdown has not begun");
    assert_all_ran(&run(&shutdown), &remaining, 1);
}
