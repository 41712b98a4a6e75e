//! Signals that kill(2) sends to real processes.
//!
//! A hung program has a task "flush the log" that prints `begun` and does not return. Its
//! control has its own signal handler and loop.

mod harness;

use std::process::{Command, id};
use std::thread::sleep;
use std::time::{Duration, Instant};

use harness::{Death, End, GRACE, Victim};

/// A grace period that is longer than any test.
const LONG: Duration = Duration::from_secs(20);

/// A grace that is long enough for the hang report under load. The report comes a tenth of it
/// before the deadline.
const REPORTED: Duration = Duration::from_secs(3);

/// The time after which another signal counts as a second one.
const SECOND: Duration = Duration::from_millis(200);

const SIGINT: i32 = libc::SIGINT;
const SIGTERM: i32 = libc::SIGTERM;

/// Runs `fault`, sends it `signal`, and waits for its end.
fn sent(fault: &str, grace: Duration, signal: i32) -> Death {
    let mut victim = Victim::watched(fault, grace);
    victim.trigger(signal);
    victim.wait()
}

/// Returns the line of the report that names the cause.
fn cause(death: &Death) -> &str {
    let cause = death
        .stdout
        .lines()
        .find_map(|line| line.strip_prefix("cause "));
    cause.unwrap_or_else(|| panic!("no cause: {death:?}"))
}

/// Returns the report's text for a signal that this process sent.
fn from_here(signal: &str) -> String {
    format!(
        "{signal} from pid {}, uid {}",
        id(),
        harness::running_victim::uid()
    )
}

fn says(death: &Death, line: &str) -> bool {
    death.stdout.lines().any(|said| said == line)
}

/// Asserts that the deadline ended the process, and not early.
fn assert_ended_at_the_deadline(death: &Death, grace: Duration) {
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= grace, "too early: {death:?}");
}

/// Asserts that `signal` ended the process, long before its deadline.
fn assert_ended_at_once_by(death: &Death, signal: i32) {
    assert_eq!(death.end, End::Signal(signal), "{death:?}");
    assert!(death.after < LONG, "{death:?}");
}

/// Each signal that can be a trigger: a healthy program stops, and a hung one is ended at its
/// deadline.
mod first {
    use super::*;

    macro_rules! signals {
        ($($name:ident $number:expr, $shown:expr, $sender:expr;)*) => {$(
            mod $name {
                use super::*;

                #[test]
                fn ends_a_healthy_program_with_0_and_is_its_cause() {
                    let death = sent("healthy", LONG, $number);
                    assert_eq!(death.end, End::Status(0), "{death:?}");
                    assert!(says(&death, "ran close"), "{death:?}");
                    let expected = if $sender { from_here($shown) } else { $shown.to_owned() };
                    assert_eq!(cause(&death), expected, "{death:?}");
                    assert!(!death.stderr.contains(": deadline in "), "{death:?}");
                }

                #[test]
                fn ends_a_hung_program_at_its_deadline() {
                    let death = sent("hung", GRACE, $number);
                    assert_ended_at_the_deadline(&death, GRACE);
                }

                #[test]
                fn leaves_the_control_hung() {
                    let mut victim = Victim::unwatched("hung", GRACE);
                    victim.trigger($number);
                    victim.hear("begun");
                    assert!(victim.lives_for(3 * GRACE));
                }
            }
        )*};
    }

    signals! {
        alarm libc::SIGALRM, "SIGALRM", true;
        hangup libc::SIGHUP, "SIGHUP", true;
        interrupt SIGINT, "SIGINT", true;
        quit libc::SIGQUIT, "SIGQUIT", true;
        real_time 40, "signal 40", true;
        terminate SIGTERM, "SIGTERM", true;
        user_1 libc::SIGUSR1, "SIGUSR1", true;
        user_2 libc::SIGUSR2, "SIGUSR2", true;
    }

    /// If the control did not end here, the other controls would prove nothing.
    #[test]
    fn ends_a_healthy_control_too() {
        let mut victim = Victim::unwatched("healthy", GRACE);
        victim.trigger(SIGTERM);
        let death = victim.wait();
        assert_eq!(death.end, End::Status(0), "{death:?}");
    }

    #[test]
    fn report_names_the_task_first_and_then_the_cause() {
        let death = sent("hung", REPORTED, SIGTERM);
        assert_ended_at_the_deadline(&death, REPORTED);
        // Earlier lines belong to a shutdown that could still succeed.
        let begin = death.stderr.find("deadstop: deadline in ");
        let mut lines = death.stderr[begin.unwrap_or(0)..].lines();
        let first = lines.next().unwrap_or_default();
        let named = "s: 1 task has not returned: \"flush the log\" (phase flush, ";
        assert!(first.starts_with("deadstop: deadline in 0."), "{death:?}");
        assert!(first.contains(named), "{death:?}");
        let figures = first
            .split([' ', '('])
            .filter_map(|word| word.parse::<f64>().ok());
        let figures: Vec<_> = figures.collect();
        let [left, 1.0, took, 3.0] = figures[..] else {
            panic!("{figures:?}: {death:?}");
        };
        assert!((0.0..=0.3).contains(&left), "{death:?}");
        assert!((2.5..=3.0).contains(&took), "{death:?}");
        let place = lines.next().unwrap_or_default();
        assert!(place.starts_with("deadstop:   it is "), "{death:?}");
        let cause = format!("deadstop:   cause: {}, ", from_here("SIGTERM"));
        let mut summary = lines.take_while(|line| *line != "deadstop: details:");
        let line = summary.find(|line| line.starts_with(&cause));
        let line = line.unwrap_or_else(|| panic!("no cause: {death:?}"));
        assert!(line.ends_with(" s ago; grace 3.0 s"), "{death:?}");
    }
}

/// A second signal ends the process at once: the user does not want to wait.
mod second {
    use super::*;

    /// Sends `first`, and sends `second` when it no longer counts as the same request.
    fn impatient(fault: &str, first: i32, second: i32) -> Option<Death> {
        let mut victim = Victim::watched(fault, LONG);
        if victim.is_refused() {
            return None;
        }
        victim.trigger(first);
        // The handler has read the clock by now.
        victim.hear("begun");
        sleep(SECOND + SECOND / 4);
        victim.send(second);
        Some(victim.wait())
    }

    fn ends_at_once(fault: &str, first: i32, second: i32) {
        let death = impatient(fault, first, second).expect("it can be tried everywhere");
        assert_ended_at_once_by(&death, second);
    }

    #[test]
    fn ends_the_process_at_once_by_that_signal() {
        ends_at_once("hung", SIGTERM, SIGTERM);
    }

    #[test]
    fn may_be_a_ctrl_c() {
        ends_at_once("hung", SIGINT, SIGINT);
    }

    #[test]
    fn may_be_another_than_the_first() {
        ends_at_once("hung", SIGTERM, SIGINT);
        ends_at_once("hung", SIGINT, SIGTERM);
        ends_at_once("hung", libc::SIGUSR1, libc::SIGHUP);
    }

    #[test]
    fn is_handled_while_all_other_threads_spin() {
        ends_at_once("hung_among_spinning_threads", SIGTERM, SIGTERM);
        ends_at_once("hung_among_spinning_threads", SIGINT, SIGINT);
    }

    #[test]
    fn is_handled_if_all_other_threads_block_it() {
        ends_at_once("hung_with_signals_blocked", SIGTERM, SIGTERM);
        ends_at_once("hung_with_signals_blocked", SIGINT, SIGINT);
    }

    #[test]
    fn ends_pid_1_with_the_status_of_that_signal() {
        for (signal, status) in [(SIGTERM, 143), (SIGINT, 130)] {
            let Some(death) = impatient("hung_as_pid_1", signal, signal) else {
                return;
            };
            assert_eq!(death.end, End::Status(status), "{death:?}");
            assert!(death.after < LONG, "{death:?}");
        }
    }

    /// Process managers may send two signals for one request.
    fn is_the_same_request_if_it_comes_soon(first: i32, second: i32) {
        let mut victim = Victim::watched("hung", 2 * GRACE);
        victim.trigger(first);
        victim.hear("begun");
        sleep(SECOND / 4);
        victim.send(second);
        assert_ended_at_the_deadline(&victim.wait(), 2 * GRACE);
    }

    #[test]
    fn is_the_same_request_within_200_ms() {
        is_the_same_request_if_it_comes_soon(SIGTERM, SIGTERM);
        is_the_same_request_if_it_comes_soon(SIGINT, SIGINT);
        is_the_same_request_if_it_comes_soon(SIGTERM, libc::SIGHUP);
    }

    #[test]
    fn many_signals_at_once_are_one_request() {
        const MANY: usize = 2_000;
        let mut victim = Victim::watched("hung", 2 * GRACE);
        let before = Instant::now();
        victim.trigger(SIGTERM);
        let soon = |sent: &usize| *sent < MANY && before.elapsed() < 3 * SECOND / 4;
        let sent = (0..).take_while(soon).map(|_| victim.send(SIGTERM)).count();
        assert!(sent >= 1_000, "too slow a storm: {sent}");
        let death = victim.wait();
        assert_ended_at_the_deadline(&death, 2 * GRACE);
        let begun = death.stdout.lines().filter(|line| *line == "begun");
        assert_eq!(begun.count(), 1, "{death:?}");
    }

    #[test]
    fn first_signal_after_a_request_is_not_a_second_one() {
        let mut victim = Victim::watched("hung_requested", 3 * GRACE);
        victim.hear("begun");
        sleep(SECOND + SECOND / 4);
        victim.send(SIGTERM);
        assert_ended_at_the_deadline(&victim.wait(), 3 * GRACE);
    }

    #[test]
    fn second_signal_after_a_request_is_a_second_one() {
        let mut victim = Victim::watched("hung_requested", LONG);
        victim.hear("begun");
        victim.send(SIGTERM);
        sleep(3 * SECOND);
        victim.send(SIGTERM);
        assert_ended_at_once_by(&victim.wait(), SIGTERM);
    }
}

/// Ten thousand signals, before, during and after `install`, and during the shutdown.
mod storms {
    use super::*;

    const MANY: usize = 10_000;

    /// Sends as many signals as count as one request.
    fn storm(victim: &Victim) -> usize {
        let before = Instant::now();
        let soon = |sent: &usize| *sent < MANY && before.elapsed() < SECOND / 2;
        (0..).take_while(soon).map(|_| victim.send(SIGTERM)).count()
    }

    #[test]
    fn before_install_is_handled_by_the_program() {
        let mut victim = Victim::watched("stormed_before_install", GRACE);
        victim.trigger(SIGTERM);
        assert_ended_at_the_deadline(&victim.wait(), GRACE);
    }

    /// The first signal that is handled after `install` starts the shutdown. Later ones have no
    /// effect.
    #[test]
    fn during_install_is_one_request_or_none() {
        let mut victim = Victim::watched("stormed_during_install", 2 * GRACE);
        victim.send(SIGTERM);
        victim.hear("begun");
        assert_ended_at_the_deadline(&victim.wait(), 2 * GRACE);
    }

    #[test]
    fn of_a_hung_program_is_one_request() {
        let mut victim = Victim::watched("hung", 2 * GRACE);
        victim.trigger(SIGTERM);
        storm(&victim);
        let death = victim.wait();
        assert_ended_at_the_deadline(&death, 2 * GRACE);
        let begun = death.stdout.lines().filter(|line| *line == "begun");
        assert_eq!(begun.count(), 1, "{death:?}");
    }

    /// Signals arrive during the tasks, during the rest of `main`, and during the exit.
    #[test]
    fn of_a_healthy_program_does_not_change_how_it_ends() {
        for _ in 0..5 {
            let mut victim = Victim::watched("healthy", LONG);
            victim.trigger(SIGTERM);
            storm(&victim);
            let death = victim.wait();
            assert_eq!(death.end, End::Status(0), "{death:?}");
            assert!(says(&death, "ran close"), "{death:?}");
        }
    }

    #[test]
    fn leaves_the_control_hung() {
        let mut victim = Victim::unwatched("hung", GRACE);
        victim.trigger(SIGTERM);
        storm(&victim);
        assert!(victim.lives_for(3 * GRACE));
    }
}

/// Signal masks of other threads.
mod masks {
    use super::*;

    #[test]
    fn signal_that_every_other_thread_blocks_starts_the_shutdown() {
        for signal in [SIGTERM, SIGINT] {
            let death = sent("hung_with_signals_blocked", GRACE, signal);
            assert_ended_at_the_deadline(&death, GRACE);
        }
    }

    #[test]
    fn signal_that_every_thread_blocks_starts_no_shutdown() {
        let mut victim = Victim::unwatched("hung_with_signals_blocked", GRACE);
        victim.trigger(SIGTERM);
        assert!(victim.lives_for(3 * GRACE));
    }

    #[test]
    fn install_leaves_the_masks_of_the_program_and_its_tasks_alone() {
        let death = sent("mask_as_it_was", LONG, SIGTERM);
        assert_eq!(death.end, End::Status(0), "{death:?}");
    }

    #[test]
    fn program_started_by_one_that_masks_must_be_unmasked() {
        for signal in [SIGTERM, SIGINT] {
            let death = sent("children_of_masked", LONG, signal);
            assert_eq!(death.end, End::Status(0), "{death:?}");
            assert!(says(&death, "masked survived"), "{death:?}");
            assert!(says(&death, "unmasked died by 15"), "{death:?}");
        }
    }

    #[test]
    fn program_started_by_one_that_does_not_mask_hears_signals() {
        let death = sent("children_of_plain", LONG, SIGTERM);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert!(says(&death, "plain died by 15"), "{death:?}");
    }
}

/// Signal dispositions that were set before `install`.
mod dispositions {
    use super::*;

    /// A shell and nohup(1) start background programs in this way.
    #[test]
    fn ignored_terminal_signals_stay_ignored_and_others_do_not() {
        let program = harness::command("healthy", LONG, "watched");
        let mut shell = Command::new("sh");
        shell.args(["-c", "trap '' INT HUP QUIT TERM USR1; exec \"$0\" \"$@\""]);
        shell.arg(program.get_program()).args(program.get_args());
        let mut victim = Victim::start(shell, "healthy", LONG);
        for signal in [SIGINT, libc::SIGHUP, libc::SIGQUIT] {
            victim.send(signal);
            // If this signal were handled, it would now be the cause.
            sleep(SECOND / 4);
        }
        victim.trigger(SIGTERM);
        let death = victim.wait();
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert_eq!(cause(&death), from_here("SIGTERM"), "{death:?}");
    }

    #[test]
    fn earlier_handler_is_still_called() {
        for signal in [SIGTERM, SIGINT, libc::SIGUSR1] {
            let death = sent("handler_before", LONG, signal);
            assert_eq!(death.end, End::Status(0), "{death:?}");
            assert!(says(&death, "calls 1"), "{death:?}");
        }
    }

    #[test]
    fn earlier_callback_is_still_called() {
        let death = sent("ctrl_c_callback", LONG, SIGINT);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert_eq!(cause(&death), from_here("SIGINT"), "{death:?}");
    }

    /// A program can set a handler with ctrlc only once, and this program has done so.
    #[test]
    fn removed_callback_does_not_prevent_install() {
        let death = sent("ctrl_c_given_up", LONG, SIGINT);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert_eq!(cause(&death), from_here("SIGINT"), "{death:?}");
        assert!(!says(&death, "callback"), "{death:?}");
    }

    #[test]
    fn callback_that_hangs_does_not_delay_a_healthy_program() {
        let death = sent("callback_never_returns", LONG, SIGINT);
        assert_eq!(death.end, End::Status(0), "{death:?}");
    }

    #[test]
    fn callback_that_hangs_does_not_delay_the_deadline() {
        for signal in [SIGTERM, SIGINT] {
            let death = sent("callback_never_returns_hung", GRACE, signal);
            assert_ended_at_the_deadline(&death, GRACE);
        }
    }

    #[test]
    fn second_ctrl_c_is_handled_while_a_callback_hangs() {
        for second in [SIGTERM, SIGINT] {
            let mut victim = Victim::watched("callback_never_returns_hung", LONG);
            victim.trigger(SIGINT);
            victim.hear("begun");
            sleep(SECOND + SECOND / 4);
            victim.send(second);
            assert_ended_at_once_by(&victim.wait(), second);
        }
    }

    #[test]
    fn errno_is_left_as_it_was() {
        for signal in [SIGTERM, SIGINT] {
            let mut victim = Victim::watched("errno_kept", LONG);
            victim.trigger(signal);
            for _ in 0..1_000 {
                victim.send(signal);
            }
            let death = victim.wait();
            assert_eq!(death.end, End::Status(0), "{death:?}");
        }
    }
}

/// Signals that deadstop does not handle.
mod declined {
    use super::*;

    fn dies_by(fault: &str, signal: i32) {
        assert_ended_at_once_by(&sent(fault, LONG, signal), signal);
    }

    #[test]
    fn signal_that_is_not_asked_for_keeps_its_default_action() {
        dies_by("no_signals", SIGTERM);
        dies_by("no_signals", SIGINT);
    }

    #[test]
    fn refused_install_leaves_the_signals_as_they_were() {
        dies_by("refused_signals", SIGTERM);
        dies_by("refused_signals", SIGINT);
    }

    #[test]
    fn refused_install_may_be_followed_by_another() {
        let death = sent("installed_after_refusals", LONG, SIGTERM);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert_eq!(cause(&death), from_here("SIGTERM"), "{death:?}");
    }

    #[test]
    fn refused_install_leaves_a_handler_to_itself() {
        for signal in [SIGTERM, SIGINT] {
            let death = sent("refused_signals_handling", LONG, signal);
            assert_eq!(death.end, End::Status(0), "{death:?}");
        }
    }

    /// The second signal of the list is refused after the first has got its handler.
    #[test]
    fn refused_install_leaves_an_ignored_signal_ignored() {
        let mut victim = Victim::watched("refused_signals_ignoring", LONG);
        victim.trigger(SIGTERM);
        assert!(victim.lives_for(GRACE));
    }

    /// The system refuses the first thread, then the second, and so on.
    #[test]
    fn install_without_threads_leaves_the_signals_as_they_were() {
        for signal in [SIGTERM, SIGINT] {
            for room in 0.. {
                let mut command = harness::command("refused_threads", LONG, "watched");
                command.env("ROOM", room.to_string());
                let mut victim = Victim::start(command, "refused_threads", LONG);
                if victim.is_installed() {
                    assert!(room >= 5, "{room}");
                    break;
                }
                victim.trigger(signal);
                let death = victim.wait();
                assert_ended_at_once_by(&death, signal);
            }
        }
    }

    #[test]
    fn install_without_threads_may_be_followed_by_another() {
        for signal in [SIGTERM, SIGINT] {
            let death = sent("installed_after_threads_refused", LONG, signal);
            assert_eq!(death.end, End::Status(0), "{death:?}");
            assert!(says(&death, "ran close"), "{death:?}");
        }
    }

    #[test]
    fn child_of_fork_has_no_shutdown_and_dies_of_a_signal() {
        let death = sent("forked_children", LONG, SIGTERM);
        assert_eq!(death.end, End::Status(0), "{death:?}");
        assert_eq!(cause(&death), from_here("SIGTERM"), "{death:?}");
    }
}

/// The exit status of a clean shutdown.
mod clean_exit {
    use super::*;

    fn ends(fault: &str, signal: i32, end: End) {
        let death = sent(fault, LONG, signal);
        assert_eq!(death.end, end, "{death:?}");
        assert!(says(&death, "ran close"), "{death:?}");
    }

    #[test]
    fn may_be_the_status_of_the_signal() {
        ends("clean_by_status", SIGTERM, End::Status(143));
        ends("clean_by_status", SIGINT, End::Status(130));
        ends("clean_by_status_unwaited", SIGTERM, End::Status(143));
    }

    #[test]
    fn may_be_the_signal() {
        for signal in [SIGTERM, SIGINT] {
            ends("clean_by_signal_exited", signal, End::Signal(signal));
            ends("clean_by_signal_unwaited", signal, End::Signal(signal));
        }
    }

    #[test]
    fn is_the_status_of_the_signal_where_main_returns_what_it_waited_for() {
        ends("clean_by_signal", SIGTERM, End::Status(143));
    }

    #[test]
    fn is_none_if_a_task_failed() {
        ends("clean_by_signal_failed", SIGTERM, End::Status(1));
    }
}
