//! Filters of system calls (seccomp) that kill or refuse.

use std::ffi::c_long;

use crate::start::{Start, Test};
use crate::triggers::loops_in_handler;

pub(crate) const TESTS: &[Test] = &[
    (
        "filter_that_kills_at_scheduling_calls_does_not_end_the_program",
        || {
            let mut victim = Start::new("is_killed_at_scheduling_calls").start();
            assert_eq!(victim.line(), "ready");
            victim.ends_at_deadline().says("has not ended");
        },
    ),
    ("library_makes_the_calls_of_the_guide_alone", || {
        let mut victim = Start::new("is_killed_at_calls_that_the_guide_does_not_list").start();
        assert_eq!(victim.line(), "ready");
        victim.ends_at_deadline().says("end of hang report");
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("is_killed_at_scheduling_calls", || {
        // Those of systemd's `~@resources` that change how a thread is scheduled.
        let calls = [
            libc::SYS_sched_setattr,
            libc::SYS_sched_setscheduler,
            libc::SYS_sched_setparam,
            libc::SYS_setpriority,
        ];
        filter(
            &calls,
            libc::SECCOMP_RET_KILL_PROCESS,
            libc::SECCOMP_RET_ALLOW,
        );
        loops_in_handler();
    }),
    ("is_killed_at_calls_that_the_guide_does_not_list", || {
        let calls: Vec<_> = LISTED.iter().chain(OWN).copied().collect();
        filter(
            &calls,
            libc::SECCOMP_RET_ALLOW,
            libc::SECCOMP_RET_KILL_PROCESS,
        );
        loops_in_handler();
    }),
];

/// The calls that the guide's page on other languages lists.
const LISTED: &[c_long] = &[
    // At the signal.
    libc::SYS_clock_gettime,
    libc::SYS_clone,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_fcntl,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_memfd_create,
    libc::SYS_mmap,
    libc::SYS_mprotect,
    libc::SYS_munmap,
    libc::SYS_prctl,
    libc::SYS_rt_sigpending,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigtimedwait,
    libc::SYS_timer_create,
    libc::SYS_timer_settime,
    libc::SYS_write,
    // From 20 ms later on.
    libc::SYS_close_range,
    libc::SYS_fstat,
    libc::SYS_getdents64,
    libc::SYS_geteuid,
    libc::SYS_lseek,
    libc::SYS_openat,
    libc::SYS_pidfd_open,
    libc::SYS_pidfd_send_signal,
    libc::SYS_pread64,
    libc::SYS_process_vm_readv,
    libc::SYS_read,
    libc::SYS_readlinkat,
    libc::SYS_rt_sigaction,
    libc::SYS_socket,
    libc::SYS_statx,
    libc::SYS_tgkill,
];

/// Calls of the victim itself: its wait for the signal, and the handler's return.
const OWN: &[c_long] = &[
    #[cfg(target_arch = "x86_64")]
    libc::SYS_pause,
    libc::SYS_ppoll,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigreturn,
];

/// Answers each call of `numbers` with `listed`, and each other with `other`.
pub(crate) fn filter(numbers: &[c_long], listed: u32, other: u32) {
    let statement = |code: u32, k: u32, jt, jf| libc::sock_filter {
        code: u16::try_from(code).expect("a code"),
        jt,
        jf,
        k,
    };
    let mut filter = vec![statement(
        libc::BPF_LD | libc::BPF_W | libc::BPF_ABS,
        0,
        0,
        0,
    )];
    for number in numbers {
        let number = u32::try_from(*number).expect("a number");
        filter.push(statement(
            libc::BPF_JMP | libc::BPF_JEQ | libc::BPF_K,
            number,
            0,
            1,
        ));
        filter.push(statement(libc::BPF_RET | libc::BPF_K, listed, 0, 0));
    }
    filter.push(statement(libc::BPF_RET | libc::BPF_K, other, 0, 0));
    let program = libc::sock_fprog {
        len: u16::try_from(filter.len()).expect("a short program"),
        filter: filter.as_mut_ptr(),
    };
    // SAFETY: integers.
    let set = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) };
    assert_eq!(set, 0);
    let mode = libc::SECCOMP_MODE_FILTER;
    // SAFETY: the pointer is valid for reads.
    let set = unsafe { libc::prctl(libc::PR_SET_SECCOMP, mode, &raw const program) };
    assert_eq!(set, 0);
}
