//! Budgets, reserves and the deadline.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::protection::Teardown;
use deadstop::report::{Outcome, ShutdownReport, Skip};
use deadstop::{Phase, Shutdown, TaskContext};

use crate::case::{Case, checked_by, late_by_at_most, passes};
use crate::harness::End;
use crate::journal::Journal;
use crate::scenario::{
    LONG_GRACE, allow_exit, allow_exit_and_block, builder, hang, install, install_as, ms,
    print_figure, print_line, run, sleep_ms, some_cause, wait_for_report,
};

tests! {
    phase_has_its_reserve_after_an_earlier_phase_hung,
    phases_that_hang_leave_every_later_reserve,
    task_that_exceeds_its_budget_is_abandoned_and_can_observe_it,
    task_budget_that_starts_while_the_coordinator_sleeps_is_enforced,
    phase_budget_that_starts_while_the_coordinator_sleeps_is_enforced,
    phase_ends_when_its_last_task_returns,
    task_budget_is_limited_by_the_phase_budget,
    tasks_are_abandoned_in_the_order_of_their_budgets,
    second_request_does_not_move_the_deadline,
    earlier_deadline_applies_to_every_phase_and_task,
    earlier_deadline_keeps_reserves,
    longer_exit_estimate_keeps_reserves,
    phase_with_zero_budget_is_skipped_and_the_next_runs,
    shutdown_with_zero_grace_runs_no_task_and_fails,
    unlimited_grace_still_enforces_task_budgets,
    watchdog_ends_process_when_a_task_without_budget_hangs,
    symbols_are_read_after_half_of_a_budget,
    process_ends_before_the_deadline_if_the_last_phase_exceeds_its_budget,
}

const TENTH: Duration = Duration::from_millis(100);

/// The grace is 3 s. A task of DRAIN takes 2 s, although its phase has a budget of 1 s. FLUSH
/// reserves 1 s. FLUSH must begin after 1 s, and have at least 1 s.
fn phase_has_its_reserve_after_an_earlier_phase_hung() -> Case {
    late_by_at_most(TENTH, || {
        let shutdown = install_as(
            builder()
                .grace(ms(3000))
                .phase(Phase::DRAIN.budget(ms(1000)))
                .phase(Phase::FLUSH.reserve(ms(1000))),
        );
        let (to, seen) = mpsc::channel();
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(|_| sleep_ms(2000))
            .expect("the shutdown has not begun");
        let asked = Instant::now();
        let looks = shutdown.task("looks").phase(Phase::FLUSH);
        looks
            .on_shutdown(report_time_left(&shutdown, asked, to))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);

        let seen = seen.recv().expect("the task sends it");
        assert!(seen.after >= ms(1000), "too early: {:?}", seen.after);
        assert!(seen.remaining >= ms(1000), "{:?}", seen.remaining);
        print_line(&format!("remaining {:?}", seen.remaining));
        print_figure("late", seen.after - ms(1000));
        let hung = report.task("hangs").expect("the report lists the task");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        let drain = &report.phases()[1];
        assert!(
            drain.took() >= ms(1000) && drain.took() < ms(2000),
            "{report}"
        );
        let flush = &report.phases()[2];
        assert!(flush.start() >= ms(1000), "{report}");
        assert!(flush.budget() >= ms(1000), "{report}");
    })
}

/// UNBIND, DRAIN and FLUSH have no budget, and hang. Each later phase has a reserve. Each phase
/// must begin when the time that the phase before it may use is over.
fn phases_that_hang_leave_every_later_reserve() -> Case {
    late_by_at_most(TENTH, || {
        // CLOSE reserves more, so that its task has time for all its checks.
        let (reserve, last) = (ms(400), ms(2000));
        let shutdown = install_as(
            builder()
                .grace(3 * reserve + last)
                .phase(Phase::DRAIN.reserve(reserve))
                .phase(Phase::FLUSH.reserve(reserve))
                .phase(Phase::CLOSE.reserve(last)),
        );
        let (to, seen) = mpsc::channel();
        let asked = Instant::now();
        for phase in [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH] {
            let to = to.clone();
            let task = shutdown.task("hangs").phase(phase);
            task.on_shutdown(move |cx| {
                let _ = to.send(TimeLeft {
                    after: asked.elapsed(),
                    remaining: cx.remaining(),
                });
                hang()
            })
            .expect("the shutdown has not begun");
        }
        let closes = shutdown.task("closes").phase(Phase::CLOSE);
        closes
            .on_shutdown(report_time_left(&shutdown, asked, to))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);

        let seen: Vec<_> = seen.try_iter().collect();
        let mut late = Duration::ZERO;
        for (place, seen) in (0..).zip(&seen) {
            let due = place * reserve;
            assert!(seen.after >= due, "too early: {:?}", seen.after);
            // All times are measured from one start: a phase that begins late has less time
            // left.
            let most = if place < 3 { reserve } else { last };
            assert!(seen.remaining <= most, "{:?}", seen.remaining);
            late = late.max(seen.after - due);
        }
        assert_eq!(seen.len(), 4, "{report}");
        print_figure("late", late);
    })
}

/// A task with a budget of 150 ms hangs. `is_abandoned` must become `true` after the budget. A
/// task of the same phase without a budget must be able to go on.
fn task_that_exceeds_its_budget_is_abandoned_and_can_observe_it() -> Case {
    late_by_at_most(TENTH, || {
        let shutdown = install_as(builder());
        let (to, abandoned) = mpsc::channel();
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN).budget(ms(150));
        hangs
            .on_shutdown(move |cx| {
                assert!(!cx.is_abandoned());
                assert!(cx.remaining() <= ms(150), "{:?}", cx.remaining());
                let began = Instant::now();
                while !cx.is_abandoned() {
                    sleep_ms(1);
                }
                assert_eq!(cx.remaining(), Duration::ZERO);
                let _ = to.send(began.elapsed());
                hang()
            })
            .expect("the shutdown has not begun");
        // Other tasks end all the time. This must not make the coordinator abandon the task
        // early.
        for n in 1..40 {
            let other = shutdown.task("other").phase(Phase::DRAIN);
            other
                .on_shutdown(move |_| sleep_ms(5 * n))
                .expect("the shutdown has not begun");
        }
        let sibling = shutdown.task("sibling").phase(Phase::DRAIN);
        sibling
            .on_shutdown(|_| sleep_ms(400))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let told = abandoned
            .recv_timeout(LONG_GRACE)
            .expect("it was abandoned");
        assert!(told >= ms(149), "too early: {told:?}");
        print_figure("late", told.saturating_sub(ms(150)));
        let hung = report.task("hangs").expect("the report lists the task");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        assert_eq!(hung.budget(), ms(150));
        assert!(hung.took() >= ms(150), "{report}");
        let sibling = report.task("sibling").expect("the report lists the task");
        assert_eq!(sibling.outcome(), &Outcome::Done);
        assert!(sibling.took() >= ms(400), "{report}");
    })
}

/// Tasks run one at a time. The second task starts after 100 ms, and has a budget of 50 ms. The
/// coordinator wakes by itself only every 250 ms, so it must set an earlier wake-up when the
/// task starts.
fn task_budget_that_starts_while_the_coordinator_sleeps_is_enforced() -> Case {
    late_by_at_most(TENTH / 2, || {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let first = shutdown.task("first");
        first
            .on_shutdown(|_| sleep_ms(100))
            .expect("the shutdown has not begun");
        let hangs = shutdown.task("hangs").budget(ms(50));
        hangs
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        print_lateness_of_hung_task(&run(&shutdown));
    })
}

/// The second phase starts after 100 ms, and has a budget of 50 ms. The coordinator wakes by
/// itself only every 250 ms, so it must set an earlier wake-up when the phase starts.
fn phase_budget_that_starts_while_the_coordinator_sleeps_is_enforced() -> Case {
    late_by_at_most(TENTH / 2, || {
        let shutdown = install_as(builder().phase(Phase::CLOSE.budget(ms(50))));
        let first = shutdown.task("first").phase(Phase::FLUSH);
        first
            .on_shutdown(|_| sleep_ms(100))
            .expect("the shutdown has not begun");
        let hangs = shutdown.task("hangs");
        hangs
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        print_lateness_of_hung_task(&run(&shutdown));
    })
}

/// Each task takes 100 ms, so the coordinator sleeps when it returns. The return must wake the
/// coordinator: the shutdown must take hardly longer than its tasks.
fn phase_ends_when_its_last_task_returns() -> Case {
    late_by_at_most(TENTH / 2, || {
        let shutdown = install();
        for phase in [Phase::DRAIN, Phase::FLUSH, Phase::CLOSE] {
            let task = shutdown.task("sleeps").phase(phase);
            task.on_shutdown(|_| sleep_ms(100))
                .expect("the shutdown has not begun");
        }
        let report = run(&shutdown);
        let tasks: Duration = report.tasks().map(|task| task.took()).sum();
        assert!(tasks >= ms(300), "{report}");
        print_figure("late", report.took() - tasks);
    })
}

fn task_budget_is_limited_by_the_phase_budget() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::DRAIN.budget(ms(400))));
        let task = shutdown
            .task("hangs")
            .phase(Phase::DRAIN)
            .budget(2 * LONG_GRACE);
        task.on_shutdown(|cx| {
            assert!(cx.remaining() <= ms(400), "{:?}", cx.remaining());
            hang()
        })
        .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let hung = report.task("hangs").expect("the report lists the task");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        assert!(hung.budget() <= ms(400), "{report}");
        let drain = &report.phases()[1];
        assert!(drain.took() >= ms(400), "{report}");
    })
}

fn tasks_are_abandoned_in_the_order_of_their_budgets() -> Case {
    passes(|| {
        let shutdown = install_as(builder());
        for (name, budget) in [("long", 700), ("short", 100), ("middle", 300)] {
            let task = shutdown.task(name).budget(ms(budget));
            task.on_shutdown(|_| hang())
                .expect("the shutdown has not begun");
        }
        let report = run(&shutdown);
        let names: Vec<_> = report.tasks().map(|task| task.name()).collect();
        assert_eq!(names, ["short", "middle", "long"]);
        let took = |name| report.task(name).expect("the report lists the task").took();
        assert!(
            took("short") >= ms(100) && took("short") < ms(700),
            "{report}"
        );
        assert!(took("middle") >= ms(300), "{report}");
        assert!(took("long") >= ms(700), "{report}");
    })
}

/// The shutdown is requested and armed a second time after 300 ms. The deadline must stay one
/// grace after the first request, and the tasks must have only the rest of that time.
fn second_request_does_not_move_the_deadline() -> Case {
    passes(|| {
        let grace = ms(3000);
        let shutdown = install_as(builder().grace(grace));
        let watchdog = shutdown.watchdog().clone();
        let again = shutdown.clone();
        let asked = Instant::now();
        let slow = shutdown.task("slow").phase(Phase::UNBIND);
        slow.on_shutdown(move |_| {
            let deadline = again.watchdog().deadline();
            sleep_ms(300);
            assert!(!again.request(some_cause()));
            again.watchdog().arm();
            assert_eq!(again.watchdog().deadline(), deadline);
        })
        .expect("the shutdown has not begun");
        let late = shutdown.task("late").phase(Phase::FLUSH);
        late.on_shutdown(move |cx| {
            // The task's time left is the grace without the elapsed time.
            let left = watchdog.deadline().expect("the shutdown has begun") - Instant::now();
            assert!(left <= grace - ms(300), "{left:?}");
            assert!(cx.remaining() <= grace - ms(300), "{:?}", cx.remaining());
        })
        .expect("the shutdown has not begun");
        assert!(shutdown.request(some_cause()));
        let begun = asked.elapsed();
        let deadline = shutdown
            .watchdog()
            .deadline()
            .expect("the shutdown has begun");
        // The grace started between the two readings. `deadline` may return an earlier time,
        // never a later one.
        assert!(deadline >= asked + grace - ms(250), "{begun:?}");
        assert!(deadline <= asked + begun + grace, "{begun:?}");
        let report = wait_for_report(&shutdown);
        assert!(report.took() >= ms(300), "{report}");
        assert!(report.phases()[2].start() >= ms(300), "{report}");
    })
}

/// A task hangs, and sets a deadline 1 s from now, while the coordinator sleeps until a later
/// time. The task must be abandoned 500 ms before the new deadline, because FLUSH reserves 500
/// ms.
fn earlier_deadline_applies_to_every_phase_and_task() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.reserve(ms(500))));
        let watchdog = shutdown.watchdog().clone();
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(move |cx| {
                // The coordinator now sleeps until the end of the phase.
                sleep_ms(1200);
                let before = cx.remaining();
                assert!(before > ms(3000), "{before:?}");
                watchdog.arm_within(ms(1000));
                assert!(cx.remaining() <= ms(1000), "{:?}", cx.remaining());
                hang()
            })
            .expect("the shutdown has not begun");
        let flushes = shutdown.task("flushes").phase(Phase::FLUSH);
        flushes
            .on_shutdown(|cx| assert!(cx.remaining() <= ms(500), "{:?}", cx.remaining()))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let hung = report.task("hangs").expect("the report lists the task");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        assert!(hung.took() >= ms(1700), "too early: {report}");
        let flushed = report.task("flushes").expect("the report lists the task");
        assert_eq!(flushed.outcome(), &Outcome::Done);
        assert!(report.took() < ms(2200), "{report}");
    })
}

/// A task sets an earlier deadline. Its time left must not include the reserve of the later
/// phase.
fn earlier_deadline_keeps_reserves() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.reserve(ms(500))));
        let watchdog = shutdown.watchdog().clone();
        let task = shutdown.task("looks").phase(Phase::DRAIN);
        task.on_shutdown(move |cx| {
            watchdog.arm_within(ms(1200));
            assert!(cx.remaining() <= ms(700), "{:?}", cx.remaining());
        })
        .expect("the shutdown has not begun");
        assert!(run(&shutdown).is_clean());
    })
}

/// The process exits slowly if it has much memory (8 s per GiB). The first estimate of the exit
/// time is nearly zero. A task then uses 128 MiB, so the second estimate, after half of the
/// grace, is about 1 s. The task hangs. FLUSH must still have its reserve.
fn longer_exit_estimate_keeps_reserves() -> Case {
    passes(|| {
        let teardown = Teardown::new().gibibyte(ms(8000));
        let builder = builder().grace(ms(4000)).teardown(teardown);
        let shutdown = install_as(builder.phase(Phase::FLUSH.reserve(ms(500))));
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(|cx| {
                assert!(cx.remaining() > ms(3000), "{:?}", cx.remaining());
                let memory = vec![1_u8; 128 << 20];
                std::hint::black_box(&memory);
                hang()
            })
            .expect("the shutdown has not begun");
        let flushes = shutdown.task("flushes").phase(Phase::FLUSH);
        flushes
            .on_shutdown(|_| ())
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let flushed = report.task("flushes").expect("the report lists the task");
        assert_eq!(flushed.outcome(), &Outcome::Done, "{report}");
        assert!(report.took() < ms(3000), "{report}");
    })
}

fn phase_with_zero_budget_is_skipped_and_the_next_runs() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::DRAIN.budget(Duration::ZERO)));
        let journal = Journal::new();
        let task = shutdown.task("no time").phase(Phase::DRAIN);
        let no_time = task.on_shutdown(journal.noting("no time"));
        let no_time = no_time.expect("the shutdown has not begun");
        let after = shutdown.task("after").phase(Phase::FLUSH);
        after
            .on_shutdown(journal.noting("after"))
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        journal.assert_equals(["after"]);
        let skipped = report.task("no time").expect("the report lists the task");
        assert_eq!(skipped.outcome(), &Outcome::Skipped(Skip::NoTime));
        assert!(!report.is_clean());
        assert!(!no_time.cancel(), "the task was skipped");
    })
}

/// The grace is zero. The watchdog (status 124) or the coordinator (status 1) ends the process.
/// The status must not be 0.
fn shutdown_with_zero_grace_runs_no_task_and_fails() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().grace(Duration::ZERO));
            let task = shutdown.task("no time");
            task.on_shutdown(|_| panic!("there is no time"))
                .expect("the shutdown has not begun");
            shutdown.request(some_cause());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.run();
            let ends = [End::Status(124), End::Status(1)];
            assert!(ends.contains(&death.end), "{death:?}");
        },
    )
}

fn unlimited_grace_still_enforces_task_budgets() -> Case {
    passes(|| {
        let shutdown = install_as(builder().grace(Duration::MAX));
        let century = Duration::from_secs(100 * 365 * 24 * 3600);
        let task = shutdown.task("looks").phase(Phase::DRAIN);
        task.on_shutdown(move |cx| {
            assert!(cx.remaining() > century);
            assert!(cx.deadline() > Instant::now() + century);
        })
        .expect("the shutdown has not begun");
        let late = shutdown.task("late").budget(ms(100));
        late.on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        let report = run(&shutdown);
        let looks = report.task("looks").expect("the report lists the task");
        assert_eq!(looks.outcome(), &Outcome::Done);
        let late = report.task("late").expect("the report lists the task");
        assert_eq!(late.outcome(), &Outcome::OverBudget);
        assert!(report.to_string().contains("no limit"), "{report}");
    })
}

/// A task in the last phase has no budget, and hangs. It may use all the time until the
/// deadline. The watchdog must then end the process with status 124, and name the task.
fn watchdog_ends_process_when_a_task_without_budget_hangs() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().grace(ms(2000)));
            let task = shutdown.task("hangs");
            task.on_shutdown(|_| hang())
                .expect("the shutdown has not begun");
            shutdown.request(some_cause());
            allow_exit_and_block();
        },
        |victims| {
            let death = victims.ends_after(Duration::from_secs(2), 124);
            let expected = "1 task has not returned: \"hangs\" (phase close";
            assert!(death.stderr.contains(expected), "{death:?}");
        },
    )
}

/// A task with a budget of 1 s hangs. The symbolizer thread must start after half of the budget,
/// so that the report has function names when the budget ends. The grace is much longer.
fn symbols_are_read_after_half_of_a_budget() -> Case {
    late_by_at_most(3 * TENTH, || {
        let shutdown = install();
        let hangs = shutdown.task("hangs").budget(ms(1000));
        hangs
            .on_shutdown(|_| hang())
            .expect("the shutdown has not begun");
        let (to, seen) = mpsc::channel();
        let looks = shutdown.task("looks");
        looks
            .on_shutdown(move |_| {
                let begun = Instant::now();
                while cfg!(feature = "stacks") && !symbolizer_runs() {
                    sleep_ms(5);
                }
                to.send(begun.elapsed())
            })
            .expect("the shutdown has not begun");
        let _ = run(&shutdown);
        let after = seen.recv().expect("the task sends it");
        if !cfg!(feature = "stacks") {
            return print_figure("late", Duration::ZERO);
        }
        // The phase begins slightly earlier than the task that measures.
        assert!(after >= ms(500 - 50), "too early: {after:?}");
        print_figure("late", after.saturating_sub(ms(500)));
    })
}

fn symbolizer_runs() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    threads.flatten().any(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm"));
        name.is_ok_and(|name| name.starts_with("deadstop-symbol"))
    })
}

/// The last phase has a budget of 300 ms, and its task hangs. The coordinator must end the
/// process with status 1, long before the deadline.
fn process_ends_before_the_deadline_if_the_last_phase_exceeds_its_budget() -> Case {
    checked_by(
        || {
            allow_exit();
            let shutdown = install_as(builder().phase(Phase::CLOSE.budget(ms(300))));
            let task = shutdown.task("hangs");
            task.on_shutdown(|_| hang())
                .expect("the shutdown has not begun");
            thread::spawn(move || shutdown.request(some_cause()));
            allow_exit_and_block();
        },
        |victims| {
            victims.ends_after(Duration::from_millis(300), 1);
        },
    )
}

/// A task's time after the request, and its time left, when it starts.
struct TimeLeft {
    after: Duration,
    remaining: Duration,
}

/// Returns a task that checks its time left, and sends it.
fn report_time_left(
    shutdown: &Shutdown,
    asked: Instant,
    to: mpsc::Sender<TimeLeft>,
) -> impl FnOnce(&TaskContext) + use<> {
    let watchdog = shutdown.watchdog().clone();

    move |cx| {
        let after = asked.elapsed();
        let deadline = watchdog.deadline().expect("the shutdown has begun");
        let most = deadline.saturating_duration_since(Instant::now());
        let remaining = cx.remaining();
        let least = deadline.saturating_duration_since(Instant::now());
        // No later phase has a reserve, so the task may use all the time until the deadline. The
        // task and the watchdog read the clock at different times, hence the tolerance.
        assert!(remaining >= least, "{remaining:?}, at least {least:?}");
        assert!(
            remaining <= most + ms(250),
            "{remaining:?}, at most {most:?}"
        );
        assert!(cx.deadline() >= Instant::now() + least - ms(1));
        let _ = to.send(TimeLeft { after, remaining });
    }
}

/// Prints the time from the end of a budget of 50 ms to the moment at which the task was
/// abandoned.
fn print_lateness_of_hung_task(report: &ShutdownReport) {
    let hung = report.task("hangs").expect("the report lists the task");
    assert_eq!(hung.outcome(), &Outcome::OverBudget);
    assert!(hung.took() >= hung.budget(), "too early: {report}");
    assert!(hung.budget() <= ms(50), "{report}");
    print_figure("late", hung.took() - hung.budget());
}
