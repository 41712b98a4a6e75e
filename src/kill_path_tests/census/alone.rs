//! Tests that need a process of their own: they look at all of its threads, or
//! change what it may do.

use std::env;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

/// Names the test that a process is there for.
const ALONE: &str = "DEADSTOP_TEST_ALONE";

/// Only keeps a failing run from hanging.
const PATIENCE: Duration = Duration::from_secs(30);

/// Runs `body` in a process of its own, which is this test, again.
pub(super) fn alone(test: &str, body: fn()) {
    behind("exec \"$0\" \"$@\"", test, body);
}

/// The same in a process that may have `limit` descriptors.
pub(super) fn with_few_descriptors(limit: u32, test: &str, body: fn()) {
    behind(
        &format!("ulimit -n {limit} && exec \"$0\" \"$@\""),
        test,
        body,
    );
}

/// Whether this is root. If not, a test is skipped; with `DEADSTOP_NO_SKIPS`
/// set, it fails.
pub(super) fn is_root() -> bool {
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0);
    let skips = env::var_os("DEADSTOP_NO_SKIPS").is_none();
    assert!(is_root || skips, "skipped: only root can do this");
    is_root
}

fn behind(shell: &str, test: &str, body: fn()) {
    if env::var_os(ALONE).is_some_and(|name| name == test) {
        return body();
    }
    let path = format!("kill_path_tests::census::{test}");
    let mut child = Command::new("sh")
        .args(["-c", shell])
        .arg(env::current_exe().expect("it is running"))
        .args([&path, "--exact", "--nocapture", "--test-threads=2"])
        .env(ALONE, test)
        .stdin(Stdio::null())
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
    assert!(ended.is_some_and(|status| status.success()), "{output}");
    assert!(output.contains("1 passed"), "{output}");
}
