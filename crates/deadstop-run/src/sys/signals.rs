//! Signals, read from a descriptor while all are blocked.

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::os::fd::{AsRawFd, BorrowedFd, FromRawFd};
use std::time::Duration;

use deadstop_core::{Nanos, now};

use crate::machine::Received;

/// The dispositions and the mask that the program inherits, as they were at the start.
#[derive(Clone, Copy)]
pub(crate) struct Inherited {
    mask: libc::sigset_t,
    /// The actions of the signals of [`CHANGED`].
    actions: [libc::sigaction; 3],
}

impl std::fmt::Debug for Inherited {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Inherited")
    }
}

/// Signals whose disposition this process needs. Those of the terminal would stop it
/// when it writes from the background; the ends of children are not reported to a
/// process that ignores `SIGCHLD`.
const CHANGED: [(i32, libc::sighandler_t); 3] = [
    (libc::SIGTTIN, libc::SIG_IGN),
    (libc::SIGTTOU, libc::SIG_IGN),
    (libc::SIGCHLD, libc::SIG_DFL),
];

/// The signals of this process.
#[derive(Debug)]
pub(crate) struct Signals {
    file: File,
    listener: Option<i32>,
    inherited: Inherited,
}

impl Signals {
    /// Blocks every signal except those of the terminal. A fault of this process ends
    /// it all the same: the kernel does not let a fault be blocked. One that another
    /// process sends, such as SIGABRT for a core dump, is for the program.
    pub(crate) fn take() -> io::Result<Self> {
        let mut set = empty();
        // SAFETY: the set is initialized.
        unsafe { libc::sigfillset(&raw mut set) };
        for signal in [libc::SIGTTIN, libc::SIGTTOU] {
            // SAFETY: the set is initialized.
            unsafe { libc::sigdelset(&raw mut set, signal) };
        }
        let mut mask = empty();
        // SAFETY: both pointers are valid.
        unsafe { libc::sigprocmask(libc::SIG_SETMASK, &raw const set, &raw mut mask) };
        let actions = CHANGED.map(|(signal, handler)| set_action(signal, handler));
        // SAFETY: the set is initialized.
        let file =
            unsafe { libc::signalfd(-1, &raw const set, libc::SFD_CLOEXEC | libc::SFD_NONBLOCK) };
        if file < 0 {
            return Err(io::Error::last_os_error());
        }
        Ok(Self {
            // SAFETY: the kernel has just made the descriptor.
            file: unsafe { File::from_raw_fd(file) },
            inherited: Inherited { mask, actions },
            listener: None,
        })
    }

    /// Takes signals that `listener` sends for those of the terminal.
    pub(crate) fn hear(&mut self, listener: i32) {
        self.listener = Some(listener);
    }

    pub(crate) fn inherited(&self) -> Inherited {
        self.inherited
    }

    /// Returns the next signal, if there is one.
    pub(crate) fn next(&mut self) -> Option<Received> {
        let mut record = [0; size_of::<libc::signalfd_siginfo>()];
        self.file.read_exact(&mut record).ok()?;
        // SAFETY: all bytes are integers, and the kernel has written a whole record.
        let record = unsafe {
            record
                .as_ptr()
                .cast::<libc::signalfd_siginfo>()
                .read_unaligned()
        };
        let signal = i32::try_from(record.ssi_signo).ok()?;
        let is_process = matches!(
            record.ssi_code,
            libc::SI_USER | libc::SI_TKILL | libc::SI_QUEUE
        );
        let pid = i32::try_from(record.ssi_pid).ok();
        let is_listener = record.ssi_code == libc::SI_QUEUE && pid == self.listener;
        let is_terminal = is_listener && pid.is_some();
        let is_process = is_process && !is_terminal;
        Some(Received {
            signal,
            is_terminal,
            sender: pid.filter(|_| is_process).map(|pid| (pid, record.ssi_uid)),
            at: now(),
        })
    }

    /// Waits for a signal, or until the clock reads `until`.
    pub(crate) fn wait(&self, until: Option<Nanos>) {
        let length = until.map(|until| until.since(now()));
        wait_readable(self.file.as_fd(), length);
    }
}

impl Inherited {
    /// Restores the mask and the dispositions. For the child, before `exec`.
    pub(crate) fn restore(&self) {
        for ((signal, _), action) in CHANGED.iter().zip(&self.actions) {
            // SAFETY: the first pointer is valid for reads, the second may be null.
            unsafe { libc::sigaction(*signal, action, std::ptr::null_mut()) };
        }
        // The standard library gives a child the default for SIGPIPE. This process has
        // never changed it, so its own disposition is what it was started with.
        // SAFETY: the first pointer is valid for reads, the second may be null.
        unsafe {
            libc::sigprocmask(
                libc::SIG_SETMASK,
                &raw const self.mask,
                std::ptr::null_mut(),
            )
        };
    }
}

fn set_action(signal: i32, handler: libc::sighandler_t) -> libc::sigaction {
    let mut action = no_action();
    action.sa_sigaction = handler;
    let mut before = no_action();
    // SAFETY: both pointers are valid.
    unsafe { libc::sigaction(signal, &raw const action, &raw mut before) };
    before
}

/// Returns the disposition of `SIGPIPE`, which the standard library changes in a child.
pub(crate) fn pipe_action() -> libc::sigaction {
    let mut action = no_action();
    // SAFETY: a null action only asks.
    unsafe { libc::sigaction(libc::SIGPIPE, std::ptr::null(), &raw mut action) };
    action
}

/// Sets the disposition of `SIGPIPE`. Async-signal-safe.
pub(crate) fn set_pipe_action(action: &libc::sigaction) {
    // SAFETY: the first pointer is valid for reads, the second may be null.
    unsafe { libc::sigaction(libc::SIGPIPE, action, std::ptr::null_mut()) };
}

fn no_action() -> libc::sigaction {
    // SAFETY: all zeroes are an action: the default, with an empty mask.
    unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() }
}

fn empty() -> libc::sigset_t {
    let mut set = MaybeUninit::<libc::sigset_t>::zeroed();
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::sigemptyset(set.as_mut_ptr()) };
    // SAFETY: zeroed, and now written.
    unsafe { set.assume_init() }
}

fn wait_readable(file: BorrowedFd<'_>, length: Option<Duration>) {
    let mut entry = libc::pollfd {
        fd: file.as_raw_fd(),
        events: libc::POLLIN,
        revents: 0,
    };
    let length = length.map(|length| libc::timespec {
        tv_sec: libc::time_t::try_from(length.as_secs()).unwrap_or(libc::time_t::MAX),
        tv_nsec: length.subsec_nanos().into(),
    });
    let length = length.as_ref().map_or(std::ptr::null(), std::ptr::from_ref);
    // SAFETY: one entry; the time and the mask are null or valid for reads.
    unsafe { libc::ppoll(&raw mut entry, 1, length, std::ptr::null()) };
}
