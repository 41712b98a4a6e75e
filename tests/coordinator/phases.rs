//! The order of phases, and what a failure in one means for the others.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use deadstop::report::Progress;
use deadstop::report::{Outcome, ShutdownReport, Skip};
use deadstop::task::{OnFailure, PhaseName};
use deadstop::{Cause, InstallError, Phase, RegisterError, Shutdown, TaskContext};

use crate::case::{Case, judged, sees};
use crate::journal::{self, Journal};
use crate::scenario::{
    builder, hang, install, install_as, ms, panic_as_planned, reported, run, say, sleep_ms, why,
};

tests! {
    phases_run_in_order_and_wait_for_their_slowest_task,
    phases_of_ones_own_run_where_they_say,
    without_tasks_it_is_over_at_once,
    failure_or_an_overrun_does_not_stop_the_phases_after_it,
    policy_ends_the_sequence_after_an_error,
    policy_ends_the_sequence_after_an_overrun,
    policy_ends_the_sequence_after_a_panic,
    policy_does_not_end_the_sequence_for_another_phases_failure,
    disabled_phase_is_passed_over_and_the_log_counts_its_tasks,
    it_may_start_from_a_given_phase,
    starting_from_a_phase_that_does_not_exist_begins_nothing,
    starting_from_a_phase_once_it_has_begun_changes_nothing,
    where_it_starts_is_the_first_requests_to_say,
    task_may_change_its_own_and_later_phases_and_no_earlier_one,
    task_that_is_accepted_as_its_phase_ends_is_run,
    tasks_without_a_name_or_a_phase_are_refused,
    impossible_settings_are_refused_at_install_with_the_reason,
}

/// Each phase waits for the slowest task of the one before.
fn phases_run_in_order_and_wait_for_their_slowest_task() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        // Against the order in which they run.
        for phase in ALL.into_iter().rev() {
            let name = PhaseName::from(&phase).to_string();
            let (to, quick_is_done) = mpsc::channel::<()>();
            let quick = journal.noting(&format!("{name} quick"));
            let slow = journal.noting(&format!("{name} slow"));
            let task = shutdown.task("slow").phase(&phase);
            task.on_shutdown(move |cx| {
                quick_is_done.recv().expect("it runs beside this");
                sleep_ms(40);
                slow(cx);
            })
            .expect("it has not begun");
            let task = shutdown.task("quick").phase(&phase);
            task.on_shutdown(move |cx| {
                quick(cx);
                to.send(()).expect("it is heard");
            })
            .expect("it has not begun");
        }
        let report = run(&shutdown);
        journal.reads([
            "unbind quick",
            "unbind slow",
            "drain quick",
            "drain slow",
            "flush quick",
            "flush slow",
            "close quick",
            "close slow",
        ]);
        let names: Vec<_> = report.phases().iter().map(|phase| phase.name()).collect();
        assert_eq!(names, ["unbind", "drain", "flush", "close"]);
        assert!(report.is_clean());
    })
}

/// Phases of the program's own, before, after and between the four.
fn phases_of_ones_own_run_where_they_say() -> Case {
    sees(|| {
        let shutdown = install_as(
            builder()
                .phase(Phase::new("last"))
                .phase(Phase::new("replicate").after(Phase::DRAIN))
                .phase(Phase::new("announce").before(Phase::UNBIND))
                .phase(Phase::new("verify").after("replicate").before(Phase::FLUSH)),
        );
        let journal = Journal::new();
        for name in ["last", "verify", "unbind", "replicate", "announce", "drain"] {
            let task = shutdown.task("task").phase(name);
            task.on_shutdown(journal.noting(name)).expect("it is there");
        }
        run(&shutdown);
        journal.reads(["announce", "unbind", "drain", "replicate", "verify", "last"]);
    })
}

/// A shutdown without tasks.
fn without_tasks_it_is_over_at_once() -> Case {
    sees(|| {
        let shutdown = install();
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 0);
        assert_eq!(report.phases().len(), 4);
        assert!(report.is_clean());
    })
}

/// And the log names both.
fn failure_or_an_overrun_does_not_stop_the_phases_after_it() -> Case {
    sees(|| {
        let log = journal::of_log();
        let telling = builder().progress(Progress::Auto);
        let shutdown = install_as(telling.phase(Phase::DRAIN.budget(ms(100))));
        let journal = Journal::new();
        let task = |name: &str, phase: Phase| shutdown.task(name).phase(phase);
        let registered = [
            task("fails", Phase::UNBIND).on_shutdown(|_| Err("no more paper")),
            task("panics", Phase::UNBIND).on_shutdown(|_| panic_as_planned()),
            task("late", Phase::DRAIN).on_shutdown(|_| hang()),
            task("after", Phase::FLUSH).on_shutdown(journal.noting("after")),
        ];
        assert!(registered.iter().all(Result::is_ok));
        let noted = journal.clone();
        task("sibling", Phase::UNBIND)
            .on_shutdown(move |_| {
                sleep_ms(60);
                noted.note("sibling");
            })
            .expect("it has not begun");
        let report = run(&shutdown);

        journal.reads(["sibling", "after"]);
        let outcome = |task| report.task(task).expect("it was there").outcome();
        assert_eq!(outcome("fails"), &Outcome::Failed("no more paper".into()));
        assert_eq!(outcome("panics"), &Outcome::Panicked("planned".into()));
        assert_eq!(outcome("sibling"), &Outcome::Done);
        assert_eq!(outcome("late"), &Outcome::OverBudget);
        assert_eq!(outcome("after"), &Outcome::Done);
        assert!(!report.is_clean());
        assert!(report.phases()[1].took() >= ms(100), "early: {report}");
        assert!(log.has("WARN task \"fails\" failed: no more paper"));
        assert!(log.has("WARN task \"panics\" panicked: planned"));
        assert!(log.has("WARN task \"late\" over budget, abandoned"));
        let begins = "INFO shutdown begins: request: \"the scenario\"; grace 8s";
        assert!(log.has(begins));
    })
}

/// Recover = off.
fn policy_ends_the_sequence_after_an_error() -> Case {
    sees(|| {
        policy_ends_after(|_| Err("no"));
    })
}

fn policy_ends_the_sequence_after_an_overrun() -> Case {
    sees(|| {
        policy_ends_after(|_| -> Never { hang() });
    })
}

fn policy_ends_the_sequence_after_a_panic() -> Case {
    sees(|| {
        policy_ends_after(|_| -> Never { panic_as_planned() });
    })
}

/// A policy holds for its own phase alone.
fn policy_does_not_end_the_sequence_for_another_phases_failure() -> Case {
    sees(|| {
        let shutdown = install_as(builder().phase(Phase::DRAIN.on_failure(OnFailure::End)));
        let journal = Journal::new();
        let fails = shutdown.task("earlier").phase(Phase::UNBIND);
        fails.on_shutdown(|_| Err("no")).expect("it has not begun");
        let drains = shutdown.task("drain").phase(Phase::DRAIN);
        drains.on_shutdown(|_| {}).expect("it has not begun");
        let after = shutdown.task("after").phase(Phase::FLUSH);
        after
            .on_shutdown(journal.noting("after"))
            .expect("it has not begun");
        run(&shutdown);
        journal.reads(["after"]);
    })
}

fn disabled_phase_is_passed_over_and_the_log_counts_its_tasks() -> Case {
    sees(|| {
        let log = journal::of_log();
        let shutdown = install_as(
            builder()
                .phase(Phase::UNBIND.disabled(true))
                .phase(Phase::DRAIN.disabled(true)),
        );
        let journal = Journal::new();
        let failing = shutdown.task("fails").phase(Phase::DRAIN);
        let skipped = failing
            .on_shutdown(|_| Err("no"))
            .expect("it has not begun");
        let another = shutdown.task("another").phase(Phase::DRAIN);
        let another = another.on_shutdown(journal.noting("another"));
        let after = shutdown.task("after").phase(Phase::FLUSH);
        let after = after.on_shutdown(journal.noting("after"));
        assert!(another.is_ok() && after.is_ok());
        let report = run(&shutdown);
        journal.reads(["after"]);
        let fails = report.task("fails").expect("it was there");
        assert_eq!(fails.outcome(), &Outcome::Skipped(Skip::Disabled));
        assert!(report.is_clean());
        assert!(log.has("INFO phase drain is disabled: 2 tasks are not run"));
        // A phase without tasks gets no line; the line would have come before.
        assert!(!log.has_one_that_begins("INFO phase unbind"));
        assert!(!skipped.cancel(), "it was skipped");
        assert!(!skipped.is_cancelled());
    })
}

fn it_may_start_from_a_given_phase() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = noting_in_all(&shutdown);
        let cause = Cause::requested("a reload");
        let first = shutdown.request_from(Phase::FLUSH, cause.clone());
        assert_eq!(first, Ok(true));
        let report = reported(&shutdown);
        journal.reads(["flush", "close"]);
        for earlier in ["unbind", "drain"] {
            let task = report.task(earlier).expect("it was there");
            assert_eq!(task.outcome(), &Outcome::Skipped(Skip::BeforeStart));
        }
        assert_eq!(report.cause(), &cause);
        assert_eq!(shutdown.cause(), Some(cause));
        assert!(report.is_clean());
    })
}

fn starting_from_a_phase_that_does_not_exist_begins_nothing() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = noting_in_all(&shutdown);
        let refused = shutdown
            .request_from("nowhere", why())
            .expect_err("it is refused");
        assert_eq!(refused.to_string(), "there is no phase \"nowhere\"");
        assert!(!shutdown.is_requested());
        assert_eq!(shutdown.watchdog().deadline(), None);
        run(&shutdown);
        assert_eq!(journal.len(), 4);
    })
}

/// A request that is not the first changes nothing.
fn starting_from_a_phase_once_it_has_begun_changes_nothing() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = noting_in_all(&shutdown);
        let again = shutdown.clone();
        let task = shutdown.task("again").phase(Phase::UNBIND);
        task.on_shutdown(move |_| {
            assert_eq!(again.request_from(Phase::CLOSE, why()), Ok(false));
        })
        .expect("it has not begun");
        run(&shutdown);
        journal.reads(["unbind", "drain", "flush", "close"]);
    })
}

/// Also if the two come at the same time.
fn where_it_starts_is_the_first_requests_to_say() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = noting_in_all(&shutdown);
        let arrived = AtomicU32::new(0);
        let meet = || {
            arrived.fetch_add(1, Ordering::SeqCst);
            while arrived.load(Ordering::SeqCst) < 2 {}
        };
        let (whole, rest) = thread::scope(|threads| {
            let whole = threads.spawn(|| {
                let cause = Cause::requested("all of it");
                meet();
                shutdown.request(cause)
            });
            let cause = Cause::requested("the rest");
            meet();
            let rest = shutdown.request_from(Phase::CLOSE, cause);
            (
                whole.join().expect("it returns"),
                rest.expect("it is there"),
            )
        });
        assert!(whole != rest, "one is the first");
        reported(&shutdown);
        match whole {
            true => journal.reads(["unbind", "drain", "flush", "close"]),
            false => journal.reads(["close"]),
        }
    })
    .times(10)
}

fn task_may_change_its_own_and_later_phases_and_no_earlier_one() -> Case {
    sees(|| {
        let shutdown = install();
        let journal = Journal::new();
        let later = shutdown.task("later").phase(Phase::CLOSE);
        let later = later.on_shutdown(journal.noting("later"));
        let later = later.expect("it has not begun");
        let earlier = shutdown.task("earlier").phase(Phase::UNBIND);
        let earlier = earlier.on_shutdown(journal.noting("earlier"));
        let earlier = earlier.expect("it has not begun");

        let task = shutdown.task("changes").phase(Phase::DRAIN);
        let (handle, noted) = (shutdown.clone(), journal.clone());
        task.on_shutdown(move |_| {
            assert!(later.cancel(), "a later phase's task");
            assert!(!earlier.cancel(), "it has ended");
            let add = |phase: Phase, name: &'static str| {
                let task = handle.task(name).phase(phase);
                task.on_shutdown(noted.noting(name)).map(drop)
            };
            let over = |phase: Phase| {
                Err(RegisterError::PhaseOver {
                    phase: phase.into(),
                })
            };
            assert_eq!(add(Phase::FLUSH, "flush"), Ok(()));
            assert_eq!(add(Phase::DRAIN, "now"), Ok(()));
            assert_eq!(add(Phase::UNBIND, "before"), over(Phase::UNBIND));
        })
        .expect("it has not begun");
        let report = run(&shutdown);
        journal.reads(["earlier", "now", "flush"]);
        assert!(report.task("later").is_none(), "{report}");
        let refused: Vec<_> = report.refused().iter().map(|task| task.name()).collect();
        assert_eq!(refused, ["before"]);
        assert_eq!(report.refused()[0].outcome(), &Outcome::Refused);
        let too_late = shutdown.task("too late").on_shutdown(|_| {});
        assert_eq!(too_late.expect_err("it is refused"), RegisterError::Over);
    })
}

/// There is no gap between a phase and the next.
///
/// Whatever is accepted is run, also if it comes as its phase ends.
fn task_that_is_accepted_as_its_phase_ends_is_run() -> Case {
    judged(
        || {
            let names: Vec<_> = (0..60).map(|n| format!("phase {n}")).collect();
            let phases = names.iter().map(|name| Phase::new(name.clone()));
            let shutdown =
                install_as(phases.fold(builder(), |builder, phase| builder.phase(phase)));
            // In each phase a task says that it begins, and is done.
            let (to, begun) = mpsc::channel();
            for name in &names {
                let (to, begins) = (to.clone(), name.clone());
                let task = shutdown.task("first").phase(name.clone());
                // A moment, or all phases are over before the first word is heard.
                let run = move |_: &TaskContext| {
                    to.send(begins).expect("it is heard");
                    thread::sleep(Duration::from_micros(100));
                };
                task.on_shutdown(run).expect("it has not begun");
            }
            drop(to);
            let handle = shutdown.clone();
            let adder = thread::spawn(move || {
                let mut accepted = 0;
                for name in begun {
                    // Each comes as the one before has returned: the phase may be over.
                    for _ in 0..3 {
                        let (to, ran) = mpsc::channel();
                        let task = handle.task("task").phase(name.clone());
                        let task = task.on_shutdown(move |_| to.send(()).expect("it is heard"));
                        if task.is_err() {
                            break;
                        }
                        accepted += 1;
                        ran.recv_timeout(ms(2000)).expect("what is accepted is run");
                    }
                }
                accepted
            });
            let report = run(&shutdown);
            let accepted = adder.join().expect("it ends");
            assert_eq!(report.tasks().count(), names.len() + accepted);
            assert!(report.is_clean(), "{report}");
            say(&format!("accepted {accepted}"));
        },
        |victims| {
            let accepted = (0..8).map(|_| {
                let death = victims.sees();
                let mut lines = death.stdout.lines();
                let accepted = lines.find_map(|line| line.strip_prefix("accepted "));
                accepted.map_or(0, |count| count.parse().expect("a number"))
            });
            assert!(accepted.sum::<usize>() > 0, "no call was early enough");
        },
    )
}

fn tasks_without_a_name_or_a_phase_are_refused() -> Case {
    sees(|| {
        let shutdown = install();
        let task = shutdown.task("task").phase("nowhere").on_shutdown(|_| {});
        let refused = task.expect_err("it is refused");
        assert_eq!(
            refused,
            RegisterError::UnknownPhase {
                phase: "nowhere".into()
            }
        );
        assert_eq!(refused.to_string(), "there is no phase \"nowhere\"");
        for name in ["", " ", "\n\t"] {
            let refused = shutdown
                .task(name)
                .on_shutdown(|_| {})
                .expect_err("it is refused");
            assert_eq!(refused, RegisterError::Unnamed);
        }
        let never: Never = Ok(());
        let task = shutdown.task("task").on_shutdown(move |_| never);
        assert!(task.is_ok());
        assert_eq!(run(&shutdown).tasks().count(), 1);
    })
}

/// Contradictory configuration.
fn impossible_settings_are_refused_at_install_with_the_reason() -> Case {
    sees(|| {
        let second = Duration::from_secs(1);
        let refusal = |builder: deadstop::ShutdownBuilder| {
            builder.install().expect_err("it is refused").to_string()
        };
        let phases = |phases: Vec<Phase>| {
            let with = |builder: deadstop::ShutdownBuilder, phase| builder.phase(phase);
            refusal(phases.into_iter().fold(builder().grace(10 * second), with))
        };

        let sum = phases(vec![
            Phase::DRAIN.budget(8 * second),
            Phase::FLUSH.reserve(second).budget(2 * second),
            Phase::CLOSE.reserve(second / 2),
        ]);
        let says = "budgets and reserves of phases add up to 10.5s, more than the grace of 10s: \
                drain 8s, flush 2s, close 500ms";
        assert_eq!(sum, says);
        let reserve = phases(vec![Phase::FLUSH.reserve(2 * second).budget(second)]);
        let says = "phase \"flush\" reserves 2s, more than its budget of 1s";
        assert_eq!(reserve, says);
        let cycle = phases(vec![
            Phase::new("a").after(Phase::FLUSH).before(Phase::DRAIN),
        ]);
        assert!(
            cycle.starts_with("phases must run after each other in a circle: "),
            "{cycle:?}"
        );
        let twice = phases(vec![Phase::DRAIN, Phase::DRAIN.disabled(true)]);
        assert_eq!(
            twice,
            "phase \"drain\" is added twice; a name may be added once"
        );
        let nowhere = phases(vec![Phase::new("a").before("nowhere")]);
        let says = "phase \"a\" names phase \"nowhere\", which does not exist";
        assert_eq!(nowhere, says);
        let unnamed = phases(vec![Phase::new("")]);
        assert_eq!(
            unnamed,
            "a phase has an empty name; any text that is not blank is allowed"
        );

        let zero = "would make an unfinished shutdown look clean";
        assert!(refusal(builder().exit_status(0)).contains(zero));
        assert!(refusal(builder().failure_status(0)).contains(zero));
        let none = "`max_concurrent_tasks` must be at least 1";
        assert_eq!(refusal(builder().max_concurrent_tasks(0)), none);

        // None of those stands in the way of the next.
        assert!(Shutdown::installed().is_none());
        let shutdown = install();
        assert!(matches!(
            builder().install(),
            Err(InstallError::AlreadyInstalled)
        ));
        let report: ShutdownReport = run(&shutdown);
        assert!(report.is_clean());
    })
}

/// The result type of a task that does not return.
type Never = Result<(), Infallible>;

const ALL: [Phase; 4] = [Phase::UNBIND, Phase::DRAIN, Phase::FLUSH, Phase::CLOSE];

/// A phase whose policy ends the sequence, with a task that fails.
fn policy_ends_after<E: std::fmt::Display>(
    task: impl FnOnce(&TaskContext) -> Result<(), E> + Send + 'static,
) {
    let drain = Phase::DRAIN.budget(ms(500)).on_failure(OnFailure::End);

    let shutdown = install_as(builder().phase(drain).phase(Phase::CLOSE.always(true)));

    let journal = Journal::new();

    let fails = shutdown.task("fails").phase(Phase::DRAIN);

    fails.on_shutdown(task).expect("it has not begun");

    for phase in [Phase::DRAIN, Phase::FLUSH, Phase::CLOSE] {
        let name = PhaseName::from(&phase).to_string();
        let task = shutdown.task(&name).phase(phase);
        task.on_shutdown(journal.noting(&name))
            .expect("it is there");
    }
    let report = run(&shutdown);
    journal.reads(["drain", "close"]);
    let flush = report.task("flush").expect("it was there");
    assert_eq!(flush.outcome(), &Outcome::Skipped(Skip::SequenceEnded));
    assert!(report.task("fails").expect("ran").outcome().is_failure());
    assert!(!report.is_clean());
}

/// Registers a task in each phase that notes the phase's name.
fn noting_in_all(shutdown: &Shutdown) -> Journal {
    let journal = Journal::new();
    for phase in ALL {
        let name = PhaseName::from(&phase).to_string();
        let task = shutdown.task(&name).phase(phase);
        task.on_shutdown(journal.noting(&name))
            .expect("it is there");
    }
    journal
}
