//! The order of phases, and the effect of a failure on later phases.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use deadstop::report::Progress;
use deadstop::report::{Outcome, ShutdownReport, Skip};
use deadstop::task::{OnFailure, PhaseName};
use deadstop::{Cause, InstallError, Phase, RegisterError, Shutdown, TaskContext};

use crate::case::{Case, checked_by, passes};
use crate::journal::{self, Journal};
use crate::scenario::{
    builder, hang, install, install_as, ms, panic_as_planned, print_line, run, sleep_ms,
    some_cause, wait_for_report,
};

tests! {
    phases_run_in_order_and_wait_for_their_slowest_task,
    custom_phases_run_at_their_declared_positions,
    shutdown_without_tasks_ends_at_once,
    failed_task_or_exceeded_budget_does_not_stop_later_phases,
    on_failure_end_skips_later_phases_after_an_error,
    on_failure_end_skips_later_phases_after_an_exceeded_budget,
    on_failure_end_skips_later_phases_after_a_panic,
    on_failure_end_ignores_failures_of_other_phases,
    disabled_phase_is_skipped_and_the_log_counts_its_tasks,
    request_from_skips_earlier_phases,
    request_from_unknown_phase_is_refused_and_starts_nothing,
    request_from_after_the_start_changes_nothing,
    first_of_two_simultaneous_requests_chooses_the_first_phase,
    task_can_change_its_own_and_later_phases_but_no_earlier_one,
    task_accepted_while_its_phase_ends_is_run,
    task_with_blank_name_or_unknown_phase_is_refused,
    install_refuses_contradictory_settings_with_the_reason,
}

/// Each phase has a quick and a slow task. The next phase must begin after the slow task
/// returned.
fn phases_run_in_order_and_wait_for_their_slowest_task() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        // The phases are registered in reverse order.
        for phase in ALL.into_iter().rev() {
            let name = PhaseName::from(&phase).to_string();
            let (to, quick_is_done) = mpsc::channel::<()>();
            let quick = journal.noting(&format!("{name} quick"));
            let slow = journal.noting(&format!("{name} slow"));
            let task = shutdown.task("slow").phase(&phase);
            task.on_shutdown(move |cx| {
                quick_is_done
                    .recv()
                    .expect("the quick task runs in parallel");
                sleep_ms(40);
                slow(cx);
            })
            .expect("the shutdown has not begun");
            let task = shutdown.task("quick").phase(&phase);
            task.on_shutdown(move |cx| {
                quick(cx);
                to.send(()).expect("the receiver exists");
            })
            .expect("the shutdown has not begun");
        }
        let report = run(&shutdown);
        journal.assert_equals([
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

/// The program adds phases before, after and between the four standard phases.
fn custom_phases_run_at_their_declared_positions() -> Case {
    passes(|| {
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
            task.on_shutdown(journal.noting(name))
                .expect("the phase exists");
        }
        run(&shutdown);
        journal.assert_equals(["announce", "unbind", "drain", "replicate", "verify", "last"]);
    })
}

fn shutdown_without_tasks_ends_at_once() -> Case {
    passes(|| {
        let shutdown = install();
        let report = run(&shutdown);
        assert_eq!(report.tasks().count(), 0);
        assert_eq!(report.phases().len(), 4);
        assert!(report.is_clean());
    })
}

/// Tasks fail, panic and exceed their budget. Tasks of the same and of later phases must run,
/// and the log must name each failure.
fn failed_task_or_exceeded_budget_does_not_stop_later_phases() -> Case {
    passes(|| {
        let log = journal::of_log();
        let logging = builder().progress(Progress::Auto);
        let shutdown = install_as(logging.phase(Phase::DRAIN.budget(ms(100))));
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
            .expect("the shutdown has not begun");
        let report = run(&shutdown);

        journal.assert_equals(["sibling", "after"]);
        let outcome = |task| {
            report
                .task(task)
                .expect("the report lists the task")
                .outcome()
        };
        assert_eq!(outcome("fails"), &Outcome::Failed("no more paper".into()));
        assert_eq!(outcome("panics"), &Outcome::Panicked("planned".into()));
        assert_eq!(outcome("sibling"), &Outcome::Done);
        assert_eq!(outcome("late"), &Outcome::OverBudget);
        assert_eq!(outcome("after"), &Outcome::Done);
        assert!(!report.is_clean());
        assert!(report.phases()[1].took() >= ms(100), "too early: {report}");
        assert!(log.has("WARN task \"fails\" failed: no more paper"));
        assert!(log.has("WARN task \"panics\" panicked: planned"));
        assert!(log.has("WARN task \"late\" over budget, abandoned"));
        let begins = "INFO shutdown begins: request: \"the scenario\"; grace 8s";
        assert!(log.has(begins));
    })
}

fn on_failure_end_skips_later_phases_after_an_error() -> Case {
    passes(|| {
        assert_later_phases_are_skipped_after(|_| Err("no"));
    })
}

fn on_failure_end_skips_later_phases_after_an_exceeded_budget() -> Case {
    passes(|| {
        assert_later_phases_are_skipped_after(|_| -> Never { hang() });
    })
}

fn on_failure_end_skips_later_phases_after_a_panic() -> Case {
    passes(|| {
        assert_later_phases_are_skipped_after(|_| -> Never { panic_as_planned() });
    })
}

/// DRAIN ends the sequence if it fails. A failure in UNBIND must not.
fn on_failure_end_ignores_failures_of_other_phases() -> Case {
    passes(|| {
        let shutdown = install_as(builder().phase(Phase::DRAIN.on_failure(OnFailure::End)));
        let journal = Journal::new();
        let fails = shutdown.task("earlier").phase(Phase::UNBIND);
        fails
            .on_shutdown(|_| Err("no"))
            .expect("the shutdown has not begun");
        let drains = shutdown.task("drain").phase(Phase::DRAIN);
        drains
            .on_shutdown(|_| {})
            .expect("the shutdown has not begun");
        let after = shutdown.task("after").phase(Phase::FLUSH);
        after
            .on_shutdown(journal.noting("after"))
            .expect("the shutdown has not begun");
        run(&shutdown);
        journal.assert_equals(["after"]);
    })
}

fn disabled_phase_is_skipped_and_the_log_counts_its_tasks() -> Case {
    passes(|| {
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
            .expect("the shutdown has not begun");
        let another = shutdown.task("another").phase(Phase::DRAIN);
        let another = another.on_shutdown(journal.noting("another"));
        let after = shutdown.task("after").phase(Phase::FLUSH);
        let after = after.on_shutdown(journal.noting("after"));
        assert!(another.is_ok() && after.is_ok());
        let report = run(&shutdown);
        journal.assert_equals(["after"]);
        let fails = report.task("fails").expect("the report lists the task");
        assert_eq!(fails.outcome(), &Outcome::Skipped(Skip::Disabled));
        assert!(report.is_clean());
        assert!(log.has("INFO phase drain is disabled: 2 tasks are not run"));
        // UNBIND is disabled too, but has no tasks. Its line would come before that of DRAIN.
        assert!(!log.has_line_starting_with("INFO phase unbind"));
        assert!(!skipped.cancel(), "the task was skipped");
        assert!(!skipped.is_cancelled());
    })
}

fn request_from_skips_earlier_phases() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = register_task_in_each_phase(&shutdown);
        let cause = Cause::requested("a reload");
        let first = shutdown.request_from(Phase::FLUSH, cause.clone());
        assert_eq!(first, Ok(true));
        let report = wait_for_report(&shutdown);
        journal.assert_equals(["flush", "close"]);
        for earlier in ["unbind", "drain"] {
            let task = report.task(earlier).expect("the report lists the task");
            assert_eq!(task.outcome(), &Outcome::Skipped(Skip::BeforeStart));
        }
        assert_eq!(report.cause(), &cause);
        assert_eq!(shutdown.cause(), Some(cause));
        assert!(report.is_clean());
    })
}

fn request_from_unknown_phase_is_refused_and_starts_nothing() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = register_task_in_each_phase(&shutdown);
        let refused = shutdown
            .request_from("nowhere", some_cause())
            .expect_err("the call is refused");
        assert_eq!(refused.to_string(), "there is no phase \"nowhere\"");
        assert!(!shutdown.is_requested());
        assert_eq!(shutdown.watchdog().deadline(), None);
        run(&shutdown);
        assert_eq!(journal.len(), 4);
    })
}

/// The shutdown has begun. A second request that names a phase must change nothing.
fn request_from_after_the_start_changes_nothing() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = register_task_in_each_phase(&shutdown);
        let again = shutdown.clone();
        let task = shutdown.task("again").phase(Phase::UNBIND);
        task.on_shutdown(move |_| {
            assert_eq!(again.request_from(Phase::CLOSE, some_cause()), Ok(false));
        })
        .expect("the shutdown has not begun");
        run(&shutdown);
        journal.assert_equals(["unbind", "drain", "flush", "close"]);
    })
}

/// Two threads request the shutdown at the same time, from different phases. The shutdown must
/// start from the phase of the first request.
fn first_of_two_simultaneous_requests_chooses_the_first_phase() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = register_task_in_each_phase(&shutdown);
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
                whole.join().expect("the thread does not panic"),
                rest.expect("the phase exists"),
            )
        });
        assert!(whole != rest, "exactly one request is the first");
        wait_for_report(&shutdown);
        match whole {
            true => journal.assert_equals(["unbind", "drain", "flush", "close"]),
            false => journal.assert_equals(["close"]),
        }
    })
    .times(10)
}

fn task_can_change_its_own_and_later_phases_but_no_earlier_one() -> Case {
    passes(|| {
        let shutdown = install();
        let journal = Journal::new();
        let later = shutdown.task("later").phase(Phase::CLOSE);
        let later = later.on_shutdown(journal.noting("later"));
        let later = later.expect("the shutdown has not begun");
        let earlier = shutdown.task("earlier").phase(Phase::UNBIND);
        let earlier = earlier.on_shutdown(journal.noting("earlier"));
        let earlier = earlier.expect("the shutdown has not begun");

        let task = shutdown.task("changes").phase(Phase::DRAIN);
        let (handle, noted) = (shutdown.clone(), journal.clone());
        task.on_shutdown(move |_| {
            assert!(later.cancel(), "the task's phase has not begun");
            assert!(!earlier.cancel(), "the task has returned");
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
        .expect("the shutdown has not begun");
        let report = run(&shutdown);
        journal.assert_equals(["earlier", "now", "flush"]);
        assert!(report.task("later").is_none(), "{report}");
        let refused: Vec<_> = report.refused().iter().map(|task| task.name()).collect();
        assert_eq!(refused, ["before"]);
        assert_eq!(report.refused()[0].outcome(), &Outcome::Refused);
        let too_late = shutdown.task("too late").on_shutdown(|_| {});
        assert_eq!(
            too_late.expect_err("the call is refused"),
            RegisterError::Over
        );
    })
}

/// Another thread registers tasks for a phase while the phase ends. Each task is either refused
/// or run, also between two phases.
fn task_accepted_while_its_phase_ends_is_run() -> Case {
    checked_by(
        || {
            let names: Vec<_> = (0..60).map(|n| format!("phase {n}")).collect();
            let phases = names.iter().map(|name| Phase::new(name.clone()));
            let shutdown =
                install_as(phases.fold(builder(), |builder, phase| builder.phase(phase)));
            // In each phase a task sends the name of the phase, and returns.
            let (to, begun) = mpsc::channel();
            for name in &names {
                let (to, begins) = (to.clone(), name.clone());
                let task = shutdown.task("first").phase(name.clone());
                // A short time, so that the other thread receives the name before all phases are
                // over.
                let run = move |_: &TaskContext| {
                    to.send(begins).expect("the receiver exists");
                    thread::sleep(Duration::from_micros(100));
                };
                task.on_shutdown(run).expect("the shutdown has not begun");
            }
            drop(to);
            let handle = shutdown.clone();
            let adder = thread::spawn(move || {
                let mut accepted = 0;
                for name in begun {
                    // Each task is registered when the one before has returned: the phase may be
                    // over.
                    for _ in 0..3 {
                        let (to, ran) = mpsc::channel();
                        let task = handle.task("task").phase(name.clone());
                        let task =
                            task.on_shutdown(move |_| to.send(()).expect("the receiver exists"));
                        if task.is_err() {
                            break;
                        }
                        accepted += 1;
                        ran.recv_timeout(ms(2000)).expect("an accepted task runs");
                    }
                }
                accepted
            });
            let report = run(&shutdown);
            let accepted = adder.join().expect("the thread does not panic");
            assert_eq!(report.tasks().count(), names.len() + accepted);
            assert!(report.is_clean(), "{report}");
            print_line(&format!("accepted {accepted}"));
        },
        |victims| {
            let accepted = (0..8).map(|_| {
                let death = victims.passes();
                let mut lines = death.stdout.lines();
                let accepted = lines.find_map(|line| line.strip_prefix("accepted "));
                accepted.map_or(0, |count| count.parse().expect("a number"))
            });
            assert!(accepted.sum::<usize>() > 0, "no task was accepted in time");
        },
    )
}

fn task_with_blank_name_or_unknown_phase_is_refused() -> Case {
    passes(|| {
        let shutdown = install();
        let task = shutdown.task("task").phase("nowhere").on_shutdown(|_| {});
        let refused = task.expect_err("the call is refused");
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
                .expect_err("the call is refused");
            assert_eq!(refused, RegisterError::Unnamed);
        }
        let never: Never = Ok(());
        let task = shutdown.task("task").on_shutdown(move |_| never);
        assert!(task.is_ok());
        assert_eq!(run(&shutdown).tasks().count(), 1);
    })
}

fn install_refuses_contradictory_settings_with_the_reason() -> Case {
    passes(|| {
        let second = Duration::from_secs(1);
        let refusal = |builder: deadstop::ShutdownBuilder| {
            builder
                .install()
                .expect_err("the call is refused")
                .to_string()
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
        let expected = "budgets and reserves of phases add up to 10.5s, more than the grace of 10s: \
                drain 8s, flush 2s, close 500ms";
        assert_eq!(sum, expected);
        let reserve = phases(vec![Phase::FLUSH.reserve(2 * second).budget(second)]);
        let expected = "phase \"flush\" reserves 2s, more than its budget of 1s";
        assert_eq!(reserve, expected);
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
        let expected = "phase \"a\" names phase \"nowhere\", which does not exist";
        assert_eq!(nowhere, expected);
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

        // An install that fails does not prevent the next one.
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

/// Runs `task`, which fails, in a phase that ends the sequence on failure. Asserts that later
/// phases are skipped, except those that always run.
fn assert_later_phases_are_skipped_after<E: std::fmt::Display>(
    task: impl FnOnce(&TaskContext) -> Result<(), E> + Send + 'static,
) {
    let drain = Phase::DRAIN.budget(ms(500)).on_failure(OnFailure::End);

    let shutdown = install_as(builder().phase(drain).phase(Phase::CLOSE.always(true)));

    let journal = Journal::new();

    let fails = shutdown.task("fails").phase(Phase::DRAIN);

    fails.on_shutdown(task).expect("the shutdown has not begun");

    for phase in [Phase::DRAIN, Phase::FLUSH, Phase::CLOSE] {
        let name = PhaseName::from(&phase).to_string();
        let task = shutdown.task(&name).phase(phase);
        task.on_shutdown(journal.noting(&name))
            .expect("the phase exists");
    }
    let report = run(&shutdown);
    journal.assert_equals(["drain", "close"]);
    let flush = report.task("flush").expect("the report lists the task");
    assert_eq!(flush.outcome(), &Outcome::Skipped(Skip::SequenceEnded));
    assert!(
        report
            .task("fails")
            .expect("the report lists the task")
            .outcome()
            .is_failure()
    );
    assert!(!report.is_clean());
}

/// Registers a task in each phase. The task adds the name of its phase to the journal.
fn register_task_in_each_phase(shutdown: &Shutdown) -> Journal {
    let journal = Journal::new();
    for phase in ALL {
        let name = PhaseName::from(&phase).to_string();
        let task = shutdown.task(&name).phase(phase);
        task.on_shutdown(journal.noting(&name))
            .expect("the phase exists");
    }
    journal
}
