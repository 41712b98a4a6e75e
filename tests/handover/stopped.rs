//! Shutdowns that begin before, while and after the successor becomes ready.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::handover::HandOver;
use deadstop::{Shutdown, TaskHandle};

use super::victim::{Ended, Victim};
use super::{PATIENCE, ROLE, hand_over_to, shutdown, terminate, to_itself, victim};

/// The process id of a successor. The drop kills the process if it still runs.
pub(crate) struct Successor(u32);

impl Successor {
    /// Reads the process id from a line such as `successor 1234`.
    pub(crate) fn of(line: &str) -> Self {
        let number = line.rsplit(' ').next().expect("a word");
        Self(number.parse().expect("a process id"))
    }

    pub(crate) fn is_running(&self) -> bool {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.0)).unwrap_or_default();
        let state = stat.rsplit_once(") ").map(|(_, rest)| rest.as_bytes()[0]);
        state.is_some_and(|state| !b"ZX".contains(&state))
    }

    /// Waits for the end of the process, and returns `true` if it came.
    fn ends(&self) -> bool {
        let until = Instant::now() + PATIENCE;
        while self.is_running() && Instant::now() < until {
            thread::sleep(Duration::from_millis(5));
        }
        !self.is_running()
    }
}

impl Drop for Successor {
    #[expect(unsafe_code, reason = "kills a process that the test has started")]
    fn drop(&mut self) {
        if self.is_running() {
            // SAFETY: kill(2) takes two integers.
            unsafe { libc::kill(self.0 as i32, libc::SIGKILL) };
        }
    }
}

/// Starts the hand-over on a new thread. The thread prints the result, and the shutdown waits
/// for the thread.
fn hand_over_beside(shutdown: &Shutdown, hand_over: HandOver) -> TaskHandle {
    let starts = thread::spawn(move || {
        let result = hand_over.start().map(|_| "took over");
        println!("hand-over: {result:?}");
    });
    let task = shutdown.task("hand over").join(starts);
    task.expect("the shutdown has not begun")
}

/// Sends SIGTERM to the predecessor while the successor starts. Asserts that neither runs
/// afterwards, and that the hand-over failed. Returns the end of the predecessor.
fn assert_signal_ends_both(mut old: Victim) -> Ended {
    let successor = Successor::of(&old.hear("successor "));
    old.send(libc::SIGTERM);
    assert_both_have_ended(old, &successor)
}

/// Asserts the same after a signal that the successor has sent.
fn assert_both_have_ended(old: Victim, successor: &Successor) -> Ended {
    let ended = old.wait();
    assert!(!successor.is_running(), "{ended:#?}");
    ended.assert_says("hand-over: Err(ShuttingDown)");
    ended
}

/// The first command of a successor that is a shell script: prints its process id.
const HELLO: &str = "echo successor $$; ";

#[test]
fn shutdown_before_the_successor_is_ready_ends_both() {
    let test = "stopped::shutdown_before_the_successor_is_ready_ends_both";
    let old = victim::start(test, || {
        let shutdown = shutdown();
        if std::env::var_os(ROLE).is_some() {
            let drains = shutdown.task("drain").on_shutdown(|_| {
                thread::sleep(Duration::from_millis(200));
                println!("the successor has drained");
            });
            drains.expect("the shutdown has not begun");
            println!("successor {}", std::process::id());
        } else {
            hand_over_beside(&shutdown, to_itself(&shutdown, test));
        }
        shutdown.wait_and_exit();
    });
    let ended = assert_signal_ends_both(old);
    ended.assert_status(0);
    ended.assert_says("the successor has drained");
}

#[test]
fn successor_that_ignores_sigterm_is_killed_before_the_process_ends() {
    let test = "stopped::successor_that_ignores_sigterm_is_killed_before_the_process_ends";
    let old = victim::start(test, || {
        let builder = Shutdown::builder().grace(Duration::from_secs(3));
        let shutdown = builder.install().expect("no watchdog is installed");
        let script = format!("trap '' TERM; {HELLO} while :; do sleep 0.1; done");
        hand_over_beside(&shutdown, hand_over_to(&shutdown, &script));
        let _ = shutdown.wait();
        let report = shutdown.report().expect("the shutdown has ended");
        let task = report
            .task("successor /bin/sh")
            .expect("the report lists the task");
        println!("registered at {}", task.site());
        shutdown.wait_and_exit();
    });
    let ended = assert_signal_ends_both(old);
    // The task that ends the successor has failed, because it had to kill it.
    ended.assert_status(1);
    ended.assert_says("registered at tests/handover/stopped.rs:");
}

#[test]
fn deadline_kills_a_successor_that_is_not_ready() {
    let test = "stopped::deadline_kills_a_successor_that_is_not_ready";
    let mut old = victim::start(test, || {
        let shutdown = shutdown();
        let script = format!("trap '' TERM; {HELLO} while :; do sleep 0.1; done");
        hand_over_beside(&shutdown, hand_over_to(&shutdown, &script));
        shutdown.requested().wait();
        shutdown.watchdog().arm_within(Duration::ZERO);
        thread::sleep(Duration::from_secs(60));
    });
    let successor = Successor::of(&old.hear("successor "));
    old.send(libc::SIGTERM);
    let ended = old.wait();
    // The process sent SIGKILL before it ended. The successor may end slightly later.
    assert!(successor.ends(), "{ended:#?}");
    ended.assert_status(124);
}

#[test]
fn process_that_exits_kills_a_successor_that_is_not_ready() {
    let test = "stopped::process_that_exits_kills_a_successor_that_is_not_ready";
    let mut old = victim::start(test, || {
        let shutdown = shutdown();
        let mark = format!("/tmp/deadstop-successor-{}", std::process::id());
        let script = format!("trap '' TERM; {HELLO} : >$MARK; while :; do sleep 0.1; done");
        let hand_over = hand_over_to(&shutdown, &script).env("MARK", &mark);
        thread::spawn(move || hand_over.start());
        while fs::remove_file(&mark).is_err() {
            thread::sleep(Duration::from_millis(5));
        }
    });
    let successor = Successor::of(&old.hear("successor "));
    let ended = old.wait();
    assert!(successor.ends(), "{ended:#?}");
    ended.assert_status(0);
}

#[test]
fn successor_that_is_ready_after_the_request_does_not_take_over() {
    let test = "stopped::successor_that_is_ready_after_the_request_does_not_take_over";
    let old = victim::start(test, || {
        let shutdown = shutdown();
        if std::env::var_os(ROLE).is_some() {
            println!("successor {}", std::process::id());
            // Waits for SIGTERM from the predecessor.
            shutdown.requested().wait();
            shutdown.set_ready();
        } else {
            hand_over_beside(&shutdown, to_itself(&shutdown, test));
        }
        shutdown.wait_and_exit();
    });
    let ended = assert_signal_ends_both(old);
    ended.assert_status(0);
}

/// The successor becomes ready and the signal arrives, in both orders and at the same time.
/// Either the successor has taken over and runs, or both processes have ended.
#[test]
fn shutdown_while_the_successor_becomes_ready_ends_both_or_keeps_it_running() {
    let test = "stopped::shutdown_while_the_successor_becomes_ready_ends_both_or_keeps_it_running";
    let orders = [
        "kill -TERM $OLD; echo >&$DEADSTOP_READY_FD",
        "echo >&$DEADSTOP_READY_FD; kill -TERM $OLD",
        "kill -TERM $OLD & echo >&$DEADSTOP_READY_FD",
    ];
    for order in orders.repeat(4) {
        let mut old = victim::start_with(test, &[("ORDER", order)], || {
            let shutdown = shutdown();
            let order = std::env::var("ORDER").expect("the test sets it");
            let script = format!("{HELLO} {order}; exec sleep 60");
            let hand_over = hand_over_to(&shutdown, &script);
            let pid = std::process::id().to_string();
            hand_over_beside(&shutdown, hand_over.env("OLD", pid));
            shutdown.wait_and_exit();
        });
        let successor = Successor::of(&old.hear("successor "));
        let ended = old.wait();
        ended.assert_status(0);
        let took_over = ended.stdout.contains("hand-over: Ok(\"took over\")");
        assert_eq!(successor.is_running(), took_over, "{ended:#?}");
        if !took_over {
            ended.assert_says("hand-over: Err(ShuttingDown)");
        }
    }
}

/// The predecessor is delayed by 2 s after it has read the ready byte. The shutdown begins
/// during this delay.
#[test]
fn shutdown_after_the_ready_byte_is_read_and_before_the_take_over_ends_both() {
    let test = "stopped::shutdown_after_the_ready_byte_is_read_and_before_the_take_over_ends_both";
    let slow = victim::strace("trace=recvfrom", "inject=recvfrom:delay_exit=2000000");
    if !victim::works(&slow) {
        return victim::skip("strace cannot be used");
    }
    let mut old = victim::start_under(test, &slow, &[], || {
        let shutdown = shutdown();
        // The first read, which finds no byte, has ended after 6 s. The second one is in
        // progress at the signal.
        let becomes_ready = "sleep 6; echo >&$DEADSTOP_READY_FD; sleep 0.5; kill -TERM $OLD";
        let script = format!("{HELLO} {becomes_ready}; exec sleep 60");
        let hand_over = hand_over_to(&shutdown, &script);
        let pid = std::process::id().to_string();
        hand_over_beside(&shutdown, hand_over.env("OLD", pid));
        shutdown.wait_and_exit();
    });
    let successor = Successor::of(&old.hear("successor "));
    assert_both_have_ended(old, &successor).assert_status(0);
}

#[test]
fn shutdown_after_the_successor_is_ready_keeps_it_running() {
    let test = "stopped::shutdown_after_the_successor_is_ready_keeps_it_running";
    let mut old = victim::start(test, || {
        let shutdown = shutdown();
        if std::env::var_os(ROLE).is_some() {
            println!("successor {}", std::process::id());
            shutdown.set_ready();
        } else {
            hand_over_beside(&shutdown, to_itself(&shutdown, test));
        }
        shutdown.wait_and_exit();
    });
    let successor = Successor::of(&old.hear("successor "));
    old.hear("hand-over: Ok(\"took over\")");
    old.send(libc::SIGTERM);
    let ended = old.wait();
    ended.assert_status(0);
    assert!(successor.is_running(), "{ended:#?}");
    // The successor handles its own signals.
    terminate(successor.0);
    assert!(successor.ends());
}

#[test]
fn hand_over_during_the_shutdown_starts_no_successor() {
    let test = "stopped::hand_over_during_the_shutdown_starts_no_successor";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let handing = shutdown.clone();
        let task = shutdown.task("hand over").on_shutdown(move |_| {
            let result = hand_over_to(&handing, "echo it was started")
                .start()
                .map(|_| ());
            println!("hand-over: {result:?}");
        });
        task.expect("the shutdown has not begun");
        shutdown.finish_and_exit();
    });
    ended.assert_status(0);
    ended.assert_says("hand-over: Err(ShuttingDown)");
    ended.assert_silent_about("it was started");
}
