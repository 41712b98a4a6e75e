//! Limits the memory of the process, so that symbols do not fit.

use std::process::Output;
use std::time::Duration;

use deadstop::Shutdown;

use super::self_victim::{park, run, victim};
use super::{PARK, ok};

fn leave(mib: u64) {
    let used = ok(std::fs::read_to_string("/proc/self/statm"));
    let pages: u64 = ok(used.split(' ').next().unwrap_or_default().parse());
    let most = pages * 4096 + (mib << 20);
    let limit = libc::rlimit {
        rlim_cur: most,
        rlim_max: most,
    };
    // SAFETY: the pointer is to a limit.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_AS, &limit) }, 0);
}

fn hang_with(test: &str, mib: u64) -> Output {
    run(victim(test, || {
        let builder = Shutdown::builder().grace(Duration::from_secs(2));
        let shutdown = ok(builder.install());
        ok(shutdown.task("hangs").on_shutdown(|_| park()));
        // deadstop's threads map their heaps, of 64 MiB each, when they start to run.
        std::thread::sleep(Duration::from_millis(300));
        leave(mib);
        let _ = shutdown.finish();
    }))
}

/// An allocation that fails aborts the process.
#[test]
fn that_is_too_small_for_names_does_not_end_the_process_early() {
    let test = "address_space::that_is_too_small_for_names_does_not_end_the_process_early";
    let output = hang_with(test, 16);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains("end of hang report 1"), "{text}");
    assert!(!text.contains(PARK), "{text}");
}

#[test]
fn that_is_large_enough_has_names() {
    let test = "address_space::that_is_large_enough_has_names";
    let output = hang_with(test, 4096);
    assert_eq!(output.status.code(), Some(124), "{output:?}");
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(text.contains(PARK), "{text}");
}
