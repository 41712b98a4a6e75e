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
    /// The search begins at the other end than that of pid 1's third line of
    /// defence, so that neither takes what the other is looking at.
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

/// How much is left of the signal stack that the caller is on, if it is on one.
/// Async-signal-safe.
pub(crate) fn room() -> Option<usize> {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: a null pointer only asks; the second is valid for writes.
    unsafe { libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) };
    let here = stack.as_ptr().addr();
    // SAFETY: zeroed, and now written; zeroes are a value of each field.
    let stack = unsafe { stack.assume_init() };
    let is_on_it = stack.ss_flags & libc::SS_ONSTACK != 0;
    is_on_it.then(|| here.saturating_sub(stack.ss_sp.addr()))
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::thread;

    use super::*;
    use crate::kill_path::tid;

    static ROOM: AtomicUsize = AtomicUsize::new(0);

    extern "C" fn measure(_signal: c_int) {
        ROOM.store(room().unwrap_or(usize::MAX), Ordering::Relaxed);
    }

    /// On a signal stack of this test's own, in a process that nobody else
    /// sends such a signal.
    #[test]
    fn a_handler_knows_how_much_stack_it_has() {
        const SIZE: usize = 64 * 1024;
        let signal = Signal::take(measure).unwrap();
        let thread = thread::spawn(move || {
            let mut memory = vec![0_u8; SIZE];
            let stack = libc::stack_t {
                ss_sp: memory.as_mut_ptr().cast(),
                ss_flags: 0,
                ss_size: SIZE,
            };
            let mut before = MaybeUninit::<libc::stack_t>::zeroed();
            // SAFETY: the first pointer is to a stack that this thread gives
            // back before its memory is freed, the second is valid for writes.
            let changed = unsafe { libc::sigaltstack(&raw const stack, before.as_mut_ptr()) };
            assert_eq!(changed, 0);
            signal.send(tid()).unwrap();
            // SAFETY: the stack that was this thread's before; the second
            // pointer may be null.
            unsafe { libc::sigaltstack(before.as_ptr(), ptr::null_mut()) };
            assert_eq!(room(), None);
        });
        thread.join().unwrap();
        let room = ROOM.load(Ordering::Relaxed);
        assert!((SIZE / 2..SIZE).contains(&room), "{room}");
    }
}
