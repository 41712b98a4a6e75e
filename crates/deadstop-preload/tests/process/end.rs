//! The end of a process at its deadline, and its status.

use std::ffi::c_int;
use std::fs;

use libc::SIGTERM;

use crate::functions::{action, set};
use crate::start::{GRACE, Start, Test, until};
use crate::system_calls::filter;
use crate::triggers::{loops_in_handler, ready, spins};

pub(crate) const TESTS: &[Test] = &[
    (
        "program_that_ends_in_time_has_its_own_status_and_says_nothing",
        || {
            let mut victim = Start::new("ends").start();
            assert_eq!(victim.line(), "ready");
            victim.send(SIGTERM);
            let end = victim.end();
            assert_eq!((end.code, end.stderr.as_str()), (Some(3), ""));
        },
    ),
    ("status_is_the_one_asked_for", || {
        let mut victim = Start::new("loops_in_handler")
            .set("DEADSTOP_STATUS", "9")
            .start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        assert_eq!(victim.end().code, Some(9));
    }),
    ("stopped_process_is_killed_by_the_timer", || {
        let mut victim = Start::new("loops_in_handler").start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        until("armed", || threads(victim.pid()) == 4);
        victim.send(libc::SIGSTOP);
        assert_eq!(victim.end().signal, Some(libc::SIGKILL));
    }),
    (
        "process_that_may_start_no_thread_is_killed_by_the_timer",
        || {
            let mut victim = Start::new("refuses_threads").start();
            assert_eq!(victim.line(), "ready");
            victim.send(SIGTERM);
            assert_eq!(victim.end().signal, Some(libc::SIGKILL));
        },
    ),
    ("pid_1_of_a_namespace_ends_at_the_deadline", || {
        // SAFETY: no precondition.
        if unsafe { libc::geteuid() } != 0 {
            assert!(
                std::env::var_os("DEADSTOP_NO_SKIPS").is_none(),
                "needs root"
            );
            return;
        }
        let namespace = ["--pid", "--fork", "--kill-child", "--mount-proc"];
        let as_pid_1 = |arguments: &[&str]| {
            let start = Start::new("signals_itself_as_pid_1");
            let end = start.by("unshare", arguments).end();
            assert_eq!(end.code, Some(124), "{end:?}");
            end
        };
        as_pid_1(&namespace).says("(pid 1) has not ended: main runs");
        // The /proc of another namespace has other processes under the same numbers.
        let foreign = as_pid_1(&namespace[..3]);
        foreign.says(": the process (pid 1) has not ended");
        assert!(
            !foreign.stderr.contains("deadstop:   process"),
            "{foreign:?}"
        );
    }),
    ("second_signal_does_not_move_the_deadline", || {
        let mut victim = Start::new("counts_signals").start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        std::thread::sleep(GRACE / 2);
        victim.send(SIGTERM);
        let end = victim.end();
        assert_eq!(end.code, Some(124), "{end:?}");
        // Counted from the first; a deadline that had moved would make it 1.5.
        end.says("grace 1.0 s");
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("ends", || {
        set(SIGTERM, Some(action(exits as *const () as usize, 0)));
        ready();
        loop {
            std::thread::park();
        }
    }),
    ("refuses_threads", refuses_threads),
    ("signals_itself_as_pid_1", || {
        assert_eq!(std::process::id(), 1);
        set(SIGTERM, Some(action(spins as *const () as usize, 0)));
        // SAFETY: an integer.
        unsafe { libc::raise(SIGTERM) };
    }),
    ("counts_signals", || {
        set(SIGTERM, Some(action(returns as *const () as usize, 0)));
        ready();
        loop {
            std::thread::park();
        }
    }),
];

extern "C" fn returns(_: c_int) {}

extern "C" fn exits(_: c_int) {
    // SAFETY: an integer.
    unsafe { libc::_exit(3) }
}

fn threads(pid: i32) -> usize {
    fs::read_dir(format!("/proc/{pid}/task")).map_or(0, Iterator::count)
}

/// A filter refuses `clone`, as a sandbox does.
fn refuses_threads() {
    let refused = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
    filter(&[libc::SYS_clone], refused, libc::SECCOMP_RET_ALLOW);
    loops_in_handler();
}
