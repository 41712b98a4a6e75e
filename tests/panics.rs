//! Panics as a trigger, in real processes, with `panic = "unwind"`, and with `panic = "abort"`
//! where this makes a difference.

mod harness;

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;
use std::time::Duration;

use harness::{Death, End, GRACE, Victim};

/// A grace period that is longer than any test.
const LONG: Duration = Duration::from_secs(20);

/// The panic strategy of the build.
#[derive(Clone, Copy)]
enum Strategy {
    Abort,
    Unwind,
}

use Strategy::{Abort, Unwind};

const BOTH: [Strategy; 2] = [Unwind, Abort];

impl Strategy {
    fn start(self, fault: &str, grace: Duration) -> Victim {
        let unwinds = harness::command(fault, grace, "watched");
        let command = match self {
            Unwind => unwinds,
            Abort => {
                let mut command = Command::new(aborting_victim());
                command.args(unwinds.get_args());
                command
            }
        };
        Victim::start(command, fault, grace)
    }

    fn run(self, fault: &str, grace: Duration) -> Death {
        self.start(fault, grace).wait()
    }
}

/// Builds the victim with `panic = "abort"`. Cargo ignores this setting for tests.
fn aborting_victim() -> &'static PathBuf {
    static VICTIM: OnceLock<PathBuf> = OnceLock::new();
    VICTIM.get_or_init(|| {
        let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("abort");
        let mut build = Command::new(env!("CARGO"));
        build
            .args(["build", "--offline", "--quiet", "--bin", "victim"])
            .args(["--config", "profile.dev.panic=\"abort\""])
            .args(["--config", "profile.dev.debug=0"])
            .arg("--target-dir")
            .arg(&target)
            .current_dir(env!("CARGO_MANIFEST_DIR"));
        let built = build.status().expect("cargo runs");
        assert!(built.success(), "{built}");
        target.join("debug").join("victim")
    })
}

fn says(death: &Death, line: &str) -> bool {
    death.stdout.lines().any(|said| said == line)
}

fn assert_ended_at_the_deadline(death: &Death) {
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= GRACE, "too early: {death:?}");
}

/// Asserts that every task succeeded, and that the status is that of a panic.
fn assert_tasks_ran_and_then_101(death: &Death) {
    assert_eq!(death.end, End::Status(101), "{death:?}");
    assert!(says(death, "ran slow"), "{death:?}");
    assert!(death.after < LONG, "{death:?}");
}

mod of_a_worker {
    use super::*;

    #[test]
    fn ends_the_process_with_101_where_the_end_of_the_tasks_is_its_end() {
        for strategy in BOTH {
            let death = strategy.run("panic_in_worker", LONG);
            assert_tasks_ran_and_then_101(&death);
            assert!(says(&death, "hook"), "{death:?}");
        }
    }

    #[test]
    fn ends_the_process_with_101_through_the_thread_that_waits() {
        for strategy in BOTH {
            let death = strategy.run("panic_in_worker_waited", LONG);
            assert_tasks_ran_and_then_101(&death);
            let cause = "cause panic of thread \"worker\" at ";
            let line = death.stdout.lines().find(|line| line.starts_with(cause));
            let line = line.unwrap_or_else(|| panic!("no cause: {death:?}"));
            assert!(line.contains("panics.rs:"), "{line}");
            assert!(line.ends_with(": \"of a worker\""), "{line}");
        }
    }

    #[test]
    fn ends_the_process_at_the_deadline_if_a_task_hangs() {
        for strategy in BOTH {
            assert_ended_at_the_deadline(&strategy.run("panic_in_worker_hung", GRACE));
        }
    }

    #[test]
    fn may_have_no_message() {
        for strategy in BOTH {
            let death = strategy.run("panic_of_a_number", LONG);
            assert_eq!(death.end, End::Status(101), "{death:?}");
            let cause = death.stdout.contains("\"a panic without a message\"");
            assert!(cause, "{death:?}");
        }
    }

    #[test]
    fn counts_even_if_it_is_caught() {
        let death = Unwind.run("panic_caught", LONG);
        assert_eq!(death.end, End::Status(101), "{death:?}");
    }

    #[test]
    fn changes_nothing_once_a_shutdown_has_begun() {
        let mut victim = Unwind.start("panic_during_shutdown", LONG);
        victim.trigger(libc::SIGTERM);
        let death = victim.wait();
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(death.stdout.contains("cause SIGTERM from"), "{death:?}");
    }

    #[test]
    fn is_no_trigger_by_default() {
        let mut victim = Unwind.start("panic_ignored", LONG);
        victim.trigger(libc::SIGTERM);
        let death = victim.wait();
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
        assert!(death.stdout.contains("cause SIGTERM from"), "{death:?}");
    }
}

mod of_main {
    use super::*;

    #[test]
    fn waits_for_the_tasks() {
        for strategy in BOTH {
            assert_tasks_ran_and_then_101(&strategy.run("panic_in_main", LONG));
        }
    }

    #[test]
    fn waits_until_the_deadline_at_most() {
        for strategy in BOTH {
            assert_ended_at_the_deadline(&strategy.run("panic_in_main_hung", GRACE));
        }
    }
}

/// A panic hook from before `install`. It is called after that of deadstop, and may never
/// return.
mod of_a_hook {
    use super::*;

    #[test]
    fn that_never_returns_delays_no_task() {
        for strategy in BOTH {
            let death = strategy.run("panic_stuck_in_hook", LONG);
            assert_eq!(death.end, End::Status(101), "{death:?}");
            assert!(says(&death, "ran close"), "{death:?}");
            for line in [
                "no task is running; the shutdown waits for 1 panic hook, for at most 3.0 s more",
                "1 panic hook has not returned after 5.0 s",
            ] {
                assert!(death.stderr.contains(line), "{death:?}");
            }
        }
    }

    #[test]
    fn that_is_slower_than_the_tasks_is_waited_for() {
        for victim in ["panic_slow_hook", "panic_slow_hook_set_later"] {
            for strategy in BOTH {
                let death = strategy.run(victim, LONG);
                assert_eq!(death.end, End::Status(101), "{victim}: {death:?}");
                assert!(says(&death, "hook"), "{victim}: {death:?}");
            }
        }
    }

    #[test]
    fn that_waits_for_the_end_does_not_wait_for_itself() {
        for fault in [
            "panic_hook_waits_for_the_end",
            "panic_hook_polls_for_the_end",
        ] {
            for strategy in BOTH {
                let death = strategy.run(fault, LONG);
                assert_eq!(death.end, End::Status(101), "{death:?}");
                assert!(says(&death, "hook"), "{death:?}");
                let patience = Duration::from_secs(5);
                assert!(death.after < patience, "{death:?}");
            }
        }
    }

    #[test]
    fn that_never_returns_is_called_with_the_watchdog_armed() {
        for strategy in BOTH {
            assert_ended_at_the_deadline(&strategy.run("panic_stuck_in_hook_hung", GRACE));
        }
    }

    #[test]
    fn that_waits_for_standard_error_is_called_with_the_watchdog_armed() {
        for strategy in BOTH {
            assert_ended_at_the_deadline(&strategy.run("panic_stuck_in_stderr", GRACE));
        }
    }

    /// This is the behavior of `std`.
    #[test]
    fn that_panics_aborts_the_process_at_once() {
        for strategy in BOTH {
            let death = strategy.run("panic_in_hook", LONG);
            assert_eq!(death.end, End::Signal(libc::SIGABRT), "{death:?}");
            assert!(death.after < LONG, "{death:?}");
        }
    }

    /// This is the behavior of `std`. With `panic = "abort"`, nothing unwinds, so there is no
    /// second panic.
    #[test]
    fn panic_while_unwinding_aborts_the_process_at_once() {
        let death = Unwind.run("panic_while_panicking", LONG);
        assert_eq!(death.end, End::Signal(libc::SIGABRT), "{death:?}");
        assert!(death.after < LONG, "{death:?}");
        assert_ended_at_the_deadline(&Abort.run("panic_while_panicking", GRACE));
    }
}

mod of_a_task {
    use super::*;

    fn sent(strategy: Strategy, fault: &str) -> Death {
        let mut victim = strategy.start(fault, LONG);
        victim.trigger(libc::SIGTERM);
        let death = victim.wait();
        // The other tasks ran, but the shutdown is not clean.
        assert_eq!(death.end, End::Status(1), "{death:?}");
        assert!(says(&death, "ran slow"), "{death:?}");
        assert!(says(&death, "task \"slow\" done"), "{death:?}");
        assert!(death.stdout.contains("cause SIGTERM from"), "{death:?}");
        death
    }

    #[test]
    fn is_a_failure_of_that_task_alone() {
        for strategy in BOTH {
            let death = sent(strategy, "panic_in_task");
            for line in [
                "task \"text\" panicked: of a task",
                "task \"string\" panicked: of a string",
                "task \"number\" panicked: a panic without a message",
            ] {
                assert!(says(&death, line), "{line}: {death:?}");
            }
        }
    }

    #[test]
    fn may_carry_what_panics_as_it_is_dropped() {
        for strategy in BOTH {
            let death = sent(strategy, "panic_in_task_bomb");
            let line = "task \"bomb\" panicked: a panic without a message";
            assert!(says(&death, line), "{death:?}");
        }
    }

    #[test]
    fn may_carry_what_never_returns_as_it_is_dropped() {
        for strategy in BOTH {
            let death = sent(strategy, "panic_in_task_clinging");
            let line = "task \"clinging\" panicked: a panic without a message";
            assert!(says(&death, line), "{death:?}");
        }
    }

    #[test]
    fn may_come_without_a_hook() {
        let death = sent(Unwind, "panic_in_task_resumed");
        let line = "task \"resume\" panicked: without a hook";
        assert!(says(&death, line), "{death:?}");
    }
}
