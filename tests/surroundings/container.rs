//! Limits the memory of the process as a container does, so that symbols do not fit.

use std::io::BufRead as _;
use std::process::{Output, Stdio};
use std::time::Duration;

use deadstop::Shutdown;

use super::memory_limit::MemoryLimit;
use super::self_victim::{finish, park, say, send, victim};
use super::{PARK, ok, skip};

/// Lets a task hang in a process whose cgroup leaves it so many MiB. `None` if the test is
/// skipped.
fn hang_with(test: &str, mib: u64) -> Option<Output> {
    let mut victim = victim(test, || {
        let builder = Shutdown::builder().grace(Duration::from_secs(3));
        let shutdown = ok(builder.install());
        ok(shutdown.task("hangs").on_shutdown(|_| park()));
        say("installed");
        let _ = shutdown.wait();
    });
    let Some(limit) = MemoryLimit::new(1 << 30) else {
        skip("no memory cgroup can be made");
        return None;
    };
    victim.stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = victim.spawn().expect("this program starts");
    let mut lines = std::io::BufReader::new(child.stdout.take().expect("a pipe")).lines();
    assert!(lines.any(|line| line.is_ok_and(|line| line.ends_with("installed"))));
    limit.add(i32::try_from(child.id()).expect("a pid"));
    limit.leave(mib << 20);
    send(&child, libc::SIGTERM);
    Some(finish(child))
}

fn report_with(test: &str, mib: u64) -> Option<String> {
    let output = hang_with(test, mib)?;
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(text.contains("end of hang report 1"), "{text}");
    Some(text)
}

/// Without a look at the limit, the kernel kills the process as it reads the symbols.
#[test]
fn that_leaves_too_little_for_names_does_not_kill_the_process() {
    let test = "container::that_leaves_too_little_for_names_does_not_kill_the_process";
    if let Some(text) = report_with(test, 6) {
        assert!(!text.contains(PARK), "{text}");
    }
}

#[test]
fn that_leaves_enough_has_names() {
    let test = "container::that_leaves_enough_has_names";
    if let Some(text) = report_with(test, 1024) {
        assert!(text.contains(PARK), "{text}");
    }
}
