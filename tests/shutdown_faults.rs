//! Faults of a program that is stopping, in real processes.
//!
//! Each fault is run twice, and each time the process is sent `SIGTERM`. With a
//! shutdown it must end as the table says; with a handler and a loop of its own
//! it must still be there long after, or the fault was never a fault.

mod harness;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::{Death, End, GRACE, Victim};

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// Long enough for the hang report to be there in time under load: it comes a
/// tenth of this before the deadline.
const REPORTED: Duration = Duration::from_secs(3);

const SIGTERM: i32 = libc::SIGTERM;

/// Sends `fault` a `SIGTERM`, and waits for its end.
fn sent(fault: &str, grace: Duration) -> Death {
    let mut victim = Victim::watched(fault, grace);
    victim.trigger(SIGTERM);
    victim.wait()
}

fn says(death: &Death, line: &str) -> bool {
    death.stdout.lines().any(|said| said == line)
}

fn assert_ended_at_the_deadline(death: &Death, grace: Duration) {
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= grace, "early: {death:?}");
}

fn is_stuck_without_a_shutdown(fault: &str) {
    let mut victim = Victim::unwatched(fault, GRACE);
    victim.trigger(SIGTERM);
    assert!(victim.lives_for(3 * GRACE));
}

/// Faults that hold up the end, which the deadline then brings.
macro_rules! faults {
    ($($fault:ident)*) => {$(
        mod $fault {
            use super::*;

            #[test]
            fn ends_at_the_deadline() {
                assert_ended_at_the_deadline(&sent(stringify!($fault), GRACE), GRACE);
            }

            #[test]
            fn is_stuck() {
                is_stuck_without_a_shutdown(stringify!($fault));
            }
        }
    )*};
}

faults! {
    captured_drop_never_returns
    dead_allocator_in_task
    every_task_hangs
    main_stuck_after_wait
    panic_hook_never_returns_in_task
    stderr_full_at_install
    task_in_a_full_pipe
}

/// Faults that hold up nothing: every task is done, and the end comes at once.
macro_rules! survived {
    ($($fault:ident)*) => {$(
        mod $fault {
            use super::*;

            #[test]
            fn holds_up_nothing() {
                let death = sent(stringify!($fault), LONG);
                assert_eq!(death.end, End::Status(0), "{death:?}");
                assert!(says(&death, "ran close"), "{death:?}");
            }

            #[test]
            fn is_stuck() {
                is_stuck_without_a_shutdown(stringify!($fault));
            }
        }
    )*};
}

survived! {
    logger_never_returns
    main_deadlocked
    waker_never_returns
}

/// These begin their own shutdown.
mod by_itself {
    use super::*;

    macro_rules! faults {
        ($($fault:ident)*) => {$(
            mod $fault {
                use super::*;

                #[test]
                fn ends_at_the_deadline() {
                    let death = Victim::watched(stringify!($fault), GRACE).wait();
                    assert_ended_at_the_deadline(&death, GRACE);
                }

                #[test]
                fn is_stuck() {
                    let victim = Victim::unwatched(stringify!($fault), GRACE);
                    assert!(victim.lives_for(3 * GRACE));
                }
            }
        )*};
    }

    faults! {
        atexit_never_returns_after_finish
        dead_allocator_at_request
    }

    #[test]
    fn report_of_a_dead_allocator_names_the_coordinator_that_waits_for_it() {
        let death = Victim::watched("dead_allocator_at_request", GRACE).wait();
        let headline = "the shutdown was requested, but no task has begun";
        assert!(death.stderr.contains(headline), "{death:?}");
        let line = "\"deadstop-run\", which begins them, waits (lock";
        assert!(death.stderr.contains(line), "{death:?}");
    }
}

/// The coordinator sees that a task has not returned by the deadline, too, but
/// the status is the deadline's to choose, however late that comes.
#[test]
fn what_is_not_over_by_the_deadline_is_left_to_it() {
    let victim = Victim::watched("both_lines_missing", GRACE);
    assert!(victim.lives_for(3 * GRACE));
}

/// The reserves of the last two phases end an earlier phase that hangs, and the
/// process then ends in time and as a failure.
#[test]
fn every_task_of_the_first_phase_hangs_and_the_last_phase_still_runs() {
    let death = sent("every_task_of_the_first_phase_hangs", LONG);
    assert_eq!(death.end, End::Status(1), "{death:?}");
    assert!(death.after < LONG, "{death:?}");
    assert!(says(&death, "ran close"), "{death:?}");
    for name in ["deadlock", "park", "sleep", "spin"] {
        let line = format!("task {name:?} over budget, abandoned");
        assert!(says(&death, &line), "{name}: {death:?}");
    }
}

#[test]
fn every_task_of_the_first_phase_is_stuck_without_a_shutdown() {
    is_stuck_without_a_shutdown("every_task_of_the_first_phase_hangs");
}

/// Code of the application that deadstop calls: a logger, a waker, an `atexit` handler.
mod lent {
    use super::*;

    fn is_survived(fault: &str) {
        let death = sent(fault, LONG);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
    }

    #[test]
    fn logger_that_panics_holds_up_nothing() {
        is_survived("logger_panics");
    }

    #[test]
    fn logger_has_as_deep_a_stack_as_any_thread() {
        is_survived("logger_needs_a_deep_stack");
    }

    #[test]
    fn atexit_handler_has_as_deep_a_stack_as_any_thread() {
        let death = sent("atexit_needs_a_deep_stack", LONG);
        assert_eq!(death.end, End::Status(0), "{death:?}");
    }

    #[test]
    fn waker_whose_clone_never_returns_holds_up_nothing() {
        is_survived("waker_clone_never_returns");
    }
}

/// The ways in which a program may leave while its tasks run.
mod leaving {
    use super::*;

    #[test]
    fn main_may_return_and_the_exit_waits_for_the_tasks() {
        let death = sent("main_returns_while_tasks_run", LONG);
        assert_eq!(death.end, End::Status(7), "{death:?}");
        assert!(says(&death, "ran one"), "{death:?}");
        assert!(says(&death, "ran two"), "{death:?}");
    }

    #[test]
    fn main_may_return_and_the_exit_waits_no_longer_than_the_deadline() {
        let death = sent("main_returns_while_a_task_hangs", GRACE);
        assert_ended_at_the_deadline(&death, GRACE);
    }

    #[test]
    fn task_may_call_exit() {
        let death = sent("task_calls_exit", LONG);
        assert_eq!(death.end, End::Status(5), "{death:?}");
    }

    #[test]
    fn task_that_ends_the_shutdown_fails_and_the_others_run() {
        let death = sent("task_calls_shutdown_exit", LONG);
        assert_eq!(death.end, End::Status(1), "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
        let failed = "task \"exit\" failed: a task of the shutdown cannot wait for the shutdown: \
                      it would wait for itself";
        assert!(says(&death, failed), "{death:?}");
    }

    #[test]
    fn task_that_waits_for_the_shutdown_gets_an_error_and_goes_on() {
        let death = sent("task_waits_for_the_shutdown", LONG);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(says(&death, "ran wait"), "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
    }
}

/// A process that the system gives no more threads.
#[test]
fn without_threads_tasks_run_one_by_one() {
    let death = sent("tasks_threads_refused", LONG);
    assert_eq!(death.end, End::Status(0), "{death:?}");
    for name in ["one", "two", "three", "four"] {
        assert!(says(&death, &format!("ran {name}")), "{death:?}");
    }
    assert!(says(&death, "threads refused"), "{death:?}");
}

/// A thread that the system refused does not count as running.
#[test]
fn with_threads_again_tasks_run_together() {
    let death = sent("tasks_threads_refused_at_first", LONG);
    assert_eq!(death.end, End::Status(0), "{death:?}");
    for name in ["one", "the other"] {
        assert!(says(&death, &format!("ran {name}")), "{death:?}");
    }
}

/// The last thread survives foreign code that panics, and a scope's run does not take it
/// from the tasks.
mod without_threads {
    use super::*;

    fn close_runs(fault: &str) -> Death {
        let death = sent(fault, LONG);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
        death
    }

    #[test]
    fn scope_requested_before_the_whole_runs_its_task_and_the_whole_its_own() {
        let death = close_runs("threads_refused_scope_is_requested");
        assert!(says(&death, "ran read"), "{death:?}");
    }

    #[test]
    fn waker_that_panics_costs_no_task() {
        close_runs("threads_refused_waker_panics");
    }

    #[test]
    fn closure_of_a_skipped_task_whose_drop_panics_costs_no_task() {
        close_runs("threads_refused_drop_panics");
    }
}

/// The destination of the report.
mod stderr {
    use super::*;

    /// Runs `fault`, which gives the number of standard error to a file, and
    /// returns what is then in the file.
    fn reused(fault: &str) -> (Death, String) {
        let directory = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
        let path = directory.join(format!("{fault}-{}", std::process::id()));
        let mut command = harness::command(fault, REPORTED, "watched");
        command.env("FILE", &path);
        let mut victim = Victim::start(command, fault, REPORTED);
        victim.trigger(SIGTERM);
        let death = victim.wait();
        let content = fs::read_to_string(&path).expect("the victim made it");
        // A file that stays is the next run's to replace.
        let _ = fs::remove_file(&path);
        assert_ended_at_the_deadline(&death, REPORTED);
        (death, content)
    }

    #[test]
    fn descriptor_closed_before_install_is_not_written_to_when_reused() {
        let (death, content) = reused("stderr_reused_before_install");
        assert_eq!(content, "", "{death:?}");
        assert_eq!(death.stderr, "", "{death:?}");
    }

    #[test]
    fn that_is_closed_later_still_gets_the_report() {
        let (death, content) = reused("stderr_reused_after_install");
        assert_eq!(content, "", "{death:?}");
        assert!(death.stderr.contains("\"flush the log\""), "{death:?}");
    }
}
