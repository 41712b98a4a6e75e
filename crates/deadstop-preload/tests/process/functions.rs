//! Functions that the library replaces behave as without it.

use std::ffi::{c_int, c_void};
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use libc::{SIGTERM, sighandler_t, siginfo_t};

use crate::start::{Start, Test};

pub(crate) const TESTS: &[Test] = &[
    (
        "sigaction_returns_the_handler_and_flags_of_the_program",
        || {
            Start::new("asks_sigaction").end().assert_silent_success();
        },
    ),
    ("sigaction_is_untouched_without_a_grace_period", || {
        Start::without_grace("asks_the_kernel")
            .end()
            .assert_silent_success();
    }),
    ("sigaction_of_other_signals_is_untouched", || {
        Start::new("asks_the_kernel").end().assert_silent_success();
    }),
    ("signal_returns_the_handler_before", || {
        Start::new("asks_signal").end().assert_silent_success();
    }),
    ("sysv_signal_handles_once", || {
        Start::new("handles_once").end().assert_silent_success();
    }),
    ("sigset_holds_and_releases", || {
        Start::new("holds").end().assert_silent_success();
    }),
    ("siginterrupt_changes_the_flags", || {
        Start::new("interrupts").end().assert_silent_success();
    }),
    (
        "handler_gets_the_sender_and_the_context_and_errno_is_kept",
        || {
            Start::new("is_handled").end().assert_silent_success();
        },
    ),
    ("no_thread_runs_before_a_trigger", || {
        Start::new("counts_threads").end().assert_silent_success();
    }),
];

pub(crate) const VICTIMS: &[Test] = &[
    ("asks_sigaction", asks_sigaction),
    ("asks_the_kernel", asks_the_kernel),
    ("asks_signal", asks_signal),
    ("handles_once", handles_once),
    ("holds", holds),
    ("interrupts", interrupts),
    ("is_handled", is_handled),
    ("counts_threads", counts_threads),
];

// glibc's, which the crate `libc` does not declare.
unsafe extern "C" {
    fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t;
    fn sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t;
    fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int;
}

extern "C" fn first(_: c_int) {
    CALLS.fetch_add(1, Ordering::SeqCst);
}

extern "C" fn second(_: c_int) {}

extern "C" fn with_info(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel has filled it.
    let sender = unsafe { (*info).si_pid() };
    SIGNAL.store(signal, Ordering::SeqCst);
    SENDER.store(sender, Ordering::SeqCst);
    CONTEXT.store(context.addr(), Ordering::SeqCst);
}

static CALLS: AtomicI32 = AtomicI32::new(0);
static SIGNAL: AtomicI32 = AtomicI32::new(0);
static SENDER: AtomicI32 = AtomicI32::new(0);
static CONTEXT: AtomicUsize = AtomicUsize::new(0);

pub(crate) fn action(handler: usize, flags: c_int) -> libc::sigaction {
    // SAFETY: all zeroes are an action.
    let mut action: libc::sigaction = unsafe { MaybeUninit::zeroed().assume_init() };
    action.sa_sigaction = handler;
    action.sa_flags = flags;
    action
}

pub(crate) fn set(signal: c_int, new: Option<libc::sigaction>) -> libc::sigaction {
    let mut old = action(0, 0);
    let new = new.as_ref().map_or(ptr::null(), ptr::from_ref);
    // SAFETY: the first pointer is null or valid, the second is valid.
    assert_eq!(unsafe { libc::sigaction(signal, new, &raw mut old) }, 0);
    old
}

fn address(handler: extern "C" fn(c_int)) -> usize {
    handler as *const () as usize
}

fn raise(signal: c_int) {
    // SAFETY: an integer.
    assert_eq!(unsafe { libc::raise(signal) }, 0);
}

fn asks_sigaction() {
    assert_eq!(set(SIGTERM, None).sa_sigaction, libc::SIG_DFL);
    let with_flags = action(address(first), libc::SA_RESTART | libc::SA_NODEFER);
    assert_eq!(set(SIGTERM, Some(with_flags)).sa_sigaction, libc::SIG_DFL);
    let asked = set(SIGTERM, None);
    assert_eq!(asked.sa_sigaction, address(first));
    let flags = libc::SA_RESTART | libc::SA_NODEFER | libc::SA_SIGINFO;
    assert_eq!(asked.sa_flags & flags, libc::SA_RESTART | libc::SA_NODEFER);
    let with_information = action(with_info as *const () as usize, libc::SA_SIGINFO);
    assert_eq!(
        set(SIGTERM, Some(with_information)).sa_sigaction,
        address(first)
    );
    assert_ne!(set(SIGTERM, None).sa_flags & libc::SA_SIGINFO, 0);
    assert_eq!(
        set(SIGTERM, Some(action(libc::SIG_IGN, 0))).sa_sigaction,
        with_info as *const () as usize
    );
    assert_eq!(set(SIGTERM, None).sa_sigaction, libc::SIG_IGN);
    // SAFETY: no such signal: an error, and nothing is written.
    assert_eq!(
        unsafe { libc::sigaction(65, ptr::null(), ptr::null_mut()) },
        -1
    );
}

/// The handler that the kernel calls, by a bare system call.
fn in_kernel(signal: c_int) -> usize {
    // `struct kernel_sigaction` has the handler first.
    let mut action = [0_usize; 8];
    // SAFETY: the last pointer is valid for writes of more than the structure.
    let asked = unsafe {
        libc::syscall(
            libc::SYS_rt_sigaction,
            signal,
            ptr::null::<usize>(),
            action.as_mut_ptr(),
            8,
        )
    };
    assert_eq!(asked, 0);
    action[0]
}

fn asks_the_kernel() {
    let signals = match std::env::var_os("DEADSTOP_GRACE") {
        // The library hears SIGTERM only.
        Some(_) => vec![libc::SIGINT, libc::SIGUSR1, libc::SIGCHLD],
        None => vec![SIGTERM, libc::SIGINT],
    };
    for signal in signals {
        set(signal, Some(action(address(first), 0)));
        assert_eq!(in_kernel(signal), address(first), "signal {signal}");
    }
    if std::env::var_os("DEADSTOP_GRACE").is_some() {
        set(SIGTERM, Some(action(address(first), 0)));
        assert_ne!(in_kernel(SIGTERM), address(first));
    }
}

fn asks_signal() {
    // SAFETY: handlers that do nothing but count.
    let before = unsafe { libc::signal(SIGTERM, address(first)) };
    assert_eq!(before, libc::SIG_DFL);
    // SAFETY: as above.
    assert_eq!(
        unsafe { libc::signal(SIGTERM, address(second)) },
        address(first)
    );
    assert_ne!(set(SIGTERM, None).sa_flags & libc::SA_RESTART, 0);
    // SAFETY: no handler.
    assert_eq!(
        unsafe { libc::signal(SIGTERM, libc::SIG_DFL) },
        address(second)
    );
    // SAFETY: an error: it cannot be handled.
    assert_eq!(
        unsafe { libc::signal(libc::SIGKILL, address(first)) },
        libc::SIG_ERR
    );
}

fn handles_once() {
    // SAFETY: a handler that counts.
    assert_eq!(
        unsafe { sysv_signal(SIGTERM, address(first)) },
        libc::SIG_DFL
    );
    raise(SIGTERM);
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
    assert_eq!(set(SIGTERM, None).sa_sigaction, libc::SIG_DFL);
}

fn holds() {
    const HOLD: sighandler_t = 2;
    // SAFETY: a handler that counts.
    assert_eq!(unsafe { sigset(SIGTERM, address(first)) }, libc::SIG_DFL);
    // SAFETY: it is blocked, and keeps its handler.
    assert_eq!(unsafe { sigset(SIGTERM, HOLD) }, address(first));
    raise(SIGTERM);
    assert_eq!(CALLS.load(Ordering::SeqCst), 0);
    // SAFETY: as above. It was blocked before.
    assert_eq!(unsafe { sigset(SIGTERM, address(first)) }, HOLD);
    assert_eq!(CALLS.load(Ordering::SeqCst), 1);
}

fn interrupts() {
    set(SIGTERM, Some(action(address(first), libc::SA_RESTART)));
    // SAFETY: two integers.
    assert_eq!(unsafe { siginterrupt(SIGTERM, 1) }, 0);
    let asked = set(SIGTERM, None);
    assert_eq!(asked.sa_flags & libc::SA_RESTART, 0);
    assert_eq!(asked.sa_sigaction, address(first));
    // SAFETY: a handler that counts.
    unsafe { libc::signal(SIGTERM, address(first)) };
    assert_eq!(set(SIGTERM, None).sa_flags & libc::SA_RESTART, 0);
    // SAFETY: two integers.
    assert_eq!(unsafe { siginterrupt(SIGTERM, 0) }, 0);
    assert_ne!(set(SIGTERM, None).sa_flags & libc::SA_RESTART, 0);
}

fn is_handled() {
    set(
        SIGTERM,
        Some(action(with_info as *const () as usize, libc::SA_SIGINFO)),
    );
    // SAFETY: the address of this thread's own.
    let errno = unsafe { libc::__errno_location() };
    // SAFETY: as above.
    unsafe { errno.write(77) };
    // SAFETY: two integers.
    unsafe { libc::kill(libc::getpid(), SIGTERM) };
    // SAFETY: as above.
    assert_eq!(unsafe { errno.read() }, 77);
    assert_eq!(SIGNAL.load(Ordering::SeqCst), SIGTERM);
    assert_eq!(
        SENDER.load(Ordering::SeqCst),
        i32::try_from(std::process::id()).expect("a process id")
    );
    assert_ne!(CONTEXT.load(Ordering::SeqCst), 0);
}

pub(crate) fn threads() -> usize {
    std::fs::read_dir("/proc/self/task").expect("/proc").count()
}

fn counts_threads() {
    set(SIGTERM, Some(action(address(first), 0)));
    assert_eq!(threads(), 1);
    raise(SIGTERM);
    assert_eq!(threads(), 4);
}
