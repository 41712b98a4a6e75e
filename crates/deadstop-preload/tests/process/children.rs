//! Child processes of a process that ends at its deadline.

use std::ffi::c_int;
use std::fs;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};

use libc::SIGTERM;

use crate::full_pipe::full_pipe;
use crate::functions::{action, set};
use crate::start::{Start, Test, until};
use crate::triggers::{loops_in_handler, ready};

pub(crate) const TESTS: &[Test] = &[
    (
        "children_end_with_it_except_those_of_another_session",
        || {
            let mut victim = Start::new("has_children").start();
            let [same, other] =
                [victim.line(), victim.line()].map(|pid| pid.parse().expect("a pid"));
            assert_eq!(victim.line(), "ready");
            let end = victim.ends_at_deadline();
            end.says(&format!("process {same} \"sleep\" (S) is killed with it"));
            end.says(&format!("process {other} \"sleep\" (S) is left alone"));
            until("killed", || is_gone(same));
            assert!(!is_gone(other));
            kill(other);
        },
    ),
    (
        "child_of_the_last_moment_ends_although_standard_error_is_full",
        || {
            // A busy machine may end the victim before its last moment.
            for _ in 0..5 {
                let (_kept, full) = full_pipe();
                let mut victim = Start::new("forks_at_the_end")
                    .set("DEADSTOP_GRACE", "4s")
                    .stderr(full)
                    .start();
                assert_eq!(victim.line(), "ready");
                victim.send(SIGTERM);
                // The report has listed the children half a second before the end.
                let Ok(child) = victim.line().parse() else {
                    continue;
                };
                assert_eq!(victim.end().code, Some(124));
                until("killed", || is_gone(child));
                return;
            }
            panic!("five victims ended before they had a child");
        },
    ),
    (
        "children_end_with_a_program_that_has_no_descriptor_left",
        || {
            let mut victim = Start::new("has_a_child_and_no_descriptor_left").start();
            let child = victim.line().parse().expect("a pid");
            assert_eq!(victim.line(), "ready");
            let end = victim.ends_at_deadline();
            end.says("has not ended: main runs");
            end.says(&format!("process {child} \"sleep\" (S) is killed with it"));
            until("killed", || is_gone(child));
        },
    ),
    ("children_are_left_alone_if_asked", || {
        let mut victim = Start::new("has_children")
            .set("DEADSTOP_CHILDREN", "leave")
            .start();
        let [same, other] = [victim.line(), victim.line()].map(|pid| pid.parse().expect("a pid"));
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline().says("is left alone");
        assert!(!is_gone(same) && !is_gone(other));
        kill(same);
        kill(other);
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("has_children", has_children),
    ("has_a_child_and_no_descriptor_left", || {
        println!("{}", sleep(&["sleep", "600"]));
        let few = libc::rlimit {
            rlim_cur: 64,
            rlim_max: 64,
        };
        // SAFETY: the pointer is valid for reads.
        assert_eq!(
            unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const few) },
            0
        );
        let _files: Vec<_> = std::iter::from_fn(|| fs::File::open("/dev/null").ok()).collect();
        loops_in_handler();
    }),
    ("forks_at_the_end", || {
        set(SIGTERM, Some(action(notes as *const () as usize, 0)));
        ready();
        until("signaled", || SIGNALED.load(Ordering::Relaxed));
        std::thread::sleep(std::time::Duration::from_millis(3600));
        let mut command = Command::new("sleep");
        command.arg("600").env_remove("LD_PRELOAD");
        command.stdout(Stdio::null());
        command.stderr(Stdio::null());
        println!("{}", command.spawn().expect("a child").id());
        loops_in_handler();
    }),
];

static SIGNALED: AtomicBool = AtomicBool::new(false);

extern "C" fn notes(_: c_int) {
    SIGNALED.store(true, Ordering::Relaxed);
}

fn has_children() {
    for program in [&["sleep", "600"][..], &["setsid", "sleep", "600"]] {
        println!("{}", sleep(program));
    }
    loops_in_handler();
}

/// Starts a program that becomes `sleep`, and returns its number once it has.
fn sleep(program: &[&str]) -> u32 {
    let mut command = Command::new(program[0]);
    command
        .args(&program[1..])
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    let child = command.env_remove("LD_PRELOAD").spawn().expect("a child");
    let comm = format!("/proc/{}/comm", child.id());
    // `setsid` becomes `sleep` when it has a session of its own.
    until("asleep", || {
        fs::read_to_string(&comm).is_ok_and(|name| name == "sleep\n")
    });
    child.id()
}

fn is_gone(pid: i32) -> bool {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
    let state = stat
        .rsplit(')')
        .next()
        .and_then(|rest| rest.split_whitespace().next().map(String::from));
    matches!(state.as_deref(), None | Some("Z" | "X"))
}

fn kill(pid: i32) {
    // SAFETY: two integers.
    unsafe { libc::kill(pid, libc::SIGKILL) };
}
