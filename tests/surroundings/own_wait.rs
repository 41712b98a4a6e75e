//! A program that takes SIGTERM by `sigwait`.

use std::process::Output;

use deadstop::{Shutdown, Signal};

use super::self_victim::{run, say, victim};
use super::{LONG, block, ok, said};

/// A program that takes SIGTERM by sigwait, and says so to deadstop or not.
fn waits(test: &str, hands_over: bool) -> Output {
    run(victim(test, || {
        let set = block(libc::SIGTERM);
        let shutdown = ok(Shutdown::builder().grace(LONG).install());
        let protection = shutdown.watchdog().protection();
        assert_eq!(protection.blocked_signals(), [Signal::TERM]);
        let warnings = protection.warnings();
        let warns = |text: &String| text.contains("SIGTERM") && text.contains("sigwait");
        assert!(warnings.iter().any(warns), "{warnings:?}");
        // The signal goes to this thread, so that no other thread can take it.
        // SAFETY: `raise` takes an integer.
        assert_eq!(unsafe { libc::raise(libc::SIGTERM) }, 0);
        let mut heard = 0;
        // SAFETY: both pointers are valid.
        assert_eq!(unsafe { libc::sigwait(&raw const set, &raw mut heard) }, 0);
        if hands_over {
            shutdown.notify_signal(Signal::TERM, None);
            let _ = shutdown.wait();
            say(&format!("cause: {:?}", shutdown.cause()));
        }
        say(&format!("requested: {}", shutdown.is_requested()));
        std::process::exit(0);
    }))
}

#[test]
fn sigwait_is_warned_of_and_can_hand_the_signal_over() {
    let test = "own_wait::sigwait_is_warned_of_and_can_hand_the_signal_over";
    let output = waits(test, true);
    assert!(said(&output).contains("requested: true"), "{output:?}");
    assert!(said(&output).contains("SIGTERM"), "{output:?}");
}

/// The control.
#[test]
fn sigwait_that_hands_nothing_over_begins_no_shutdown() {
    let test = "own_wait::sigwait_that_hands_nothing_over_begins_no_shutdown";
    let output = waits(test, false);
    assert!(said(&output).contains("requested: false"), "{output:?}");
}
