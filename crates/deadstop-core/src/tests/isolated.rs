//! Tests that need a process of their own, because they look at all of its
//! threads, change what it may do, or end it. Each re-executes itself.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Names the test that a process was started for.
const ISOLATED: &str = "DEADSTOP_TEST_ALONE";

/// Only keeps a failing run from hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `body` in a process of its own, which is `test`, again. It must pass.
pub(super) fn isolated(test: &str, body: fn()) {
    passes("exec \"$0\" \"$@\"", test, body);
}

/// Runs `body` as [`isolated`] does, in a process that may open `limit`
/// descriptors.
pub(super) fn with_few_descriptors(limit: u32, test: &str, body: fn()) {
    passes(
        &format!("ulimit -n {limit} && exec \"$0\" \"$@\""),
        test,
        body,
    );
}

/// Runs `body` in a process of its own that it must end; returns how it ended
/// and what it printed.
pub(super) fn ended_by(test: &str, body: fn()) -> (ExitStatus, String) {
    run("exec \"$0\" \"$@\"", Stdio::null(), test, body).expect("it ends in time")
}

/// Returns `true` if this is root. If not, a test is skipped; with
/// `DEADSTOP_NO_SKIPS` set, it fails.
pub(super) fn is_root() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let skips = env::var_os("DEADSTOP_NO_SKIPS").is_none();
    assert!(is_root || skips, "skipped: only root can do this");
    is_root
}

fn passes(shell: &str, test: &str, body: fn()) {
    let ended = run(shell, Stdio::null(), test, body);
    let (status, output) = ended.expect("it ends in time");
    assert!(status.success(), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}

/// In the process that was started for `test`, runs `body` and does not return.
/// In any other, starts that process; `None` if it had to be killed.
pub(super) fn run(
    shell: &str,
    stdin: Stdio,
    test: &str,
    body: fn(),
) -> Option<(ExitStatus, String)> {
    if env::var_os(ISOLATED).is_some_and(|name| name == test) {
        body();
        // The test harness sees a test that has passed.
        println!("\n1 passed");
        std::process::exit(0);
    }
    let path = format!("tests::{test}");
    let mut child = Command::new("sh")
        .args(["-c", shell])
        .arg(env::current_exe().expect("it is running"))
        .args([&path, "--exact", "--nocapture", "--test-threads=2"])
        .env(ISOLATED, test)
        .stdin(stdin)
        .stdout(Stdio::piped())
        .spawn()
        .expect("it runs itself");
    let patience = Instant::now() + PATIENCE;
    let mut ended = None;
    while ended.is_none() && Instant::now() < patience {
        thread::sleep(Duration::from_millis(1));
        ended = child.try_wait().expect("waits for its own child");
    }
    if ended.is_none() {
        child.kill().expect("it is still there");
    }
    let output = child.wait_with_output().expect("it has ended");
    let output = String::from_utf8_lossy(&output.stdout).into_owned();
    if ended.is_none() {
        println!("{output}");
    }
    Some((ended?, output))
}
