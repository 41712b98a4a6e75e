//! Faults of a program that is stopping, in real processes.
//!
//! Each fault runs twice, and gets `SIGTERM` each time. With a shutdown it must end as the table
//! says. With its own handler and loop (the control) it must still be stuck long after;
//! otherwise it is no fault.

mod harness;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use harness::{Death, End, GRACE, Victim};

/// A grace period that is longer than any test.
const LONG: Duration = Duration::from_secs(20);

/// A grace that is long enough for the hang report under load. The report comes a tenth of it
/// before the deadline.
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
    assert!(death.after >= grace, "too early: {death:?}");
}

fn is_stuck_without_a_shutdown(fault: &str) {
    let mut victim = Victim::unwatched(fault, GRACE);
    victim.trigger(SIGTERM);
    assert!(victim.lives_for(3 * GRACE));
}

/// Faults that delay the end until the deadline.
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

/// Faults that delay nothing: every task succeeds, and the process ends at once.
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

/// Faults that request their own shutdown.
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
        // The victim's allocator pauses the thread.
        let line = "\"deadstop-run\", which begins them, waits for a signal";
        assert!(death.stderr.contains(line), "{death:?}");
    }
}

/// The coordinator also notices at the deadline that a task has not returned. The watchdog must
/// choose the status, even if it runs late.
#[test]
fn unfinished_shutdown_ends_with_the_status_of_the_deadline() {
    let victim = Victim::watched("both_lines_missing", GRACE);
    assert!(victim.lives_for(3 * GRACE));
}

/// Every task of an early phase hangs. The reserves of the last two phases must end that phase,
/// and the process must end before the deadline with a failure status.
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
    fn logger_that_panics_delays_no_task() {
        is_survived("logger_panics");
    }

    #[test]
    fn logger_has_the_stack_size_of_other_threads() {
        is_survived("logger_needs_a_deep_stack");
    }

    #[test]
    fn atexit_handler_has_the_stack_size_of_other_threads() {
        let death = sent("atexit_needs_a_deep_stack", LONG);
        assert_eq!(death.end, End::Status(0), "{death:?}");
    }

    #[test]
    fn waker_whose_clone_never_returns_delays_no_task() {
        is_survived("waker_clone_never_returns");
    }
}

/// Ways in which a program can exit while its tasks run.
mod leaving {
    use super::*;

    #[test]
    fn return_from_main_waits_for_tasks() {
        let death = sent("main_returns_while_tasks_run", LONG);
        assert_eq!(death.end, End::Status(7), "{death:?}");
        assert!(says(&death, "ran one"), "{death:?}");
        assert!(says(&death, "ran two"), "{death:?}");
    }

    #[test]
    fn return_from_main_waits_for_tasks_until_the_deadline_at_most() {
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

/// The system gives the process no more threads.
#[test]
fn tasks_run_one_by_one_without_threads() {
    let death = sent("tasks_threads_refused", LONG);
    assert_eq!(death.end, End::Status(0), "{death:?}");
    for name in ["one", "two", "three", "four"] {
        assert!(says(&death, &format!("ran {name}")), "{death:?}");
    }
    assert!(says(&death, "threads refused"), "{death:?}");
}

/// A thread that the system refused must not count as a running one.
#[test]
fn tasks_run_in_parallel_when_threads_are_available_again() {
    let death = sent("tasks_threads_refused_at_first", LONG);
    assert_eq!(death.end, End::Status(0), "{death:?}");
    for name in ["one", "the other"] {
        assert!(says(&death, &format!("ran {name}")), "{death:?}");
    }
}

/// The system gives the process no more threads. The last thread must survive foreign code that
/// panics, and the run of a scope must not keep it from the tasks.
mod without_threads {
    use super::*;

    fn close_runs(fault: &str) -> Death {
        let death = sent(fault, LONG);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
        death
    }

    #[test]
    fn scope_and_shutdown_run_their_tasks_without_threads() {
        let death = close_runs("threads_refused_scope_is_requested");
        assert!(says(&death, "ran read"), "{death:?}");
    }

    #[test]
    fn all_tasks_run_after_a_waker_panics() {
        close_runs("threads_refused_waker_panics");
    }

    #[test]
    fn all_tasks_run_after_the_drop_of_a_skipped_closure_panics() {
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
        // The next run replaces a file that remains.
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
