//! A part of the list for programs that are built differently: with
//! `panic = "abort"`, and statically linked. `cargo test --release` covers the
//! optimized build.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

use libtest_mimic::Trial;

use crate::build::{build, target};
use crate::harness::{self, GRACE, Victim};
use crate::{FAULTS, ends_at_the_deadline, is_stuck, trial};

/// Faults for which the panic strategy may matter.
const ABORTING: &[&str] = &[
    "atexit_never_returns",
    "dead_allocator",
    "deadlock",
    "double_panic_abort_never_returns",
    "every_call_refused",
    "exit_never_returns",
    "memory_refused_abort_never_returns",
    "panic_hook_never_returns",
    "thread_local_drop_never_returns",
    "watchdog_frozen",
];

/// Faults for which static linking may matter. `exit_never_returns` is left out:
/// in a static program the main thread's destructors do not run.
const STATIC: &[&str] = &[
    "allocator_lock_held",
    "atexit_never_returns",
    "atexit_would_never_return",
    "c_stdout_lock_held",
    "chrooted",
    "dead_allocator",
    "deadlock",
    "every_call_refused",
    "exit_group_refused",
    "fork_then_hang",
    "leader_exits",
    "loader_lock_held",
    "pid_1",
    "pid_1_watchdog_frozen",
    "quick_exit_never_returns",
    "sigabrt_handler_never_returns",
    "stack_overflow_handler_never_returns",
    "static_destructor_never_returns",
    "thread_local_drop_never_returns",
    "threads_refused",
    "user_changed",
    "vforked_child_never_execs",
    "watchdog_frozen",
];

pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (build, victim, faults) in [
        ("aborting", aborting_victim as fn() -> _, ABORTING),
        ("static", static_victim as fn() -> _, STATIC),
    ] {
        for fault in faults {
            let (_, end) = *FAULTS
                .iter()
                .find(|(name, _)| name == fault)
                .expect("it is in the list");
            let name = format!("{build}::{fault}::ends_at_the_deadline");
            trials.push(trial(name, move || {
                ends_at_the_deadline(|| start(victim(), fault, "watched"), end);
            }));
            let name = format!("{build}::{fault}::is_stuck_without_a_watchdog");
            trials.push(trial(name, move || {
                is_stuck(start(victim(), fault, "unwatched"));
            }));
        }
    }
    trials
}

fn start(program: &PathBuf, fault: &str, watched: &str) -> Victim {
    let as_built = harness::command(fault, GRACE, watched);
    let mut command = Command::new(program);
    command.args(as_built.get_args());
    Victim::start(command, fault, GRACE)
}

/// Returns a victim built with `panic = "abort"`; `tests/panics.rs` has the same.
fn aborting_victim() -> &'static PathBuf {
    static VICTIM: OnceLock<PathBuf> = OnceLock::new();
    VICTIM.get_or_init(|| {
        let target = target("abort");
        build(&target, |build| {
            build.args(["--bin", "victim"]);
            build.args(["--config", "profile.dev.panic=\"abort\""]);
            build.args(["--config", "profile.dev.debug=0"]);
        });
        target.join("debug").join("victim")
    })
}

/// Returns a statically linked victim.
fn static_victim() -> &'static PathBuf {
    static VICTIM: OnceLock<PathBuf> = OnceLock::new();
    VICTIM.get_or_init(|| {
        // With `--target`, build scripts and procedural macros are not static.
        let host = host();
        let target = target("static");
        build(&target, |build| {
            build.args(["--config", "profile.dev.debug=0"]);
            build.args(["--bin", "victim", "--target", &host]);
            build.env("RUSTFLAGS", "-C target-feature=+crt-static");
        });
        target.join(host).join("debug").join("victim")
    })
}

/// Returns the host's target triple.
fn host() -> String {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let version = Command::new(rustc).arg("-vV").output();
    let version = version.expect("the compiler is there").stdout;
    let version = String::from_utf8(version).expect("a text");
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    host.expect("rustc prints its host").to_owned()
}
