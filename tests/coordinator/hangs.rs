//! Tasks that block their thread for good, and what comes after them.
//!
//! Other libraries' tests come closest with tasks that wait on a clock of the test suite; in
//! none of them a task cannot be interrupted.

use std::hint::spin_loop;
use std::sync::{Mutex, mpsc};
use std::thread;
use std::time::Duration;

use deadstop::report::{Outcome, ShutdownReport};
use deadstop::{Phase, Shutdown, TaskContext};

use crate::case::{Case, ends_with, judged, sees};
use crate::scenario::{
    LONG, builder, hang, install_as, let_it_end, look_away, ms, run, sleep_ms, why,
};

tests! {
    task_that_sleeps_its_thread_does_not_hold_up_later_phases,
    task_that_spins_does_not_hold_up_later_phases,
    task_that_deadlocks_itself_does_not_hold_up_later_phases,
    six_that_hang_side_by_side_do_not_hold_up_later_phases,
    every_phase_has_its_turn_though_all_tasks_hang,
    main_thread_that_hangs_holds_up_nothing,
    task_that_hangs_is_not_taken_for_one_that_waits,
    none_is_left_that_waits_behind_a_task_that_hangs,
}

fn task_that_sleeps_its_thread_does_not_hold_up_later_phases() -> Case {
    sees(|| hang_is_followed(sleep))
}

fn task_that_spins_does_not_hold_up_later_phases() -> Case {
    sees(|| hang_is_followed(spin))
}

fn task_that_deadlocks_itself_does_not_hold_up_later_phases() -> Case {
    sees(|| hang_is_followed(deadlock))
}

fn six_that_hang_side_by_side_do_not_hold_up_later_phases() -> Case {
    sees(|| {
        let shutdown = installed();
        let remaining = later_tasks(&shutdown);
        for hang in [sleep, spin, deadlock, sleep, spin, deadlock] {
            let task = shutdown.task("hangs").phase(Phase::DRAIN);
            task.on_shutdown(hang).expect("it has not begun");
        }
        all_ran(&run(&shutdown), &remaining, 6);
    })
}

/// Each phase has its turn, though every task of every phase hangs.
fn every_phase_has_its_turn_though_all_tasks_hang() -> Case {
    sees(|| {
        let phases = [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH, Phase::CLOSE];
        let builder = phases.iter().cloned().fold(builder(), |builder, phase| {
            builder.phase(phase.budget(ms(300)))
        });
        let shutdown = install_as(builder);
        for phase in &phases {
            for hang in [sleep, deadlock] {
                let task = shutdown.task("hangs").phase(phase);
                task.on_shutdown(hang).expect("it has not begun");
            }
        }
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 8);
        for (place, phase) in (0..).zip(report.phases()) {
            assert_eq!(phase.tasks().len(), 2, "{report}");
            let outcomes = phase.tasks().iter().map(|task| task.outcome());
            assert!(outcomes.into_iter().all(|how| how == &Outcome::OverBudget));
            assert!(phase.start() >= place * ms(300), "early: {report}");
            assert!(phase.took() >= ms(300), "early: {report}");
        }
    })
}

/// The process ends by itself, with its failure status.
///
/// `main` is deadlocked before the request, and waits for nothing; ends with 1.
fn main_thread_that_hangs_holds_up_nothing() -> Case {
    ends_with(1, || {
        let_it_end();
        let shutdown = installed();
        let remaining = later_tasks(&shutdown);
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN);
        hangs.on_shutdown(deadlock).expect("it has not begun");
        let last = shutdown.task("last").phase(Phase::CLOSE);
        last.on_shutdown(move |_| {
            // The two of FLUSH have run; those of CLOSE run beside this.
            for _ in 0..4 {
                let left = remaining.recv_timeout(LONG).expect("it ran");
                assert!(left >= RESERVE, "{left:?}");
            }
        })
        .expect("it has not begun");
        thread::spawn(move || shutdown.request(why()));
        deadlock_here();
    })
}

/// The hang report does not name a task whose turn has come as one that waits, and shows the
/// phases of the whole shutdown, not of a scope.
///
/// One at a time: one has been, one hangs, and the others wait. A scope has
/// stopped before.
fn task_that_hangs_is_not_taken_for_one_that_waits() -> Case {
    judged(
        || {
            let_it_end();
            // Without a reserve, which would end DRAIN, and so the shutdown, in time.
            let close = Phase::CLOSE.reserve(Duration::ZERO);
            let builder = builder().grace(ms(2000)).phase(close);
            let shutdown = install_as(builder.max_concurrent_tasks(1));
            let scope = shutdown.scope("ingest");
            let stops = scope.task("stops").on_shutdown(|_| sleep_ms(50));
            stops.expect("it has not begun");
            scope.stop(why(), LONG).expect("no task");
            let drain = |name| shutdown.task(name).phase(Phase::DRAIN);
            let registered = [
                drain("first").on_shutdown(|_| sleep_ms(100)),
                drain("hangs").on_shutdown(|_| hang()),
                drain("next").on_shutdown(|_| {}),
                shutdown.task("later").on_shutdown(|_| {}),
            ];
            assert!(registered.iter().all(Result::is_ok));
            shutdown.request(why());
            look_away();
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

/// More have waited than are listed by name.
///
/// More wait than are listed, and all of them have had their turn by the time
/// that the last hangs.
fn none_is_left_that_waits_behind_a_task_that_hangs() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().grace(ms(2000)).max_concurrent_tasks(1));
            // They wait first for this phase, and then for their turn in their own.
            for phase in [Phase::DRAIN, Phase::CLOSE] {
                let first = shutdown.task("first").phase(phase);
                let first = first.on_shutdown(|_| sleep_ms(100));
                first.expect("it has not begun");
            }
            for _ in 0..100 {
                let quick = shutdown.task("quick").on_shutdown(|_| {});
                quick.expect("it has not begun");
            }
            let hangs = shutdown.task("hangs").on_shutdown(|_| hang());
            hangs.expect("it has not begun");
            shutdown.request(why());
            look_away();
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

const BUDGET: Duration = ms(500);

const RESERVE: Duration = ms(500);

fn sleep(_: &TaskContext) {
    thread::sleep(4 * LONG);
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

/// DRAIN may take half a second of 4; FLUSH and CLOSE reserve as much each.
fn installed() -> Shutdown {
    install_as(
        builder()
            .grace(ms(4000))
            .phase(Phase::DRAIN.budget(BUDGET))
            .phase(Phase::FLUSH.reserve(RESERVE))
            .phase(Phase::CLOSE.reserve(RESERVE)),
    )
}

/// Registers two tasks in each later phase, which say what they have left.
fn later_tasks(shutdown: &Shutdown) -> mpsc::Receiver<Duration> {
    let (to, remaining) = mpsc::channel();
    for phase in [Phase::FLUSH, Phase::CLOSE] {
        for _ in 0..2 {
            let to = to.clone();
            let task = shutdown.task("later").phase(&phase);
            task.on_shutdown(move |cx| {
                let _ = to.send(cx.remaining());
            })
            .expect("it has not begun");
        }
    }
    remaining
}

fn all_ran(report: &ShutdownReport, remaining: &mpsc::Receiver<Duration>, hung: usize) {
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
    assert!(drain.took() >= BUDGET, "early: {report}");
}

fn hang_is_followed(hang: fn(&TaskContext)) {
    let shutdown = installed();
    let remaining = later_tasks(&shutdown);
    let task = shutdown.task("hangs").phase(Phase::DRAIN);
    task.on_shutdown(hang).expect("it has not begun");
    all_ran(&run(&shutdown), &remaining, 1);
}
