//! Dispositions and chained handlers.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use libc::siginfo_t;

use crate::cause::Sender;

/// The disposition of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Disposition {
    Default,
    Handled,
    Ignored,
}

/// The largest number of a signal.
fn last_signal() -> i32 {
    #[cfg(target_os = "linux")]
    let last = libc::SIGRTMAX();
    // Real-time signals are not triggers there.
    #[cfg(not(target_os = "linux"))]
    let last = libc::SIGUSR2;
    last
}

/// Returns `true` if a handler may be chained for `number`. Not for `SIGURG`, by which
/// deadstop asks threads for their stacks: each report would request another.
pub(crate) fn can_be_handled(number: i32) -> bool {
    exists(number) && number != libc::SIGURG && !signal_hook_registry::FORBIDDEN.contains(&number)
}

/// Returns `true` if the system has a signal of this number.
pub(crate) fn exists(number: i32) -> bool {
    (1..=last_signal()).contains(&number)
}

/// Returns the process's present disposition of `number`.
pub(crate) fn disposition(number: i32) -> io::Result<Disposition> {
    Ok(match action(number)? {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignored,
        _ => Disposition::Handled,
    })
}

/// The origin of a signal.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin {
    /// The sending process, if it was one.
    pub(crate) sender: Option<Sender>,
    /// `true` if the kernel sent it by itself: a signal of a terminal's key then means that the key
    /// was pressed.
    pub(crate) is_kernel: bool,
}

/// Chains `handler` for `number`: it is called after the handlers that were there
/// before. Returns the address of the handler that the kernel now calls.
///
/// The registry's handler runs on the stack of the interrupted thread. If the
/// handler before it asked for the alternate stack, it is made to keep that: Go ends
/// a process in which a handler runs on a goroutine's stack. In any other case it
/// must not: `std` gives every thread an alternate stack of a few KiB, and a handler
/// of the program may need more.
///
/// `handler` must be async-signal-safe. It stays for the life of the process.
pub(crate) fn chain(number: i32, handler: fn(i32, Origin)) -> io::Result<usize> {
    let before = current(number)?;
    let action = move |info: &siginfo_t| handler(number, origin(info));
    // SAFETY: the action runs in a signal handler; by our contract `handler` is
    // async-signal-safe, and it does not panic.
    unsafe { signal_hook_registry::register_sigaction(number, action) }?;
    let mut now = current(number)?;
    if before.sa_flags & libc::SA_ONSTACK != 0 && now.sa_flags & libc::SA_ONSTACK == 0 {
        now.sa_flags |= libc::SA_ONSTACK;
        // SAFETY: the first pointer is valid for reads, the second may be null. The
        // action is the one in place, which runs on any stack.
        if unsafe { libc::sigaction(number, &raw const now, ptr::null_mut()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(now.sa_sigaction)
}

/// Returns the action of `number`.
fn current(number: i32) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null action only asks; the second pointer is valid for writes.
    if unsafe { libc::sigaction(number, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed, and now written.
    Ok(unsafe { action.assume_init() })
}

/// The codes of `siginfo_t`: `kill`, `sigqueue`, a signal to a thread, and the kernel's own.
#[cfg(target_os = "linux")]
const CODES: [i32; 4] = [
    libc::SI_USER,
    libc::SI_QUEUE,
    libc::SI_TKILL,
    libc::SI_KERNEL,
];
/// From FreeBSD's `sys/signal.h`.
#[cfg(target_os = "freebsd")]
const CODES: [i32; 4] = [0x10001, 0x10002, 0x10007, 0x10006];
/// From macOS's `sys/signal.h`, where the last two do not exist.
#[cfg(target_os = "macos")]
const CODES: [i32; 4] = [0x10001, 0x10002, i32::MIN, 0];
const SI_USER: i32 = CODES[0];
const SI_QUEUE: i32 = CODES[1];
const SI_THREAD: i32 = CODES[2];
const SI_KERNEL: i32 = CODES[3];

/// Returns the origin of a signal. Async-signal-safe.
fn origin(info: &siginfo_t) -> Origin {
    // sigaction(2): the kernel fills pid and uid for these two codes, and refuses
    // a process that sends them by rt_sigqueueinfo(2). For `SI_QUEUE` the sender
    // fills them. Other codes have other fields in their place.
    let fields = || {
        // SAFETY: these codes have the two fields.
        let pid = unsafe { info.si_pid() };
        // SAFETY: as above.
        let uid = unsafe { info.si_uid() };
        (pid, uid)
    };
    let sender = match info.si_code {
        SI_USER | SI_THREAD => {
            let (pid, uid) = fields();
            Some(Sender::new(pid, uid))
        }
        SI_QUEUE => {
            let (pid, uid) = fields();
            Some(Sender::claimed(pid, uid))
        }
        _ => None,
    };
    Origin {
        sender,
        is_kernel: info.si_code == SI_KERNEL,
    }
}

/// The default action of a signal: signal(7).
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum DefaultAction {
    /// Ends the process.
    End,
    /// Does nothing, or continues a process that is stopped.
    Ignore,
    /// Stops the process.
    Stop,
}

/// Returns the default action of `number`. Async-signal-safe.
pub(crate) fn default_action(number: i32) -> DefaultAction {
    match number {
        libc::SIGCHLD | libc::SIGCONT | libc::SIGURG | libc::SIGWINCH => DefaultAction::Ignore,
        libc::SIGSTOP | libc::SIGTSTP | libc::SIGTTIN | libc::SIGTTOU => DefaultAction::Stop,
        _ => DefaultAction::End,
    }
}

/// Does what the kernel would do on `number` without a handler.
/// Async-signal-safe.
pub(crate) fn take_default_action(number: i32) {
    match default_action(number) {
        DefaultAction::End => deadstop_core::sys::end_by_signal(number),
        DefaultAction::Ignore => {}
        DefaultAction::Stop => {
            // SAFETY: `raise` takes an integer, and is async-signal-safe.
            unsafe { libc::raise(libc::SIGSTOP) };
        }
    }
}

/// Returns the address of the handler, `SIG_DFL` or `SIG_IGN`.
/// Async-signal-safe.
pub(crate) fn action(number: i32) -> io::Result<libc::sighandler_t> {
    deadstop_core::sys::action_of(number).map_err(io::Error::from_raw_os_error)
}

/// Sends `number` to this process if it has a handler for it.
#[cfg(feature = "shutdown")]
pub(crate) fn send_if_handled(number: i32) {
    if disposition(number).is_ok_and(|is| is == Disposition::Handled) {
        // SAFETY: `kill` takes integers.
        unsafe { libc::kill(deadstop_core::pid(), number) };
    }
}
