//! The system calls that deadstop makes, by what causes them.

use std::ffi::c_long;

/// The occasion of a system call.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Occasion {
    /// `install`, and the start of deadstop's threads.
    Install,
    /// A trigger: arming, the backup timer, the return from the signal handler.
    Arm,
    /// The shutdown: its threads and waits, progress on standard error.
    Run,
    /// A hang report or a status report, to any sink but the log.
    Report,
    /// The end of the process, by the deadline or not.
    End,
    /// The child processes of [`drain`](crate::drain).
    Children,
    /// Heartbeats, and the health server with its checks. Starting them also makes the calls of
    /// `Install`; a stall and `/status` make those of `Report`.
    Health,
}

impl Occasion {
    const fn bit(self) -> u8 {
        1 << self as u8
    }
}

/// A system call.
///
/// # Examples
///
/// ```
/// use deadstop::protection::{Occasion, SystemCall, system_calls};
///
/// let calls: Vec<SystemCall> = system_calls(&[Occasion::End]).collect();
/// assert!(calls.iter().all(|call| call.is_caused_by(Occasion::End)));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct SystemCall {
    name: &'static str,
    number: c_long,
    occasions: u8,
}

impl SystemCall {
    /// Returns the kernel's name of the call.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the number of the call on this architecture.
    pub fn number(&self) -> c_long {
        self.number
    }

    /// Returns `true` if `occasion` causes the call.
    pub fn is_caused_by(&self, occasion: Occasion) -> bool {
        self.occasions & occasion.bit() != 0
    }
}

/// Returns the system calls that any of `occasions` causes, each once, for seccomp filters.
///
/// A filter that kills at an unknown call ends the process by `SIGSYS` (a shell shows 159),
/// before its deadline and without a report. If the filter does not know a call of
/// [`Occasion::Arm`], that happens at the first signal; for a call of [`Occasion::Report`], at
/// the hang report. A filter that refuses calls with an error does less harm: a report lacks
/// some values, or the backup timer is missing, which
/// [`protection`](crate::Watchdog::protection) reports.
///
/// A filter that the program sets before `install` must allow every occasion. A filter that it
/// sets afterwards may leave [`Occasion::Install`] out. The lists contain the calls that the
/// standard library and the C library (glibc 2.31 and later, musl) make for deadstop. They do
/// not contain the program's own calls. A test runs `install`, a shutdown, a hang report and
/// the end under a filter of exactly these calls.
///
/// # Examples
///
/// ```
/// use deadstop::protection::{Occasion, system_calls};
///
/// let report: Vec<_> = system_calls(&[Occasion::Report]).collect();
/// assert!(report.iter().any(|call| call.name() == "process_vm_readv"));
///
/// // What a filter allows that is installed after `install`:
/// let after = [Occasion::Arm, Occasion::Run, Occasion::Report, Occasion::End];
/// for call in system_calls(&after) {
///     println!("{} {}", call.name(), call.number());
/// }
/// ```
pub fn system_calls(occasions: &[Occasion]) -> impl Iterator<Item = SystemCall> {
    let wanted = occasions.iter().fold(0, |bits, it| bits | it.bit());
    let calls = CALLS.iter().copied();
    calls.filter(move |call| call.occasions & wanted != 0)
}

macro_rules! calls {
    ($($(#[$only:meta])* $number:ident $name:literal $($occasion:ident)*;)*) => {
        const CALLS: &[SystemCall] = &[$(
            $(#[$only])*
            SystemCall {
                name: $name,
                number: libc::$number,
                occasions: 0 $(| Occasion::$occasion.bit())*,
            },
        )*];
    };
}

calls! {
    // Memory, for the allocator and for the stacks of threads.
    SYS_brk "brk" Install Run Report Children Health;
    SYS_madvise "madvise" Install Run Report End Children Health;
    SYS_mmap "mmap" Install Run Report End Children Health;
    SYS_mprotect "mprotect" Install Run Report Children;
    SYS_mremap "mremap" Install Run Report Children;
    SYS_munmap "munmap" Install Run Report End Children Health;

    // Threads.
    SYS_clone "clone" Install Run Children;
    SYS_clone3 "clone3" Install Run Children;
    SYS_exit "exit" Install Run End;
    SYS_futex "futex" Install Arm Run Report End Children Health;
    SYS_getpid "getpid" Install Arm Run Report End Children Health;
    SYS_gettid "gettid" Install Arm Run Report End Children Health;
    SYS_prctl "prctl" Install Run Report End;
    SYS_rseq "rseq" Install Run;
    SYS_sched_getaffinity "sched_getaffinity" Install Run;
    SYS_sched_yield "sched_yield" Install Run Report End;
    SYS_set_robust_list "set_robust_list" Install Run Children;
    SYS_sigaltstack "sigaltstack" Install Run Report End;

    // Signals.
    SYS_rt_sigaction "rt_sigaction" Install Arm Run Report End Children;
    SYS_rt_sigpending "rt_sigpending" Arm Run Report End;
    SYS_rt_sigprocmask "rt_sigprocmask" Install Arm Run Report End Children Health;
    SYS_rt_sigreturn "rt_sigreturn" Install Arm Run Report End;
    SYS_rt_sigtimedwait "rt_sigtimedwait" Arm Run Report End;
    SYS_tgkill "tgkill" Install Run Report End;
    SYS_kill "kill" End Children;

    // Time.
    SYS_clock_gettime "clock_gettime" Install Arm Run Report End Children Health;
    SYS_clock_nanosleep "clock_nanosleep" Install Run Report End Children Health;
    SYS_nanosleep "nanosleep" Install Run Report End Children;
    SYS_restart_syscall "restart_syscall" Run Report End Children;
    SYS_timer_create "timer_create" Install;
    SYS_timer_settime "timer_settime" Arm Run Report End;

    // Files: /proc, debug information, sinks, standard error.
    SYS_close "close" Install Run Report End Children Health;
    SYS_fcntl "fcntl" Install Arm Run Report End Children Health;
    SYS_fstat "fstat" Install Arm Run Report End Children Health;
    SYS_ftruncate "ftruncate" Install Report;
    SYS_getcwd "getcwd" Install Report;
    SYS_getdents64 "getdents64" Install Run Report;
    SYS_ioctl "ioctl" Install Arm Run Report End;
    SYS_lseek "lseek" Install Run Report;
    SYS_newfstatat "newfstatat" Install Arm Run Report End Children Health;
    SYS_openat "openat" Install Run Report Children;
    #[cfg(target_arch = "x86_64")]
    SYS_open "open" Install Run Report Children;
    #[cfg(target_arch = "x86_64")]
    SYS_poll "poll" Install Arm Run Report End Children Health;
    SYS_ppoll "ppoll" Install Arm Run Report End Children Health;
    SYS_pread64 "pread64" Install Run Report;
    SYS_process_vm_readv "process_vm_readv" Install Report;
    SYS_pwrite64 "pwrite64" Install Report;
    SYS_read "read" Install Run Report End Children Health;
    #[cfg(target_arch = "x86_64")]
    SYS_readlink "readlink" Install Report Children;
    SYS_readlinkat "readlinkat" Install Report Children;
    SYS_statx "statx" Install Arm Run Report End Children Health;
    #[cfg(target_arch = "x86_64")]
    SYS_unlink "unlink" Run Report End;
    SYS_unlinkat "unlinkat" Run Report End;
    SYS_write "write" Install Arm Run Report End Children Health;
    SYS_writev "writev" Install Run Report End;

    // Sockets: journald, the supervisor, and the other end of a hung connection.
    SYS_connect "connect" Install Report Health;
    SYS_getpeername "getpeername" Report;
    SYS_getppid "getppid" Install;
    SYS_getsockname "getsockname" Report Health;
    SYS_getsockopt "getsockopt" Report;
    SYS_recvfrom "recvfrom" Install Report Children Health;
    SYS_recvmsg "recvmsg" Install Children;
    SYS_sendmsg "sendmsg" Install Report Children;
    SYS_sendto "sendto" Install Report Health;
    SYS_socket "socket" Install Report Health;
    SYS_socketpair "socketpair" Children Health;

    // The health server's.
    SYS_accept4 "accept4" Health;
    SYS_bind "bind" Health;
    SYS_close_range "close_range" Health;
    SYS_listen "listen" Health;
    SYS_setsockopt "setsockopt" Health;
    SYS_shutdown "shutdown" Health;

    // Random numbers, for hash maps.
    SYS_getrandom "getrandom" Install Run Report;

    // The end.
    SYS_exit_group "exit_group" End Children;
    SYS_rt_tgsigqueueinfo "rt_tgsigqueueinfo" End;

    // Children.
    SYS_dup3 "dup3" Children;
    #[cfg(target_arch = "x86_64")]
    SYS_dup2 "dup2" Children;
    SYS_execve "execve" Children;
    #[cfg(target_arch = "x86_64")]
    SYS_fork "fork" Children;
    SYS_pidfd_open "pidfd_open" Children;
    SYS_pidfd_send_signal "pidfd_send_signal" End Children;
    SYS_pipe2 "pipe2" Children;
    SYS_setpgid "setpgid" Children;
    SYS_getpgid "getpgid" End Children;
    #[cfg(target_arch = "x86_64")]
    SYS_vfork "vfork" Children;
    SYS_wait4 "wait4" Run Children;
    SYS_waitid "waitid" Run Report Children;
}
