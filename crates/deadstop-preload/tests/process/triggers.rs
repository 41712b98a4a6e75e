//! Triggers of a shutdown, each with its control.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::ptr;
use std::time::Duration;

use libc::SIGTERM;

use crate::functions::{action, set};
use crate::start::{GRACE, Start, Test, until};

pub(crate) const TESTS: &[Test] = &[
    ("handler_arms", || arms("loops_in_handler")),
    ("handler_on_a_small_alternate_stack_arms", || {
        arms("loops_on_a_small_stack");
    }),
    ("handler_under_a_limit_of_files_to_zero_bytes_arms", || {
        arms("loops_without_files");
    }),
    ("sigwait_arms", || arms("waits_by_sigwait")),
    ("sigwaitinfo_arms", || arms("waits_by_sigwaitinfo")),
    ("sigtimedwait_arms", || arms("waits_by_sigtimedwait")),
    ("signalfd_arms", || arms("reads_signalfd")),
    ("copy_of_a_signalfd_arms", || arms("reads_copied_signalfd")),
    ("readv_of_a_signalfd_arms", || {
        arms("reads_signalfd_in_parts");
    }),
    ("bytes_like_a_signal_in_another_file_do_not_arm", || {
        Start::new("reads_bytes_like_a_signal")
            .end()
            .assert_silent_success();
    }),
    ("child_of_fork_has_a_deadline_of_its_own", || {
        let mut victim = Start::new("forks").start();
        assert_eq!(victim.line(), "ready");
        let end = victim.end();
        assert_eq!(end.code, Some(0), "{end:?}");
        end.says("has not ended: main runs");
    }),
    ("child_of_a_bare_clone_has_a_deadline_of_its_own", || {
        let end = Start::new("clones").end();
        assert_eq!(end.code, Some(0), "{end:?}");
    }),
    ("child_of_fork_has_none_if_asked", || {
        let end = Start::new("forks_unguarded")
            .set("DEADSTOP_FORK", "none")
            .end();
        assert_eq!(end.code, Some(0), "{end:?}");
    }),
    ("child_of_vfork_arms_nothing_for_its_parent", || {
        Start::new("vforks").end().assert_silent_success();
    }),
    ("other_signals_do_not_arm", || {
        let mut victim = Start::new("loops_on_usr1").start();
        assert_eq!(victim.line(), "ready");
        victim.send(libc::SIGUSR1);
        std::thread::sleep(GRACE * 2);
        assert!(victim.is_alive());
        victim.send(libc::SIGKILL);
        assert_eq!(victim.end().signal, Some(libc::SIGKILL));
    }),
    ("default_action_is_the_programs", || {
        let mut victim = Start::new("handles_nothing").start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        let end = victim.end();
        assert_eq!((end.signal, end.stderr.as_str()), (Some(SIGTERM), ""));
    }),
    ("malformed_variable_is_named_and_nothing_is_guarded", || {
        let mut victim = Start::without_grace("loops_in_handler")
            .set("DEADSTOP_GRACE", "soon")
            .start();
        assert_eq!(victim.line(), "ready");
        victim.send(SIGTERM);
        std::thread::sleep(GRACE * 2);
        assert!(victim.is_alive());
        victim.send(libc::SIGKILL);
        victim
            .end()
            .says("deadstop: DEADSTOP_GRACE is \"soon\"; allowed is a duration");
    }),
    (
        "malformed_variable_ends_nothing_if_standard_error_has_no_reader",
        || {
            let (reader, closed) = UnixStream::pair().expect("a socket");
            drop(reader);
            let victim = Start::without_grace("has_one_thread")
                .set("DEADSTOP_GRACE", "soon")
                .stderr(OwnedFd::from(closed));
            assert_eq!(victim.end().code, Some(0));
        },
    ),
    (
        "no_grace_and_an_empty_one_guard_nothing_without_a_word",
        || {
            for grace in ["", "none"] {
                let mut victim = Start::without_grace("loops_in_handler")
                    .set("DEADSTOP_GRACE", grace)
                    .start();
                assert_eq!(victim.line(), "ready");
                victim.send(SIGTERM);
                std::thread::sleep(GRACE * 2);
                assert!(victim.is_alive());
                victim.send(libc::SIGKILL);
                assert_eq!(victim.end().stderr, "");
            }
        },
    ),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("loops_in_handler", loops_in_handler),
    ("loops_without_files", || {
        let none = libc::rlimit {
            rlim_cur: 0,
            rlim_max: libc::RLIM_INFINITY,
        };
        // SAFETY: the pointer is valid.
        assert_eq!(
            unsafe { libc::setrlimit(libc::RLIMIT_FSIZE, &raw const none) },
            0
        );
        loops_in_handler();
    }),
    ("waits_by_sigwait", || {
        let set = block_term();
        ready();
        let mut signal = 0;
        // SAFETY: both pointers are valid.
        assert_eq!(unsafe { libc::sigwait(&raw const set, &raw mut signal) }, 0);
        spin()
    }),
    ("waits_by_sigwaitinfo", || {
        let set = block_term();
        ready();
        // SAFETY: the second pointer may be null.
        assert_eq!(
            unsafe { libc::sigwaitinfo(&raw const set, ptr::null_mut()) },
            SIGTERM
        );
        spin()
    }),
    ("waits_by_sigtimedwait", || {
        let set = block_term();
        ready();
        let time = libc::timespec {
            tv_sec: 600,
            tv_nsec: 0,
        };
        // SAFETY: the second pointer may be null.
        let signal =
            unsafe { libc::sigtimedwait(&raw const set, ptr::null_mut(), &raw const time) };
        assert_eq!(signal, SIGTERM);
        spin()
    }),
    ("loops_on_a_small_stack", loops_on_a_small_stack),
    ("reads_signalfd", || {
        let set = block_term();
        // SAFETY: the set is initialized.
        let file = unsafe { libc::signalfd(-1, &raw const set, 0) };
        ready();
        let mut record = [0_u8; 256];
        // SAFETY: valid for writes of the length given.
        let read = unsafe { libc::read(file, record.as_mut_ptr().cast(), record.len()) };
        assert_eq!(read, 128);
        spin()
    }),
    ("reads_copied_signalfd", || {
        let set = block_term();
        // SAFETY: the set is initialized; the other calls take integers.
        let copy = unsafe {
            let file = libc::signalfd(-1, &raw const set, 0);
            let copy = libc::fcntl(file, libc::F_DUPFD, 5000.min(limit_of_files() - 1));
            libc::close(file);
            copy
        };
        ready();
        let mut record = [0_u8; 128];
        // SAFETY: valid for writes of the length given.
        let read = unsafe { libc::read(copy, record.as_mut_ptr().cast(), record.len()) };
        assert_eq!(read, 128);
        spin()
    }),
    ("reads_signalfd_in_parts", || {
        let mut set = block_term();
        // Another signal is in the record before.
        // SAFETY: the set is initialized; the other calls take integers.
        let file = unsafe {
            libc::sigaddset(&raw mut set, libc::SIGHUP);
            libc::sigprocmask(libc::SIG_BLOCK, &raw const set, ptr::null_mut());
            libc::kill(libc::getpid(), libc::SIGHUP);
            libc::signalfd(-1, &raw const set, 0)
        };
        ready();
        // The kernel fills the parts with as many signals as are there.
        until("pending", || is_pending(SIGTERM));
        let mut record = [0_u8; 256];
        let (first, rest) = record.split_at_mut(100);
        let (second, third) = rest.split_at_mut(28);
        let parts = [first, &mut [], second, third].map(|part: &mut [u8]| libc::iovec {
            iov_base: part.as_mut_ptr().cast(),
            iov_len: part.len(),
        });
        // SAFETY: each part is valid for writes.
        let read = unsafe { libc::readv(file, parts.as_ptr(), 4) };
        assert!(read >= 128, "{read}");
        if read == 128 {
            // SAFETY: as above.
            unsafe { libc::readv(file, parts.as_ptr(), 4) };
        }
        spin()
    }),
    ("reads_bytes_like_a_signal", || {
        let set = block_term();
        let mut ends = [0; 2];
        let mut record = [0_u8; 128];
        record[0] = 15;
        // SAFETY: each pointer is valid for the length given.
        unsafe {
            assert!(libc::signalfd(-1, &raw const set, 0) >= 0);
            assert_eq!(libc::pipe(ends.as_mut_ptr()), 0);
            assert_eq!(libc::write(ends[1], record.as_ptr().cast(), 128), 128);
            assert_eq!(libc::read(ends[0], record.as_mut_ptr().cast(), 128), 128);
        }
        std::thread::sleep(GRACE + Duration::from_millis(300));
    }),
    ("forks", forks),
    ("clones", clones),
    ("forks_unguarded", forks_unguarded),
    ("vforks", vforks),
    ("loops_on_usr1", || {
        set(libc::SIGUSR1, Some(action(spins as *const () as usize, 0)));
        ready();
        pause()
    }),
    ("handles_nothing", || {
        ready();
        pause()
    }),
];

/// Handles the signal on a stack as small as the guide allows, which ends at a page that
/// nothing may write to.
fn loops_on_a_small_stack() {
    const PAGE: usize = 64 * 1024;
    const OF_THE_LIBRARY: usize = 2048;
    const OF_THE_HANDLER: usize = 256;
    // SAFETY: an integer.
    let of_the_kernel = unsafe { libc::getauxval(libc::AT_MINSIGSTKSZ) };
    let of_the_kernel = usize::try_from(of_the_kernel).expect("a length");
    let len = of_the_kernel.max(libc::MINSIGSTKSZ) + OF_THE_LIBRARY + OF_THE_HANDLER;
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    let protection = libc::PROT_READ | libc::PROT_WRITE;
    // SAFETY: a new mapping, whose first page is not used; the stack is behind that.
    unsafe {
        let start = libc::mmap(ptr::null_mut(), 3 * PAGE, protection, flags, -1, 0);
        assert_ne!(start, libc::MAP_FAILED);
        assert_eq!(libc::mprotect(start, PAGE, libc::PROT_NONE), 0);
        let stack = libc::stack_t {
            ss_sp: start.wrapping_byte_add(PAGE),
            ss_flags: 0,
            ss_size: len,
        };
        assert_eq!(libc::sigaltstack(&raw const stack, ptr::null_mut()), 0);
    }
    set(
        SIGTERM,
        Some(action(spins as *const () as usize, libc::SA_ONSTACK)),
    );
    ready();
    pause()
}

/// Returns the number of descriptors that this process may have.
fn limit_of_files() -> c_int {
    // SAFETY: an integer.
    c_int::try_from(unsafe { libc::sysconf(libc::_SC_OPEN_MAX) }).expect("a limit")
}

fn is_pending(signal: c_int) -> bool {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: valid for writes, and then initialized.
    unsafe {
        libc::sigpending(set.as_mut_ptr());
        libc::sigismember(set.as_ptr(), signal) == 1
    }
}

fn arms(victim: &str) {
    let mut watched = Start::new(victim).start();
    assert_eq!(watched.line(), "ready");
    let end = watched.ends_at_deadline();
    end.says("has not ended: main runs");
    end.says("cause: SIGTERM");
    let mut control = Start::without_grace(victim).start();
    assert_eq!(control.line(), "ready");
    control.outlives_deadline();
}

pub(crate) fn ready() {
    println!("ready");
}

pub(crate) fn spin() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

pub(crate) fn pause() -> ! {
    loop {
        // SAFETY: no precondition.
        unsafe { libc::pause() };
    }
}

pub(crate) extern "C" fn spins(_: c_int) {
    spin()
}

pub(crate) fn loops_in_handler() {
    set(SIGTERM, Some(action(spins as *const () as usize, 0)));
    ready();
    pause()
}

fn block_term() -> libc::sigset_t {
    let mut set = MaybeUninit::zeroed();
    // SAFETY: valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: valid for writes.
    unsafe { libc::sigaddset(set.as_mut_ptr(), SIGTERM) };
    // SAFETY: initialized above; the last pointer may be null.
    unsafe { libc::sigprocmask(libc::SIG_BLOCK, set.as_ptr(), ptr::null_mut()) };
    // SAFETY: initialized above.
    unsafe { set.assume_init() }
}

fn wait_for(child: i32) -> i32 {
    let mut status = 0;
    // SAFETY: valid for writes.
    assert_eq!(unsafe { libc::waitpid(child, &raw mut status, 0) }, child);
    status
}

/// Forks a child that loops in its handler, and signals it.
fn fork_a_loop() -> i32 {
    set(SIGTERM, Some(action(spins as *const () as usize, 0)));
    // SAFETY: this process has one thread.
    let child = unsafe { libc::fork() };
    if child == 0 {
        pause();
    }
    // SAFETY: two integers.
    assert_eq!(unsafe { libc::kill(child, SIGTERM) }, 0);
    child
}

fn forks() {
    let child = fork_a_loop();
    ready();
    let status = wait_for(child);
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 124,
        "{status}"
    );
}

/// As `fork` does it, but no handler of `pthread_atfork` runs.
fn clones() {
    set(SIGTERM, Some(action(spins as *const () as usize, 0)));
    let signal = libc::SIGCHLD;
    let child = unsafe { libc::syscall(libc::SYS_clone, signal, 0, 0, 0, 0) };
    if child == 0 {
        pause();
    }
    let child = i32::try_from(child).expect("a process id");
    assert_eq!(unsafe { libc::kill(child, SIGTERM) }, 0);
    let status = wait_for(child);
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 124,
        "{status}"
    );
}

fn forks_unguarded() {
    let child = fork_a_loop();
    std::thread::sleep(GRACE * 2);
    let mut status = 0;
    // SAFETY: valid for writes.
    assert_eq!(
        unsafe { libc::waitpid(child, &raw mut status, libc::WNOHANG) },
        0
    );
    // SAFETY: two integers.
    unsafe { libc::kill(child, libc::SIGKILL) };
    wait_for(child);
}

extern "C" fn returns(_: c_int) {}

/// A child that shares this process's memory handles the signal.
fn vforks() {
    set(SIGTERM, Some(action(returns as *const () as usize, 0)));
    let mut stack = vec![0_u128; 4096];
    let top = stack.as_mut_ptr_range().end.cast();
    let flags = libc::CLONE_VM | libc::CLONE_VFORK | libc::SIGCHLD;
    // SAFETY: the child has a stack of its own, makes system calls alone, and this
    // process goes on when it has ended.
    let child = unsafe { libc::clone(signals_itself, top, flags, ptr::null_mut()) };
    let status = wait_for(child);
    assert!(
        libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0,
        "{status}"
    );
    std::thread::sleep(GRACE + Duration::from_millis(300));
}

extern "C" fn signals_itself(_: *mut c_void) -> c_int {
    // SAFETY: two integers.
    unsafe { libc::syscall(libc::SYS_kill, libc::getpid(), SIGTERM) };
    0
}
