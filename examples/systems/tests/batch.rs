//! A batch as Argo Workflows runs it: SIGTERM to the group, a grace, SIGKILL, and a status
//! that decides whether it is run again.

mod process;

use std::process::Command;
use std::time::Duration;

use process::{Ended, Process};

fn batch(option: Option<&str>) -> Process {
    Process::start(Command::new(env!("CARGO_BIN_EXE_batch_client")).args(option))
}

/// As Argo's emissary does: the signal goes to the group, and after the grace SIGKILL.
fn terminated_as_in_argo(mut process: Process, grace: Duration) -> Ended {
    process.signal_group(libc::SIGTERM);
    if let Some(ended) = process.ends_within(grace) {
        return ended;
    }
    process.signal_group(libc::SIGKILL);
    process.ends()
}

#[test]
fn batch_whose_client_idles_ends_when_its_work_is_done() {
    let ended = batch(None).ends();
    assert_eq!(ended.shell(), 0, "{ended:?}");
    assert!(ended.stdout.contains("20 orders are fetched"), "{ended:?}");
    assert!(ended.stdout.contains("the totals are written"), "{ended:?}");
    // The client's threads would idle for 60 s.
    assert!(ended.after < process::SOON, "{ended:?}");
}

/// The control.
#[test]
fn batch_without_deadstop_idles_after_its_work_and_ends_with_143() {
    let mut process = batch(Some("--plain"));
    assert!(process.ends_within(Duration::from_secs(8)).is_none());
    let ended = terminated_as_in_argo(process, Duration::from_secs(5));
    assert_eq!(ended.shell(), 143, "{ended:?}");
}

#[test]
fn client_that_cannot_be_closed_costs_its_budget_and_is_named() {
    let ended = batch(Some("--hang")).ends();
    assert_eq!(ended.shell(), 1, "{ended:?}");
    assert!(ended.stdout.contains("the totals are written"), "{ended:?}");
    assert!(ended.stderr.contains("orders client"), "{ended:?}");
    assert!(ended.stderr.contains("over budget"), "{ended:?}");
}

#[test]
fn batch_that_argo_terminates_ends_with_0_before_the_grace_is_over() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_batch_client"));
    command.env("ARGO_CONTAINER_NAME", "main");
    command.env("ARGO_TERMINATION_GRACE_PERIOD_SECONDS", "20");
    let process = Process::start(&mut command);
    std::thread::sleep(Duration::from_millis(60));
    let ended = terminated_as_in_argo(process, Duration::from_secs(20));
    // 143: the signal came before `install`.
    assert!([0, 143].contains(&ended.shell()), "{ended:?}");
}

/// The control of the grace: one that hangs is killed by Argo.
#[test]
fn batch_without_deadstop_that_ignores_sigterm_ends_with_137() {
    let mut command = Command::new("sh");
    command.args(["-c", "trap '' TERM; sleep 60"]);
    let process = Process::start(&mut command);
    std::thread::sleep(Duration::from_millis(500));
    let ended = terminated_as_in_argo(process, Duration::from_secs(1));
    assert_eq!(ended.shell(), 137, "{ended:?}");
}
