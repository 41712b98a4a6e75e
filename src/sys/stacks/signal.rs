//! A real-time signal of our own, sent to one thread.

use std::ffi::c_int;
use std::io;
use std::mem::MaybeUninit;
use std::ptr;

use crate::kill_path;
use crate::sys::signals::action;

/// A signal that is handled by a function of ours.
#[derive(Clone, Copy)]
pub(crate) struct Signal {
    number: c_int,
    handler: extern "C" fn(c_int),
}

/// How many of the lowest are taken last: runtimes take those by number, without
/// asking whose they are.
const NUMBERED: c_int = 8;

impl Signal {
    /// Has `handler` handle a real-time signal that nobody does. A child of
    /// `fork`, where that has been done already, keeps the signal it inherits.
    ///
    /// The search begins at the other end than pid 1's third line of defence
    /// does, which must not find its signal taken, and is made at the same time
    /// in no particular order.
    pub(crate) fn take(handler: extern "C" fn(c_int)) -> Option<Self> {
        let (first, last) = (libc::SIGRTMIN(), libc::SIGRTMAX());
        let middle = first.saturating_add(NUMBERED).min(last);
        (middle..=last)
            .chain(first..middle)
            .map(|number| Self { number, handler })
            .find(|signal| signal.is_ours() || signal.handle_if_free())
    }

    pub(crate) fn number(self) -> c_int {
        self.number
    }

    /// Whether nobody has taken it since. Async-signal-safe.
    pub(crate) fn is_ours(self) -> bool {
        action(self.number).is_ok_and(|handler| handler == self.handler as *const () as usize)
    }

    /// Sends it to the thread `tid` of this process. Async-signal-safe.
    pub(crate) fn send(self, tid: c_int) -> io::Result<()> {
        // SAFETY: tgkill(2) takes three integers.
        match unsafe { libc::syscall(libc::SYS_tgkill, kill_path::pid(), tid, self.number) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }

    fn handle_if_free(self) -> bool {
        if !matches!(action(self.number), Ok(libc::SIG_DFL)) {
            return false;
        }
        // SAFETY: all zeroes are a `sigaction`, with an empty mask.
        let mut ours = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
        ours.sa_sigaction = self.handler as *const () as usize;
        // On the thread's signal stack, if it has one: it may have no other
        // left. With the interrupted call taken up again, where that can be.
        ours.sa_flags = libc::SA_ONSTACK | libc::SA_RESTART;
        // No other handler in the middle of ours.
        // SAFETY: the pointer is valid for writes.
        unsafe { libc::sigfillset(&raw mut ours.sa_mask) };
        // SAFETY: the first pointer is valid for reads, the second may be null;
        // the handler stays valid for the life of the process.
        unsafe { libc::sigaction(self.number, &raw const ours, ptr::null_mut()) == 0 }
    }
}
