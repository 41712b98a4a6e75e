//! The child process of the fault `child-process`.

use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use super::*;

/// Returns the children of a process, once it has some.
fn children(id: u32) -> Vec<u32> {
    let patience = Instant::now() + TIMEOUT;
    loop {
        let tasks = fs::read_dir(format!("/proc/{id}/task")).expect("it is there");
        let children = tasks.flat_map(|task| {
            let path = task.expect("a thread").path().join("children");
            let text = fs::read_to_string(path).unwrap_or_default();
            let ids = text.split_whitespace().map(|id| id.parse().expect("an id"));
            ids.collect::<Vec<_>>()
        });
        let children: Vec<_> = children.collect();
        if !children.is_empty() {
            return children;
        }
        assert!(Instant::now() < patience, "process {id} has no child");
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn until(what: &str, holds: impl Fn() -> bool) {
    let patience = Instant::now() + TIMEOUT;
    while !holds() {
        assert!(Instant::now() < patience, "{what}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

/// Does not use the harness, which would kill the child.
#[test]
fn endless_child_holds_no_file_and_dies_with_the_process() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_testkit_app"));
    let command = command
        .arg("endless")
        .env("DEADSTOP_FAULT", "flush the log=child-process")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let mut app = command.spawn().expect("the app starts");
    let stdout = app.stdout.take().expect("stdout is piped");
    let mut lines = BufReader::new(stdout).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line == "ready")));
    let kill = |signal: &str, id: u32| {
        let mut kill = Command::new("kill");
        let sent = kill.args([signal, &id.to_string()]).status();
        assert!(sent.is_ok_and(|status| status.success()), "kill(1)");
    };
    kill("-TERM", app.id());
    let child = children(app.id())[0];
    let files = || fs::read_dir(format!("/proc/{child}/fd")).map(Iterator::count);
    until("it holds files", || files().is_ok_and(|files| files == 0));
    // The child blocks these.
    kill("-TERM", child);
    kill("-INT", child);
    app.kill().expect("the app is there");
    app.wait().expect("the app is a child of the test");
    let stat = || fs::read_to_string(format!("/proc/{child}/stat"));
    until("it is still there", || {
        stat().map_or(true, |stat| stat.contains(") Z "))
    });
}
