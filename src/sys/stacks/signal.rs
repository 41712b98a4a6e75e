//! The signal that asks a thread for its stack: `SIGURG`, sent to that thread.
//!
//! Its default action is to do nothing. So a signal that is still pending when
//! the thread calls `exec` does not end the new program, and one that arrives
//! after another library has reset the handler does not end this one. Programs
//! must expect it at any time, since any socket may cause it.
//!
//! A handler that was there before is called after ours on every signal, also
//! on those that we sent: the kernel merges two pending `SIGURG` into one, and
//! the other sender's must not be lost.
//!
//! # Orderings
//!
//! `ANSWER` and the two of `PREVIOUS` are written before the handler is in place, by the one
//! thread that is inside [`StackSignal::take`]. The kernel orders that: a handler
//! runs after the `sigaction` that set it.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{MaybeUninit, transmute};
use std::ptr;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicPtr, Ordering};

use super::registers::{Registers, interrupted};
use deadstop_core::sys::ErrnoGuard;

const NUMBER: c_int = libc::SIGURG;

/// The function that the handler calls with the interrupted registers, for a signal that this
/// process sent.
type Answer = fn(&Registers);

/// The handler that is in place.
#[derive(Clone, Copy)]
pub(crate) struct StackSignal(());

/// The reason why there is no handler.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum NoHandler {
    /// Another handler has replaced ours. It may call ours, so ours cannot be
    /// put before it: the two would call each other.
    Replaced,
    /// The system call failed.
    Refused,
}

impl StackSignal {
    /// Handles `SIGURG` by calling `answer`, and then the handler that was there
    /// before. `answer` must be async-signal-safe, and is the same in every call.
    ///
    /// A child of `fork` inherits the handler, and finds it here.
    pub(crate) fn take(answer: Answer) -> Result<Self, NoHandler> {
        static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
        static WAS_TAKEN: AtomicBool = AtomicBool::new(false);
        let _one = ONE_AT_A_TIME.try_lock().map_err(|_| NoHandler::Refused)?;
        let current = action().ok_or(NoHandler::Refused)?;
        if current.sa_sigaction == our_handler() {
            return Ok(Self(()));
        }
        let is_handled = !matches!(current.sa_sigaction, libc::SIG_DFL | libc::SIG_IGN);
        if is_handled && WAS_TAKEN.load(Ordering::Relaxed) {
            return Err(NoHandler::Replaced);
        }
        ANSWER.store(answer as *mut (), Ordering::Relaxed);
        let wants_info = current.sa_flags & libc::SA_SIGINFO != 0;
        PREVIOUS_WANTS_INFO.store(wants_info, Ordering::Relaxed);
        PREVIOUS.store(
            match is_handled {
                true => ptr::with_exposed_provenance_mut(current.sa_sigaction),
                false => ptr::null_mut(),
            },
            Ordering::Relaxed,
        );
        let mut ours = current;
        ours.sa_sigaction = our_handler();
        if is_handled {
            // The other handler keeps its mask, its stack, and whether system
            // calls are restarted.
            ours.sa_flags |= libc::SA_SIGINFO;
            ours.sa_flags &= !(libc::SA_RESETHAND | libc::SA_NODEFER);
        } else {
            // On the thread's signal stack, if it has one: it may have no other
            // left. Interrupted system calls are restarted where possible.
            ours.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
            // No other handler interrupts ours.
            // SAFETY: the pointer is valid for writes.
            unsafe { libc::sigfillset(&raw mut ours.sa_mask) };
        }
        // SAFETY: the first pointer is valid for reads, the second may be null;
        // the handler stays valid for the life of the process.
        match unsafe { libc::sigaction(NUMBER, &raw const ours, ptr::null_mut()) } {
            0 => WAS_TAKEN.store(true, Ordering::Relaxed),
            _ => return Err(NoHandler::Refused),
        }
        Ok(Self(()))
    }

    pub(crate) fn number(self) -> c_int {
        NUMBER
    }

    /// Returns `true` if our handler is still in place. Async-signal-safe.
    pub(crate) fn is_ours(self) -> bool {
        action().is_some_and(|action| action.sa_sigaction == our_handler())
    }

    /// Returns the address of another handler that has replaced ours. Async-signal-safe.
    pub(crate) fn other_handler(self) -> Option<usize> {
        let handler = action()?.sa_sigaction;
        let is_none = matches!(handler, libc::SIG_DFL | libc::SIG_IGN);
        (!is_none && handler != our_handler()).then_some(handler)
    }

    /// Sends the signal to the thread `tid` of this process. Async-signal-safe.
    pub(crate) fn send(self, tid: c_int) -> io::Result<()> {
        // SAFETY: tgkill(2) takes three integers.
        match unsafe { libc::syscall(libc::SYS_tgkill, deadstop_core::pid(), tid, NUMBER) } {
            0 => Ok(()),
            _ => Err(io::Error::last_os_error()),
        }
    }
}

fn our_handler() -> libc::sighandler_t {
    handle as *const () as libc::sighandler_t
}

/// Returns the present action of `SIGURG`. Async-signal-safe.
fn action() -> Option<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null action only asks; the second pointer is valid for writes.
    if unsafe { libc::sigaction(NUMBER, ptr::null(), action.as_mut_ptr()) } != 0 {
        return None;
    }
    // SAFETY: zeroed, and now written.
    Some(unsafe { action.assume_init() })
}

/// [`Answer`], as a pointer.
static ANSWER: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

/// The handler that was there before ours; null for none.
static PREVIOUS: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());
/// Set if that handler wants three arguments.
static PREVIOUS_WANTS_INFO: AtomicBool = AtomicBool::new(false);

/// The handler. Async-signal-safe as long as the previous one is.
extern "C" fn handle(number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel calls this with `SA_SIGINFO`, so `info` is valid.
    if unsafe { is_from_us(info) } {
        let _errno = ErrnoGuard::save();
        // SAFETY: the kernel's own context, in this handler.
        let registers = unsafe { interrupted(context) };
        let answer = ANSWER.load(Ordering::Relaxed);
        // SAFETY: `take` stored a function of this type before it set the handler.
        let answer = unsafe { transmute::<*mut (), Answer>(answer) };
        answer(&registers);
    }
    let previous = PREVIOUS.load(Ordering::Relaxed);
    if !previous.is_null() {
        // SAFETY: the arguments are the kernel's own, in this handler, and
        // `previous` was the handler before ours.
        unsafe { call(previous, number, info, context) };
    }
}

/// Returns `true` if a thread of this process may have sent the signal by `tgkill`. The kernel
/// does not say who sent a signal if it cannot queue any more (`RLIMIT_SIGPENDING`): code and
/// sender are then zero.
///
/// # Safety
///
/// `info` must be the second argument of a handler with `SA_SIGINFO`.
unsafe fn is_from_us(info: *const libc::siginfo_t) -> bool {
    // SAFETY: the contract says that it is valid for reads.
    let info = unsafe { &*info };
    let of_sender = match info.si_code {
        libc::SI_TKILL => deadstop_core::pid(),
        libc::SI_USER => 0,
        _ => return false,
    };
    // SAFETY: a signal with these codes has the sender's id.
    unsafe { info.si_pid() == of_sender }
}

/// Calls `handler` as the kernel would.
///
/// # Safety
///
/// `handler` must be [`PREVIOUS`], and the rest a handler's three arguments.
unsafe fn call(handler: *mut (), number: c_int, info: *mut libc::siginfo_t, context: *mut c_void) {
    type WithInfo = unsafe extern "C" fn(c_int, *mut libc::siginfo_t, *mut c_void);
    type Plain = unsafe extern "C" fn(c_int);
    if PREVIOUS_WANTS_INFO.load(Ordering::Relaxed) {
        // SAFETY: with `SA_SIGINFO`, `sigaction` is given a function of this type.
        let handler = unsafe { transmute::<*mut (), WithInfo>(handler) };
        // SAFETY: a handler is made to be called like this.
        unsafe { handler(number, info, context) };
    } else {
        // SAFETY: without the flag, `sigaction` is given a function of this type.
        let handler = unsafe { transmute::<*mut (), Plain>(handler) };
        // SAFETY: a handler is made to be called like this.
        unsafe { handler(number) };
    }
}

/// Bytes that are left of the signal stack that the caller is on; `None` if it
/// is not on one. Async-signal-safe.
pub(crate) fn signal_stack_left() -> Option<usize> {
    let mut stack = MaybeUninit::<libc::stack_t>::zeroed();
    // SAFETY: a null pointer only asks; the second is valid for writes.
    unsafe { libc::sigaltstack(ptr::null(), stack.as_mut_ptr()) };
    let here = stack.as_ptr().addr();
    // SAFETY: zeroed, and now written; zeroes are a value of each field.
    let stack = unsafe { stack.assume_init() };
    let is_on_it = stack.ss_flags & libc::SS_ONSTACK != 0;
    is_on_it.then(|| here.saturating_sub(stack.ss_sp.addr()))
}
