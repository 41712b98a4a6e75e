//! A child of `fork` that installs its own shutdown, and has a drain kit of its own.

use std::process::Command;
use std::sync::Arc;

use deadstop::Shutdown;

use crate::{finish, shutdown, victim};

/// Registers one of each: what the process has of them is noted in process-wide lists.
fn one_of_each(shutdown: &Shutdown, who: &'static str) {
    let mut sleep = Command::new("sleep");
    sleep.arg("60");
    let child = shutdown.child("sleeper", sleep).expect("it starts");
    println!("{who}: child {}", child.try_wait().is_none());
    let wakes = shutdown.waker("waker", move || println!("{who}: woken"));
    wakes.expect("it is accepted");
    let client = shutdown.resource("client", Arc::new(7));
    let client = client.identity(std::ptr::without_provenance::<u8>(7));
    let closes = client.close(move |_| println!("{who}: closed"));
    closes.expect("it is accepted");
}

/// Neither a thread of the parent nor an entry of a list is there in the child.
#[test]
#[expect(unsafe_code, reason = "forks")]
fn child_of_fork_that_installs_has_a_kit_of_its_own() {
    let name = "fork::child_of_fork_that_installs_has_a_kit_of_its_own";
    let ended = victim::run(name, || {
        let own = shutdown(30);
        one_of_each(&own, "parent");
        // SAFETY: the forked process uses what works after `fork`.
        let forked = unsafe { libc::fork() };
        if forked == 0 {
            // SAFETY: an integer. It only bounds a failing run.
            unsafe { libc::alarm(20) };
            let own = shutdown(30);
            one_of_each(&own, "child");
            finish(&own);
        }
        let mut status = 0;
        // SAFETY: the pointer is valid for writes.
        unsafe { libc::waitpid(forked, &raw mut status, 0) };
        println!("the child ended with {status}");
        finish(&own);
    });
    ended.assert_status(0);
    ended.assert_says("the child ended with 0");
    let lines: Vec<_> = ended.stdout.lines().collect();
    for who in ["child", "parent"] {
        for what in ["child true", "woken", "closed"] {
            let line = format!("{who}: {what}");
            let times = lines.iter().filter(|it| it.ends_with(&line)).count();
            assert_eq!(times, 1, "{line}: {ended:#?}");
        }
    }
}
