//! Dispositions and chained handlers.
//!
//! # Orderings
//!
//! `HANDLER` is written before `NUMBER`, and read behind it. The reader is a child of
//! `fork`, which has its memory from one of the parent's threads: loom has no forks.

use std::io;
use std::mem::MaybeUninit;
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicUsize, Ordering};

use libc::siginfo_t;

use crate::cause::Sender;

/// What a process does on a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Disposition {
    Default,
    Handled,
    Ignored,
}

/// Whether a handler may be chained for `number`.
pub(crate) fn can_be_handled(number: i32) -> bool {
    (1..=libc::SIGRTMAX()).contains(&number) && !signal_hook_registry::FORBIDDEN.contains(&number)
}

/// What the process does on `number` now.
pub(crate) fn disposition(number: i32) -> io::Result<Disposition> {
    Ok(match action(number)? {
        libc::SIG_DFL => Disposition::Default,
        libc::SIG_IGN => Disposition::Ignored,
        _ => Disposition::Handled,
    })
}

/// Has `handler` called on `number`, with the sender if it was a process, after
/// those who handled it before.
///
/// `handler` must be async-signal-safe. It stays for the life of the process.
pub(crate) fn chain(number: i32, handler: fn(i32, Option<Sender>)) -> io::Result<()> {
    let action = move |info: &siginfo_t| handler(number, sender(info));
    // SAFETY: the action runs in a signal handler, and does what our contract
    // says of `handler`: it is async-signal-safe and does not panic.
    unsafe { signal_hook_registry::register_sigaction(number, action) }.map(drop)
}

/// Who sent it. Async-signal-safe.
fn sender(info: &siginfo_t) -> Option<Sender> {
    // Positive codes are the kernel's own: sigaction(2).
    if info.si_code > 0 {
        return None;
    }
    // SAFETY: a code of zero or less says that a process sent the signal, and
    // then these two fields are filled.
    let pid = unsafe { info.si_pid() };
    // SAFETY: as above.
    let uid = unsafe { info.si_uid() };
    Some(Sender::new(pid, uid))
}

/// Gives `number` its default action in every child that `fork` makes, if the
/// handler is still the one of now: its thread does not exist there.
pub(crate) fn reset_in_child(number: i32) {
    if let Ok(handler) = action(number) {
        HANDLER.store(handler, Ordering::Relaxed);
        NUMBER.store(number, Ordering::Release);
    }
}

static NUMBER: AtomicI32 = AtomicI32::new(0);
static HANDLER: AtomicUsize = AtomicUsize::new(0);

/// The child's side of [`reset_in_child`]. Async-signal-safe.
pub(crate) fn in_child() {
    let number = NUMBER.load(Ordering::Acquire);
    if number == 0 {
        return;
    }
    if let Ok(handler) = action(number) {
        if handler == HANDLER.load(Ordering::Relaxed) {
            set_default(number);
        }
    }
}

/// Gives `number` its default action. Async-signal-safe.
pub(crate) fn set_default(number: i32) {
    // SAFETY: all zeroes are a `sigaction` with no flags, an empty mask and
    // `SIG_DFL`.
    let default = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    // SAFETY: the first pointer is valid for reads, the second may be null.
    unsafe { libc::sigaction(number, &raw const default, ptr::null_mut()) };
}

/// The address of the handler, or one of the two constants. Async-signal-safe.
pub(super) fn action(number: i32) -> io::Result<libc::sighandler_t> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null action only asks; the second pointer is valid for writes.
    if unsafe { libc::sigaction(number, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed, and now written.
    Ok(unsafe { action.assume_init() }.sa_sigaction)
}
