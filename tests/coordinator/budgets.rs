//! One clock: budgets, reserves and the deadline.

use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::protection::Teardown;
use deadstop::report::{Outcome, ShutdownReport, Skip};
use deadstop::{Phase, Shutdown, TaskContext};

use crate::case::{Case, judged, late_by_at_most, sees};
use crate::harness::End;
use crate::journal::Journal;
use crate::scenario::{
    LONG, builder, hang, install, install_as, let_it_end, look_away, ms, reported, run, say,
    say_figure, sleep_ms, why,
};

tests! {
    reserve_is_there_when_the_phase_before_has_hung,
    every_reserve_is_kept_by_every_phase_before,
    task_over_its_own_budget_is_abandoned_and_told_so,
    budget_that_begins_while_the_coordinator_sleeps_is_kept,
    budget_of_the_next_phase_that_begins_while_the_coordinator_sleeps_is_kept,
    phase_ends_when_its_last_task_does,
    task_never_has_more_than_its_phase,
    short_budget_after_a_long_one_is_kept,
    clock_starts_once_with_the_first_request,
    deadline_that_is_brought_forward_is_so_for_all,
    deadline_that_is_brought_forward_leaves_reserves_alone,
    exit_that_is_estimated_to_begin_earlier_leaves_reserves_alone,
    phase_without_time_is_skipped_and_the_next_runs,
    shutdown_without_time_runs_nothing_and_is_no_success,
    grace_without_end_is_as_good_as_any,
    watchdog_ends_what_no_budget_does,
    names_for_the_report_are_read_when_half_of_a_budget_is_over,
    budget_for_the_last_phase_ends_in_time,
}

const TENTH: Duration = Duration::from_millis(100);

/// A hang of 2 s with a budget of 1 s, and a reserve of
/// 1 s in a grace of 3 s.
///
/// The claim that the whole is built on: DRAIN hangs for 2 s with a budget of
/// 1 s, and FLUSH has its reserve of 1 s in a grace of 3 s.
fn reserve_is_there_when_the_phase_before_has_hung() -> Case {
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
            .expect("it has not begun");
        let asked = Instant::now();
        let looks = shutdown.task("looks").phase(Phase::FLUSH);
        looks
            .on_shutdown(looking_on(&shutdown, asked, to))
            .expect("it has not begun");
        let report = run(&shutdown);

        let seen = seen.recv().expect("it ran");
        assert!(seen.after >= ms(1000), "early: {:?}", seen.after);
        assert!(seen.remaining >= ms(1000), "{:?}", seen.remaining);
        say(&format!("remaining {:?}", seen.remaining));
        say_figure("late", seen.after - ms(1000));
        let hung = report.task("hangs").expect("it ran");
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

/// Hung one after another, each begins when it must.
///
/// With no budget, a phase may use all but what later phases reserve.
fn every_reserve_is_kept_by_every_phase_before() -> Case {
    late_by_at_most(TENTH, || {
        // The last reserves more, so that there is time to look at all.
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
                let _ = to.send(Seen {
                    after: asked.elapsed(),
                    remaining: cx.remaining(),
                });
                hang()
            })
            .expect("it has not begun");
        }
        let closes = shutdown.task("closes").phase(Phase::CLOSE);
        closes
            .on_shutdown(looking_on(&shutdown, asked, to))
            .expect("it has not begun");
        let report = run(&shutdown);

        let seen: Vec<_> = seen.try_iter().collect();
        let mut late = Duration::ZERO;
        for (place, seen) in (0..).zip(&seen) {
            let due = place * reserve;
            assert!(seen.after >= due, "early: {:?}", seen.after);
            // Counted on one clock: a phase that begins late has less.
            let most = if place < 3 { reserve } else { last };
            assert!(seen.remaining <= most, "{:?}", seen.remaining);
            late = late.max(seen.after - due);
        }
        assert_eq!(seen.len(), 4, "{report}");
        say_figure("late", late);
    })
}

/// A budget of a task's own.
fn task_over_its_own_budget_is_abandoned_and_told_so() -> Case {
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
            .expect("it has not begun");
        // Others that end meanwhile, all the time, are no reason to look early.
        for n in 1..40 {
            let other = shutdown.task("other").phase(Phase::DRAIN);
            other
                .on_shutdown(move |_| sleep_ms(5 * n))
                .expect("it has not begun");
        }
        let sibling = shutdown.task("sibling").phase(Phase::DRAIN);
        sibling
            .on_shutdown(|_| sleep_ms(400))
            .expect("it has not begun");
        let report = run(&shutdown);
        let told = abandoned.recv_timeout(LONG).expect("it was abandoned");
        assert!(told >= ms(149), "early: {told:?}");
        say_figure("late", told.saturating_sub(ms(150)));
        let hung = report.task("hangs").expect("it ran");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        assert_eq!(hung.budget(), ms(150));
        assert!(hung.took() >= ms(150), "{report}");
        let sibling = report.task("sibling").expect("it ran");
        assert_eq!(sibling.outcome(), &Outcome::Done);
        assert!(sibling.took() >= ms(400), "{report}");
    })
}

/// Two turns after 100 ms, with 50 ms for each: before the coordinator would
/// look by itself, which it does every 250 ms.
///
/// A task whose turn comes while the coordinator sleeps over another is over
/// its budget before the coordinator would look by itself.
fn budget_that_begins_while_the_coordinator_sleeps_is_kept() -> Case {
    late_by_at_most(TENTH / 2, || {
        let shutdown = install_as(builder().max_concurrent_tasks(1));
        let first = shutdown.task("first");
        first
            .on_shutdown(|_| sleep_ms(100))
            .expect("it has not begun");
        let hangs = shutdown.task("hangs").budget(ms(50));
        hangs.on_shutdown(|_| hang()).expect("it has not begun");
        say_lateness_of_hangs(&run(&shutdown));
    })
}

/// Two turns after 100 ms, with 50 ms for each: before the coordinator would
/// look by itself, which it does every 250 ms.
///
/// The same of a phase.
fn budget_of_the_next_phase_that_begins_while_the_coordinator_sleeps_is_kept() -> Case {
    late_by_at_most(TENTH / 2, || {
        let shutdown = install_as(builder().phase(Phase::CLOSE.budget(ms(50))));
        let first = shutdown.task("first").phase(Phase::FLUSH);
        first
            .on_shutdown(|_| sleep_ms(100))
            .expect("it has not begun");
        let hangs = shutdown.task("hangs");
        hangs.on_shutdown(|_| hang()).expect("it has not begun");
        say_lateness_of_hangs(&run(&shutdown));
    })
}

/// Each task takes long enough for the coordinator to fall asleep over it.
fn phase_ends_when_its_last_task_does() -> Case {
    late_by_at_most(TENTH / 2, || {
        let shutdown = install();
        for phase in [Phase::DRAIN, Phase::FLUSH, Phase::CLOSE] {
            let task = shutdown.task("sleeps").phase(phase);
            task.on_shutdown(|_| sleep_ms(100))
                .expect("it has not begun");
        }
        let report = run(&shutdown);
        let tasks: Duration = report.tasks().map(|task| task.took()).sum();
        assert!(tasks >= ms(300), "{report}");
        say_figure("late", report.took() - tasks);
    })
}

fn task_never_has_more_than_its_phase() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::DRAIN.budget(ms(400))));
        let task = shutdown.task("hangs").phase(Phase::DRAIN).budget(2 * LONG);
        task.on_shutdown(|cx| {
            assert!(cx.remaining() <= ms(400), "{:?}", cx.remaining());
            hang()
        })
        .expect("it has not begun");
        let report = run(&shutdown);
        let hung = report.task("hangs").expect("it ran");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        assert!(hung.budget() <= ms(400), "{report}");
        let drain = &report.phases()[1];
        assert!(drain.took() >= ms(400), "{report}");
    })
}

fn short_budget_after_a_long_one_is_kept() -> Case {
    sees(|| {
        let shutdown = install_as(builder());
        for (name, budget) in [("long", 700), ("short", 100), ("middle", 300)] {
            let task = shutdown.task(name).budget(ms(budget));
            task.on_shutdown(|_| hang()).expect("it has not begun");
        }
        let report = run(&shutdown);
        let names: Vec<_> = report.tasks().map(|task| task.name()).collect();
        assert_eq!(names, ["short", "middle", "long"]);
        let took = |name| report.task(name).expect("it ran").took();
        assert!(
            took("short") >= ms(100) && took("short") < ms(700),
            "{report}"
        );
        assert!(took("middle") >= ms(300), "{report}");
        assert!(took("long") >= ms(700), "{report}");
    })
}

/// A second request buys no time and does not wait.
///
/// The deadline is one grace from the first request, whatever asks again, and
/// every task counts from there.
fn clock_starts_once_with_the_first_request() -> Case {
    sees(|| {
        let grace = ms(3000);
        let shutdown = install_as(builder().grace(grace));
        let watchdog = shutdown.watchdog().clone();
        let again = shutdown.clone();
        let asked = Instant::now();
        let slow = shutdown.task("slow").phase(Phase::UNBIND);
        slow.on_shutdown(move |_| {
            let deadline = again.watchdog().deadline();
            sleep_ms(300);
            assert!(!again.request(why()));
            again.watchdog().arm();
            assert_eq!(again.watchdog().deadline(), deadline);
        })
        .expect("it has not begun");
        let late = shutdown.task("late").phase(Phase::FLUSH);
        late.on_shutdown(move |cx| {
            // The task's time left is the grace without the elapsed time.
            let left = watchdog.deadline().expect("it has begun") - Instant::now();
            assert!(left <= grace - ms(300), "{left:?}");
            assert!(cx.remaining() <= grace - ms(300), "{:?}", cx.remaining());
        })
        .expect("it has not begun");
        assert!(shutdown.request(why()));
        let begun = asked.elapsed();
        let deadline = shutdown.watchdog().deadline().expect("it has begun");
        // The clock started between the two readings; the deadline itself is never
        // told later than it is.
        assert!(deadline >= asked + grace - ms(250), "{begun:?}");
        assert!(deadline <= asked + begun + grace, "{begun:?}");
        let report = reported(&shutdown);
        assert!(report.took() >= ms(300), "{report}");
        assert!(report.phases()[2].start() >= ms(300), "{report}");
    })
}

/// The run never goes beyond what was said last.
///
/// An earlier deadline is one for every phase and every task.
fn deadline_that_is_brought_forward_is_so_for_all() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.reserve(ms(500))));
        let watchdog = shutdown.watchdog().clone();
        let hangs = shutdown.task("hangs").phase(Phase::DRAIN);
        hangs
            .on_shutdown(move |cx| {
                // By then the coordinator sleeps until the phase should be over.
                sleep_ms(1200);
                let before = cx.remaining();
                assert!(before > ms(3000), "{before:?}");
                watchdog.arm_within(ms(1000));
                assert!(cx.remaining() <= ms(1000), "{:?}", cx.remaining());
                hang()
            })
            .expect("it has not begun");
        let flushes = shutdown.task("flushes").phase(Phase::FLUSH);
        flushes
            .on_shutdown(|cx| assert!(cx.remaining() <= ms(500), "{:?}", cx.remaining()))
            .expect("it has not begun");
        let report = run(&shutdown);
        let hung = report.task("hangs").expect("it ran");
        assert_eq!(hung.outcome(), &Outcome::OverBudget);
        assert!(hung.took() >= ms(1700), "early: {report}");
        let flushed = report.task("flushes").expect("there was time");
        assert_eq!(flushed.outcome(), &Outcome::Done);
        assert!(report.took() < ms(2200), "{report}");
    })
}

/// A task is not told that it has what later phases reserve.
fn deadline_that_is_brought_forward_leaves_reserves_alone() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::FLUSH.reserve(ms(500))));
        let watchdog = shutdown.watchdog().clone();
        let task = shutdown.task("looks").phase(Phase::DRAIN);
        task.on_shutdown(move |cx| {
            watchdog.arm_within(ms(1200));
            assert!(cx.remaining() <= ms(700), "{:?}", cx.remaining());
        })
        .expect("it has not begun");
        assert!(run(&shutdown).is_clean());
    })
}

/// The first estimate is next to nothing. The second comes half-way to the end, and says
/// that the exit of 128 MiB takes a second and a tenth.
fn exit_that_is_estimated_to_begin_earlier_leaves_reserves_alone() -> Case {
    sees(|| {
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
            .expect("it has not begun");
        let flushes = shutdown.task("flushes").phase(Phase::FLUSH);
        flushes.on_shutdown(|_| ()).expect("it has not begun");
        let report = run(&shutdown);
        let flushed = report.task("flushes").expect("there was time");
        assert_eq!(flushed.outcome(), &Outcome::Done, "{report}");
        assert!(report.took() < ms(3000), "{report}");
    })
}

/// Zero budgets skip all.
fn phase_without_time_is_skipped_and_the_next_runs() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::DRAIN.budget(Duration::ZERO)));
        let journal = Journal::new();
        let task = shutdown.task("no time").phase(Phase::DRAIN);
        let no_time = task.on_shutdown(journal.noting("no time"));
        let no_time = no_time.expect("it has not begun");
        let after = shutdown.task("after").phase(Phase::FLUSH);
        after
            .on_shutdown(journal.noting("after"))
            .expect("it has not begun");
        let report = run(&shutdown);
        journal.reads(["after"]);
        let skipped = report.task("no time").expect("it was there");
        assert_eq!(skipped.outcome(), &Outcome::Skipped(Skip::NoTime));
        assert!(!report.is_clean());
        assert!(!no_time.cancel(), "it was skipped");
    })
}

/// Either of the two may end it; the end does not look clean.
///
/// Ends with 124, or with 1 if the coordinator is quicker: nothing is clean.
fn shutdown_without_time_runs_nothing_and_is_no_success() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().grace(Duration::ZERO));
            let task = shutdown.task("no time");
            task.on_shutdown(|_| panic!("there is no time"))
                .expect("it has not begun");
            shutdown.request(why());
            look_away();
        },
        |victims| {
            let death = victims.run();
            let ends = [End::Status(124), End::Status(1)];
            assert!(ends.contains(&death.end), "{death:?}");
        },
    )
}

fn grace_without_end_is_as_good_as_any() -> Case {
    sees(|| {
        let shutdown = install_as(builder().grace(Duration::MAX));
        let century = Duration::from_secs(100 * 365 * 24 * 3600);
        let task = shutdown.task("looks").phase(Phase::DRAIN);
        task.on_shutdown(move |cx| {
            assert!(cx.remaining() > century);
            assert!(cx.deadline() > Instant::now() + century);
        })
        .expect("it has not begun");
        let late = shutdown.task("late").budget(ms(100));
        late.on_shutdown(|_| hang()).expect("it has not begun");
        let report = run(&shutdown);
        let looks = report.task("looks").expect("it ran");
        assert_eq!(looks.outcome(), &Outcome::Done);
        let late = report.task("late").expect("it ran");
        assert_eq!(late.outcome(), &Outcome::OverBudget);
        assert!(report.to_string().contains("no limit"), "{report}");
    })
}

/// Not before the deadline, and named.
///
/// No phase comes after it, so it may use all the time left; ends with 124.
fn watchdog_ends_what_no_budget_does() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().grace(ms(2000)));
            let task = shutdown.task("hangs");
            task.on_shutdown(|_| hang()).expect("it has not begun");
            shutdown.request(why());
            look_away();
        },
        |victims| {
            let death = victims.ends_with(124);
            assert!(death.after >= Duration::from_secs(2), "early: {death:?}");
            let says = "1 task has not returned: \"hangs\" (phase close";
            assert!(death.stderr.contains(says), "{death:?}");
        },
    )
}

/// The symbolizer's thread starts between half of the budget and its end. The grace is so long
/// that it would start at the budget's end otherwise, after a second.
fn names_for_the_report_are_read_when_half_of_a_budget_is_over() -> Case {
    late_by_at_most(3 * TENTH, || {
        let shutdown = install();
        let hangs = shutdown.task("hangs").budget(ms(1000));
        hangs.on_shutdown(|_| hang()).expect("it has not begun");
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
            .expect("it has not begun");
        let _ = run(&shutdown);
        let after = seen.recv().expect("it ran");
        if !cfg!(feature = "stacks") {
            return say_figure("late", Duration::ZERO);
        }
        // The phase begins a moment before the task that looks.
        assert!(after >= ms(500 - 50), "early: {after:?}");
        say_figure("late", after.saturating_sub(ms(500)));
    })
}

fn symbolizer_runs() -> bool {
    let threads = std::fs::read_dir("/proc/self/task").expect("Linux has it");
    threads.flatten().any(|thread| {
        let name = std::fs::read_to_string(thread.path().join("comm"));
        name.is_ok_and(|name| name.starts_with("deadstop-symbol"))
    })
}

/// The report names the hung task, and counts it as failed.
fn budget_for_the_last_phase_ends_in_time() -> Case {
    judged(
        || {
            let_it_end();
            let shutdown = install_as(builder().phase(Phase::CLOSE.budget(ms(300))));
            let task = shutdown.task("hangs");
            task.on_shutdown(|_| hang()).expect("it has not begun");
            thread::spawn(move || shutdown.request(why()));
            look_away();
        },
        |victims| {
            let death = victims.ends_with(1);
            assert!(
                death.after >= Duration::from_millis(300),
                "early: {death:?}"
            );
        },
    )
}

/// The observations of a task at its start.
struct Seen {
    after: Duration,
    remaining: Duration,
}

/// A task that says what it sees as it begins.
fn looking_on(
    shutdown: &Shutdown,
    asked: Instant,
    to: mpsc::Sender<Seen>,
) -> impl FnOnce(&TaskContext) + use<> {
    let watchdog = shutdown.watchdog().clone();

    move |cx| {
        let after = asked.elapsed();
        let deadline = watchdog.deadline().expect("it has begun");
        let most = deadline.saturating_duration_since(Instant::now());
        let remaining = cx.remaining();
        let least = deadline.saturating_duration_since(Instant::now());
        // No later phase reserves anything: the task's time is the whole's. The
        // two clock readings that `deadline` goes back to may lie apart.
        assert!(remaining >= least, "{remaining:?}, at least {least:?}");
        assert!(
            remaining <= most + ms(250),
            "{remaining:?}, at most {most:?}"
        );
        assert!(cx.deadline() >= Instant::now() + least - ms(1));
        let _ = to.send(Seen { after, remaining });
    }
}

/// Says how late a task with 50 ms for itself was given up.
fn say_lateness_of_hangs(report: &ShutdownReport) {
    let hung = report.task("hangs").expect("it ran");
    assert_eq!(hung.outcome(), &Outcome::OverBudget);
    assert!(hung.took() >= hung.budget(), "early: {report}");
    assert!(hung.budget() <= ms(50), "{report}");
    say_figure("late", hung.took() - hung.budget());
}
