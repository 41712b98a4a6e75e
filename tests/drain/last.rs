use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use deadstop::{Cause, Phase};

use crate::{finish, hang, shutdown, victim};

/// Creates a file for the test.
fn file(name: &str) -> PathBuf {
    // The scenario is a child of the test, and uses the test's file.
    let pid = match victim::is_scenario() {
        true => std::os::unix::process::parent_id(),
        false => std::process::id(),
    };
    let path = std::env::temp_dir().join(format!("deadstop-test-{pid}-{name}"));
    std::fs::write(&path, "4711").expect("a temporary file");
    path
}

#[test]
fn file_is_removed_after_the_last_task() {
    let path = file("after-the-last-task.pid");
    let inner = path.clone();
    let ended = victim::run("last::file_is_removed_after_the_last_task", move || {
        let shutdown = shutdown(30);
        shutdown
            .remove_file(&inner)
            .expect("the list of files has space");
        let task = shutdown.task("last");
        task.on_shutdown(move |_| println!("still there: {}", inner.exists()))
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("still there: true");
    assert!(!path.exists());
}

#[test]
fn file_is_removed_by_the_deadline_too() {
    let path = file("by-the-deadline.pid");
    let inner = path.clone();
    let ended = victim::run("last::file_is_removed_by_the_deadline_too", move || {
        let shutdown = shutdown(1);
        shutdown
            .remove_file(&inner)
            .expect("the list of files has space");
        let task = shutdown.task("hangs");
        task.on_shutdown(|_| -> () { hang() })
            .expect("it is accepted");
        finish(&shutdown);
    });
    ended.assert_status(124);
    assert!(!path.exists());
}

#[test]
fn file_is_removed_when_main_returns_early_and_kept_if_canceled() {
    let [removed, kept] = ["early.pid", "canceled.pid"].map(file);
    let (first, second) = (removed.clone(), kept.clone());
    let name = "last::file_is_removed_when_main_returns_early_and_kept_if_canceled";
    let ended = victim::run(name, move || {
        let shutdown = shutdown(30);
        shutdown
            .remove_file(&first)
            .expect("the list of files has space");
        let canceled = shutdown
            .remove_file(&second)
            .expect("the list of files has space");
        println!("{} {}", canceled.cancel(), canceled.cancel());
        thread::sleep(Duration::from_millis(10));
    });
    ended.assert_status(0).assert_says("true false");
    let (is_removed, is_kept) = (!removed.exists(), kept.exists());
    std::fs::remove_file(&kept).expect("it is there");
    assert!(is_removed && is_kept);
}

#[test]
fn path_that_is_too_long_is_an_error() {
    let ended = victim::run("last::path_that_is_too_long_is_an_error", || {
        let shutdown = shutdown(30);
        let long = format!("/tmp/{}", "x".repeat(300));
        println!(
            "{}",
            shutdown.remove_file(long).expect_err("it is too long")
        );
        finish(&shutdown);
    });
    ended.assert_status(0).assert_says("more than 255 bytes");
}

/// A library calls `exit` in a task, while another task runs and one has not begun.
fn task_that_exits(test: &str, status: i32) -> victim::Ended {
    task_that_leaves(test, status, |status| std::process::exit(status))
}

fn task_that_leaves(test: &str, status: i32, leave: fn(i32)) -> victim::Ended {
    victim::start_with(test, &[("STATUS", &status.to_string())], || {
        let shutdown = shutdown(20);
        let exits = shutdown.task("exits").phase(Phase::DRAIN);
        let status = std::env::var("STATUS").expect("it is set");
        let status = status.parse().expect("a number");
        exits
            .on_shutdown(move |_| leave(status))
            .expect("it is accepted");
        let slow = shutdown.task("slow").phase(Phase::DRAIN);
        slow.on_shutdown(|_| {
            thread::sleep(Duration::from_millis(300));
            println!("slow is done");
        })
        .expect("it is accepted");
        let flush = shutdown.task("flush").phase(Phase::FLUSH);
        flush
            .on_shutdown(|_| println!("flush is done"))
            .expect("it is accepted");
        shutdown.request(Cause::requested("a test"));
        hang()
    })
    .wait()
}

#[test]
fn exit_with_0_by_a_task_waits_for_the_other_tasks_and_is_a_failure() {
    let test = "last::exit_with_0_by_a_task_waits_for_the_other_tasks_and_is_a_failure";
    let ended = task_that_exits(test, 0);
    ended.assert_says("slow is done\nflush is done");
    ended.assert_status(1).assert_says("it called exit");
}

#[test]
fn exit_by_a_task_waits_for_the_other_tasks_and_keeps_its_status() {
    let test = "last::exit_by_a_task_waits_for_the_other_tasks_and_keeps_its_status";
    let ended = task_that_exits(test, 5);
    ended.assert_says("slow is done\nflush is done");
    ended.assert_status(5);
}

#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
#[expect(unsafe_code, reason = "a function of the C library")]
fn quick_exit(status: i32) {
    unsafe extern "C" {
        fn quick_exit(status: libc::c_int) -> !;
    }
    // SAFETY: it takes an integer, and the handlers are deadstop's.
    unsafe { quick_exit(status) }
}

/// Handlers of `quick_exit` cannot read its status. If a task did not succeed, the process must
/// end with the status of the shutdown.
#[test]
#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
fn quick_exit_by_a_task_waits_for_the_other_tasks_and_is_a_failure() {
    let test = "last::quick_exit_by_a_task_waits_for_the_other_tasks_and_is_a_failure";
    let ended = task_that_leaves(test, 0, quick_exit);
    ended.assert_says("slow is done\nflush is done");
    ended.assert_status(1).assert_says("it called exit");
}

#[test]
#[cfg(all(target_os = "linux", any(target_env = "gnu", target_env = "musl")))]
fn quick_exit_of_the_program_waits_for_the_tasks_and_keeps_its_status() {
    let test = "last::quick_exit_of_the_program_waits_for_the_tasks_and_keeps_its_status";
    let ended = victim::run(test, || {
        let shutdown = shutdown(20);
        let slow = shutdown.task("slow").phase(Phase::DRAIN);
        slow.on_shutdown(|_| {
            thread::sleep(Duration::from_millis(300));
            println!("slow is done");
        })
        .expect("it is accepted");
        shutdown.request(Cause::requested("a test"));
        quick_exit(5);
    });
    ended.assert_status(5).assert_says("slow is done");
}
