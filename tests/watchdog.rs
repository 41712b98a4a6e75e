//! The watchdog: installation, arming, the time of the end, and its cost.
//!
//! A test process must not install a watchdog in itself, so each test starts a victim. The
//! victim asserts all that is visible inside its process. If it ends as the test expects, all
//! its assertions held. Faults that spin are in another test binary, because they would disturb
//! the tests that measure time.

mod harness;

use std::process::Command;
use std::thread;
use std::time::Duration;

use harness::{BEHIND, Death, End, GRACE, Victim};

/// A grace period that is longer than any test.
const LONG: Duration = Duration::from_secs(20);

/// Runs a victim that must end with `status`, and not before the deadline.
fn ends_with(fault: &str, grace: Duration, status: i32) -> Death {
    let death = Victim::watched(fault, grace).wait();
    assert_eq!(death.end, End::Status(status), "{death:?}");
    death
}

/// Like [`ends_with`], for a victim with a backup timer. Under load the timer may end the
/// process first.
fn ends_by_either_line(fault: &str, status: i32) -> Death {
    let death = Victim::watched(fault, GRACE).wait();
    let ends = [End::Status(status), End::Signal(libc::SIGKILL)];
    assert!(ends.contains(&death.end), "{death:?}");
    assert!(death.after >= GRACE, "too early: {death:?}");
    death
}

fn ends_at_the_deadline_with(fault: &str, status: i32) {
    let death = ends_with(fault, GRACE, status);
    assert!(death.after >= GRACE, "too early: {death:?}");
}

/// Returns the numbers that the victim printed after `name`.
fn figures(death: &Death, name: &str) -> impl Iterator<Item = u64> {
    let lines = death.stdout.lines();
    let figures = lines.filter_map(move |line| line.strip_prefix(name));
    figures.map(|figure| figure.trim().parse().expect("a number"))
}

/// The victims have 256 MiB of memory, and declare that the exit takes 2 s per GiB.
mod exit_early {
    use super::*;

    /// The estimated exit time of 256 MiB. The grace is longer than this on every machine.
    const LEAD: Duration = Duration::from_millis(500);
    const GRACE: Duration = Duration::from_secs(1);

    /// The maximum excess of the estimate: the rest of the process, and a tenth of the whole.
    const REST: Duration = Duration::from_millis(100);

    fn ends(fault: &str) -> Death {
        ends_with(fault, GRACE, 124)
    }

    /// Asserts that the process ends before the deadline, but no earlier than the estimate
    /// allows.
    #[track_caller]
    fn begins_earlier(fault: &str) {
        let runs: Vec<_> = (0..5).map(|_| ends(fault).after).collect();
        assert!(
            runs.iter().all(|after| *after >= GRACE - LEAD - REST),
            "too early: {runs:?}"
        );
        assert!(runs.iter().any(|after| *after < GRACE), "late: {runs:?}");
    }

    #[test]
    fn exit_begins_earlier_by_its_estimated_length() {
        begins_earlier("exits_early");
    }

    #[test]
    fn memory_allocated_after_arming_is_in_the_estimate() {
        begins_earlier("exits_early_later");
    }

    #[test]
    fn huge_pages_shorten_the_estimate() {
        let death = ends("exits_early_huge");
        if figures(&death, "huge ").all(|kib| kib < 200 << 10) {
            return harness::skip("the system has no huge pages for it");
        }
        assert!(death.after >= GRACE - REST, "too early: {death:?}");
    }

    #[test]
    fn process_with_little_memory_keeps_its_grace() {
        let death = ends("exits_early_without_usage");
        assert!(death.after >= GRACE - REST, "too early: {death:?}");
    }

    #[test]
    fn shared_memory_is_not_in_the_estimate() {
        let death = ends("exits_early_shared");
        assert!(death.after >= GRACE - REST, "too early: {death:?}");
    }

    /// The control: without an estimate, the process must not end before the deadline.
    #[test]
    fn exit_begins_at_the_deadline_without_an_estimate() {
        let death = ends("begins_at_deadline");
        assert!(death.after >= GRACE, "too early: {death:?}");
    }
}

mod time {
    use super::*;

    /// The maximum lateness of the end, as a share of the grace. Load can only make an end
    /// later, so the earliest of a few runs counts.
    #[test]
    fn best_of_five_is_at_most_a_tenth_late() {
        let runs = (0..5).map(|_| ends_by_either_line("both_lines", 124));
        let best = runs.map(|death| death.after).min();
        let best = best.expect("five runs");
        assert!(best <= GRACE + GRACE / 10, "{best:?}");
    }

    #[test]
    fn best_of_five_by_the_timer_alone_is_at_most_a_tenth_late() {
        let runs = (0..5).map(|_| Victim::watched("watchdog_frozen", GRACE).wait());
        let best = runs.map(|death| death.after).min();
        let best = best.expect("five runs");
        assert!(best >= GRACE + BEHIND, "too early: {best:?}");
        assert!(best <= GRACE + BEHIND + GRACE / 10, "{best:?}");
    }

    #[test]
    fn timer_leaves_the_status_to_the_watchdog() {
        let mut runs = (0..5).map(|_| ends_by_either_line("both_lines", 124));
        assert!(runs.any(|death| death.end == End::Status(124)));
    }

    #[test]
    fn process_runs_until_its_deadline() {
        let last = (0..5).map(|_| {
            let death = ends_with("alive", GRACE, 124);
            assert!(death.after >= GRACE, "too early: {death:?}");
            let last = figures(&death, "alive").next().expect("it looked on");
            Duration::from_nanos(last - death.armed_at)
        });
        let last = last.max().expect("five runs");
        assert!(last >= GRACE - Duration::from_millis(1), "{last:?}");
    }

    #[test]
    fn process_that_finishes_in_time_keeps_its_own_status() {
        ends_with("returns_at_once", LONG, 97);
    }

    #[test]
    fn grace_of_zero_ends_the_process_at_once() {
        let death = ends_with("armed_at_once", LONG, 124);
        assert!(death.after < LONG, "{death:?}");
    }

    #[test]
    fn grace_beyond_the_clock_range_ends_no_process() {
        assert!(Victim::watched("armed_for_ever", GRACE).lives_for(3 * GRACE));
    }

    #[test]
    fn second_arm_brings_the_end_forward() {
        let death = ends_with("deadlock_hurried", LONG, 124);
        assert!(death.after >= GRACE, "too early: {death:?}");
        assert!(death.after < LONG, "not brought forward: {death:?}");
    }

    #[test]
    fn second_arm_brings_the_timer_forward() {
        let death = Victim::watched("deadlock_hurried_frozen", LONG).wait();
        assert_eq!(death.end, End::Signal(libc::SIGKILL), "{death:?}");
        assert!(death.after >= GRACE + BEHIND, "too early: {death:?}");
        assert!(death.after < LONG, "not brought forward: {death:?}");
    }

    #[test]
    fn fault_with_second_arm_is_stuck_without_a_watchdog() {
        assert!(Victim::unwatched("deadlock_hurried", LONG).lives_for(3 * GRACE));
    }

    #[test]
    fn process_stopped_and_continued_keeps_its_deadline() {
        // The grace is long enough to continue the process in time under load.
        let grace = 10 * GRACE;
        let death = ends_with("stopped_and_continued", grace, 124);
        assert!(death.stdout.contains("continued"), "{death:?}");
        assert!(death.after >= grace, "too early: {death:?}");
    }
}

mod installing {
    use super::*;

    #[test]
    fn describes_what_is_installed_and_leaves_the_signal_mask_alone() {
        ends_by_either_line("installed", 124);
    }

    #[test]
    fn one_of_many_simultaneous_installs_succeeds() {
        ends_at_the_deadline_with("installed_in_a_race", 124);
    }

    #[test]
    fn second_watchdog_is_refused_and_the_first_stays() {
        ends_at_the_deadline_with("installed_twice", 3);
    }

    #[test]
    fn exit_status_0_is_refused_and_another_may_follow() {
        ends_at_the_deadline_with("installed_late_for_exit_status_0", 3);
    }

    #[test]
    fn no_thread_is_an_error_and_a_later_try_succeeds() {
        ends_by_either_line("installed_late_for_want_of_threads", 3);
    }

    #[test]
    fn no_timer_is_an_error_if_it_is_required_and_a_later_try_succeeds() {
        ends_by_either_line("installed_late_for_want_of_timers", 3);
    }
}

mod arming {
    use super::*;

    #[test]
    fn signal_handler_can_arm_and_errno_is_unchanged() {
        ends_at_the_deadline_with("armed_by_a_handler", 124);
    }

    #[test]
    fn earliest_deadline_of_many_threads_is_kept() {
        ends_at_the_deadline_with("armed_by_many_threads", 124);
    }

    #[test]
    fn timer_has_the_earliest_deadline_of_many_threads() {
        let death = Victim::watched("armed_by_many_threads_frozen", GRACE).wait();
        assert_eq!(death.end, End::Signal(libc::SIGKILL), "{death:?}");
        assert!(death.after >= GRACE + BEHIND, "too early: {death:?}");
    }

    #[test]
    fn timer_has_the_earlier_deadline_after_a_race_of_two_threads() {
        ends_with("armed_in_a_race", GRACE, 97);
    }
}

mod children {
    use super::*;

    /// Asserts that the child's own watchdog ends it with status 5.
    fn is_ended_by_its_own_watchdog(fault: &str) {
        let victim = Victim::watched(fault, LONG);
        if victim.is_refused() {
            return;
        }
        let death = victim.wait();
        assert_eq!(death.end, End::Status(5), "{death:?}");
        let armed = figures(&death, "child").next().expect("the child armed");
        let before = Duration::from_nanos(armed - death.armed_at);
        assert!(death.after - before >= GRACE, "too early: {death:?}");
        assert!(death.after < LONG, "by its parent's: {death:?}");
    }

    #[test]
    fn forked_child_is_unwatched_until_it_installs_its_own() {
        is_ended_by_its_own_watchdog("forked");
    }

    #[test]
    fn forked_child_with_its_parents_pid_is_unwatched() {
        is_ended_by_its_own_watchdog("forked_with_its_parents_pid");
    }

    #[test]
    fn forked_child_has_its_own_timer() {
        let death = Victim::watched("forked_and_frozen", LONG).wait();
        assert_eq!(death.end, End::Signal(libc::SIGKILL), "{death:?}");
        let armed = figures(&death, "child").next().expect("the child armed");
        let before = Duration::from_nanos(armed - death.armed_at);
        assert!(
            death.after - before >= GRACE + BEHIND,
            "too early: {death:?}"
        );
        assert!(death.after < LONG, "by its parent's: {death:?}");
    }

    #[test]
    fn child_made_by_raw_clone_is_unwatched() {
        ends_with("cloned", LONG, 97);
    }

    #[test]
    fn child_made_by_raw_clone_with_its_parents_pid_is_unwatched() {
        ends_with("cloned_with_its_parents_pid", LONG, 97);
    }

    #[test]
    fn child_that_shares_memory_does_not_arm_its_parent() {
        let victim = Victim::watched("armed_by_a_child_that_shares_memory", GRACE);
        assert!(victim.lives_for(3 * GRACE));
    }

    #[test]
    fn program_started_by_exec_is_unwatched() {
        assert!(Victim::watched("executed", GRACE).lives_for(3 * GRACE));
    }
}

mod cost {
    use super::*;

    #[test]
    fn parked_threads_are_never_woken() {
        let death = ends_with("parked", LONG, 97);
        let switches: Vec<_> = figures(&death, "switches deadstop-watch").collect();
        assert_eq!(switches, [0], "{death:?}");
    }

    #[test]
    fn parked_threads_of_a_shutdown_are_never_woken() {
        let death = ends_with("parked_shutdown", LONG, 97);
        let switches = |thread| -> Vec<_> {
            let name = format!("switches deadstop-{thread}");
            figures(&death, &name).collect()
        };
        for thread in ["watch", "signal", "run", "task", "report"] {
            assert_eq!(switches(thread), [0], "{thread}: {death:?}");
        }
        // The log's thread starts with the first line, and the symbolizer with the first report.
        for thread in ["log", "symbols"] {
            assert_eq!(switches(thread), [], "{thread}: {death:?}");
        }
    }

    /// Among spinning threads, the watchdog is on time because it sleeps in short intervals.
    /// There is time for fifty; load may cost some.
    #[test]
    fn armed_watchdog_sleeps_in_short_intervals() {
        let death = ends_with("naps", GRACE, 124);
        let switches = figures(&death, "switches deadstop-watch").last();
        assert!(switches.expect("it was counted") >= 10, "{death:?}");
    }

    /// The watchdog must have a real-time priority if the system allows it, otherwise a short
    /// time slice.
    #[test]
    fn watchdog_has_the_best_available_scheduling() {
        ends_at_the_deadline_with("settled", 124);
        ends_at_the_deadline_with("settled_unprivileged", 124);
    }

    /// A privileged watchdog has a real-time priority. Two busy watchdogs would use both
    /// processors of a machine.
    #[test]
    fn watchdog_whose_waits_return_at_once_uses_little_processor_time() {
        for fault in ["clock_stands_still", "preloaded_syscall_does_nothing"] {
            let victim = Victim::watched(fault, LONG);
            let before = victim.processor_time("deadstop-watch");
            thread::sleep(4 * GRACE);
            let used = victim.processor_time("deadstop-watch") - before;
            assert!(used < GRACE, "{fault}: {used:?} of {:?}", 4 * GRACE);
        }
    }

    #[test]
    fn armed_watchdog_only_calls_wait_and_exit() {
        if let Err(reason) = Command::new("strace").arg("--version").output() {
            harness::skip(&format!("strace: {reason}"));
            return;
        }
        // Tracing is slow, and the backup timer does not wait for it.
        let ended = (0..5).any(|_| {
            let victim = harness::command("both_lines", GRACE, "watched");
            let mut strace = Command::new("strace");
            strace.args(["-f", "-qq", "-o", "/dev/fd/2"]);
            strace.arg(victim.get_program()).args(victim.get_args());
            let death = Victim::start(strace, "both_lines", GRACE).wait();
            assert!(death.after >= GRACE, "too early: {death:?}");
            let calls = calls_of_an_armed_watchdog(&death);
            for call in &calls {
                let known = ["exit_group", "futex", "getpid", "restart_syscall"];
                assert!(known.contains(&call.as_str()), "{calls:?}: {death:?}");
            }
            calls.last().is_some_and(|call| call == "exit_group")
        });
        assert!(ended, "it never came to its end");
    }

    /// Returns the system calls of the watchdog's thread after the timer was set.
    fn calls_of_an_armed_watchdog(death: &Death) -> Vec<String> {
        let lines: Vec<_> = death.stderr.lines().collect();
        let named = lines
            .iter()
            .find(|line| line.contains("\"deadstop-watch\""));
        let thread = named.and_then(|line| line.split_whitespace().next());
        let thread = thread.expect("the watchdog names itself");
        let armed = lines
            .iter()
            .position(|line| line.contains("timer_settime("));
        let armed = armed.expect("the timer is set");
        let its_own = lines[armed..].iter().filter_map(|line| {
            let (caller, call) = line.split_once(' ')?;
            let (call, _) = call.trim_start().split_once('(')?;
            let begun = caller == thread && !call.contains(' ');
            begun.then(|| call.to_owned())
        });
        its_own.collect()
    }
}
