//! Several shutdowns in one process.

use std::sync::mpsc;

use deadstop::{Panics, Shutdown};

use super::self_victim::{run, victim};
use super::{LONG, ok};

/// Unit tests may start a program twice in one process.
#[test]
fn detached_shutdowns_run_side_by_side_and_arm_nothing() {
    let shutdowns: Vec<_> = (0..3)
        .map(|_| ok(Shutdown::builder().grace(LONG).detached()))
        .collect();
    let (done, is_done) = mpsc::channel();
    for (n, shutdown) in shutdowns.iter().enumerate() {
        let done = done.clone();
        ok(shutdown.task("close").on_shutdown(move |_| done.send(n)));
    }
    for shutdown in shutdowns.iter().rev() {
        let _ = shutdown.finish();
        assert!(shutdown.watchdog().deadline().is_none());
    }
    drop(done);
    let order: Vec<_> = is_done.iter().collect();
    assert_eq!(order, [2, 1, 0]);
    assert!(Shutdown::installed().is_none());
}

/// `install` in a launcher that then goes into the background.
#[test]
fn daemon_that_was_forked_after_install_says_that_nothing_protects_it() {
    let test = "one_process::daemon_that_was_forked_after_install_says_that_nothing_protects_it";
    says_that_nothing_protects_it(test, Panics::Ignore, |shutdown| {
        let refused = shutdown.task("in the daemon").on_shutdown(|_| ());
        assert!(refused.is_err());
        assert!(!shutdown.watchdog().protection().watchdog());
        let _ = shutdown.wait();
    });
}

#[test]
fn panic_of_a_forked_daemon_says_that_nothing_protects_it() {
    let test = "one_process::panic_of_a_forked_daemon_says_that_nothing_protects_it";
    says_that_nothing_protects_it(test, Panics::Shutdown, |_| {
        let caught = std::panic::catch_unwind(|| panic!("of the daemon"));
        assert!(caught.is_err());
    });
}

/// Runs `daemon` in a child of `fork` of a process with a shutdown.
fn says_that_nothing_protects_it(test: &str, panics: Panics, daemon: fn(&Shutdown)) {
    let output = run(victim(test, || {
        let shutdown = ok(Shutdown::builder().grace(LONG).panics(panics).install());
        // SAFETY: the child makes calls that the documentation allows there.
        let child = unsafe { libc::fork() };
        if child > 0 {
            let mut status = 0;
            // SAFETY: its own child, and a pointer that is valid.
            unsafe { libc::waitpid(child, &raw mut status, 0) };
            std::process::exit(libc::WEXITSTATUS(status));
        }
        daemon(&shutdown);
        // `std::process::exit` may wait for a lock that a starting thread of the parent had.
        // SAFETY: an integer.
        unsafe { libc::_exit(3) };
    }));
    assert_eq!(output.status.code(), Some(3), "{output:?}");
    let stderr = String::from_utf8_lossy(&output.stderr);
    let line = "is a child of fork and has no watchdog and no shutdown; call install after";
    assert_eq!(stderr.matches(line).count(), 1, "{stderr}");
}
