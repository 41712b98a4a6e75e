//! `sigaction` and its family.
//!
//! The kernel gets our handler, with the program's mask and flags; the program's
//! handler is kept in a table, and is what the program sees when it asks. The kernel's
//! own state decides what is in force: if its handler is not ours, the table does not
//! count, as after `SA_RESETHAND` or a bare system call.
//!
//! # Orderings
//!
//! A handler is written to the table (`Release`) before the kernel may call ours, which
//! reads it (`Acquire`). Two threads that set the same signal at the same time may
//! find either handler in force, as without this library.

use core::ffi::{c_int, c_void};
use core::mem::{MaybeUninit, transmute};
use core::ptr;
use core::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

use libc::{sigaction as Action, sighandler_t, siginfo_t};

use crate::cause::Trigger;
use crate::settings::SETTINGS;
use crate::sys::next::{Next, missing};
use crate::sys::signal_info;
use crate::watch;

type SigAction = unsafe extern "C" fn(c_int, *const Action, *mut Action) -> c_int;
type Handler = unsafe extern "C-unwind" fn(c_int, *mut siginfo_t, *mut c_void);

// SAFETY: the type of that function in the C library.
static SIGACTION: Next<SigAction> = unsafe { Next::new(c"sigaction") };

/// The program's handlers, by signal.
static HANDLERS: [AtomicUsize; 65] = [const { AtomicUsize::new(0) }; 65];
/// The signals whose handler was set without `SA_SIGINFO`, as bits.
static WITHOUT_INFO: AtomicU64 = AtomicU64::new(0);
/// The signals for which `siginterrupt` asked that calls be interrupted, as bits.
static INTERRUPTING: AtomicU64 = AtomicU64::new(0);

pub(super) fn look_up() {
    SIGACTION.look_up();
}

/// Calls the C library's `sigaction`.
unsafe fn real(signal: c_int, new: *const Action, old: *mut Action) -> c_int {
    let Some(function) = SIGACTION.function() else {
        return missing();
    };
    // SAFETY: the caller's contract is the function's.
    unsafe { function(signal, new, old) }
}

/// The handler that the kernel calls. A handler of the program may leave it by
/// `longjmp`, `pthread_exit` or an exception: nothing is left to do here once it is called.
///
/// It may run on an alternate stack of the program. The first signal needs some 1,100 bytes
/// of it, besides the kernel's frame; the guide says 2,048.
unsafe extern "C-unwind" fn handler(signal: c_int, info: *mut siginfo_t, context: *mut c_void) {
    // SAFETY: the kernel has filled it.
    let sender = unsafe { signal_info::sender(info) };
    watch::arm(Trigger::Signal(signal, sender));
    let program = slot(signal).map_or(0, |slot| slot.load(Ordering::Acquire));
    if program != 0 {
        // SAFETY: the program gave this address as a handler. The kernel passes all
        // three arguments to a handler that takes one, too.
        let program = unsafe { transmute::<usize, Handler>(program) };
        // SAFETY: the arguments are the kernel's.
        unsafe { program(signal, info, context) };
    }
}

fn slot(signal: c_int) -> Option<&'static AtomicUsize> {
    HANDLERS.get(usize::try_from(signal).ok()?)
}

fn ours() -> sighandler_t {
    handler as *const () as sighandler_t
}

fn bit(signal: c_int) -> u64 {
    1_u64.wrapping_shl(signal.unsigned_abs().wrapping_sub(1))
}

/// Replaces our handler in `action` by the program's.
fn translate(signal: c_int, action: &mut Action, program: sighandler_t, without_info: u64) {
    if action.sa_sigaction == ours() {
        action.sa_sigaction = program;
        if without_info & bit(signal) != 0 {
            action.sa_flags &= !libc::SA_SIGINFO;
        }
    }
}

unsafe fn set(signal: c_int, new: *const Action, old: *mut Action) -> c_int {
    let Some(slot) = slot(signal).filter(|_| SETTINGS.hears(signal)) else {
        // SAFETY: the caller's contract.
        return unsafe { real(signal, new, old) };
    };
    let mut before = no_action();
    // The two may be the same: copied before anything is written.
    // SAFETY: null or valid for reads, by the contract.
    let new = unsafe { new.as_ref() }.copied();
    let table = slot.load(Ordering::Acquire);
    let without_info = WITHOUT_INFO.load(Ordering::Acquire);
    let result = match new {
        None => {
            // SAFETY: a null action only asks.
            unsafe { real(signal, ptr::null(), &raw mut before) }
        }
        Some(new) if is_plain(&new) => {
            // SAFETY: both pointers are valid.
            unsafe { real(signal, &raw const new, &raw mut before) }
        }
        Some(new) => {
            slot.store(new.sa_sigaction, Ordering::Release);
            match new.sa_flags & libc::SA_SIGINFO {
                0 => WITHOUT_INFO.fetch_or(bit(signal), Ordering::AcqRel),
                _ => WITHOUT_INFO.fetch_and(!bit(signal), Ordering::AcqRel),
            };
            let mut new = new;
            new.sa_sigaction = ours();
            new.sa_flags |= libc::SA_SIGINFO;
            // SAFETY: both pointers are valid.
            let result = unsafe { real(signal, &raw const new, &raw mut before) };
            if result != 0 {
                slot.store(table, Ordering::Release);
            }
            result
        }
    };
    if result == 0 && !old.is_null() {
        translate(signal, &mut before, table, without_info);
        // SAFETY: valid for writes, by the contract.
        unsafe { old.write(before) };
    }
    result
}

/// Returns `true` if the action does not need our handler: the default, to ignore, or ours, which
/// a program can only know by a bare system call.
fn is_plain(action: &Action) -> bool {
    [libc::SIG_DFL, libc::SIG_IGN, ours()].contains(&action.sa_sigaction)
}

fn no_action() -> Action {
    // SAFETY: all zeroes are an action: the default, with an empty mask.
    unsafe { MaybeUninit::<Action>::zeroed().assume_init() }
}

/// Sets a handler as the functions of one argument do, and returns the one before.
unsafe fn set_handler(
    signal: c_int,
    handler: sighandler_t,
    flags: c_int,
    masks_itself: bool,
) -> sighandler_t {
    let mut new = no_action();
    new.sa_sigaction = handler;
    new.sa_flags = flags;
    if masks_itself {
        // SAFETY: the set is all zeroes, which is the empty one.
        unsafe { libc::sigaddset(&raw mut new.sa_mask, signal) };
    }
    let mut old = no_action();
    // SAFETY: both pointers are valid.
    match unsafe { set(signal, &raw const new, &raw mut old) } {
        0 => old.sa_sigaction,
        _ => libc::SIG_ERR,
    }
}

/// `SA_RESTART`, unless `siginterrupt` asked for the contrary.
fn restart(signal: c_int) -> c_int {
    match INTERRUPTING.load(Ordering::Relaxed) & bit(signal) {
        0 => libc::SA_RESTART,
        _ => 0,
    }
}

/// POSIX's `sigaction`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigaction(signal: c_int, new: *const Action, old: *mut Action) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { set(signal, new, old) }
}

/// glibc's other name for it.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __sigaction(signal: c_int, new: *const Action, old: *mut Action) -> c_int {
    // SAFETY: the caller's contract.
    unsafe { set(signal, new, old) }
}

/// C's `signal`, in BSD's sense.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: the caller's contract.
    unsafe { set_handler(signal, handler, restart(signal), true) }
}

/// The same under its old name.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn bsd_signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: the caller's contract.
    unsafe { set_handler(signal, handler, restart(signal), true) }
}

/// The same, as Berkeley's libraries called it.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn ssignal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: the caller's contract.
    unsafe { set_handler(signal, handler, restart(signal), true) }
}

/// System V's `signal`: what `signal` is with `_XOPEN_SOURCE` alone.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn __sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    let flags = libc::SA_RESETHAND | libc::SA_NODEFER;
    // SAFETY: the caller's contract.
    unsafe { set_handler(signal, handler, flags, false) }
}

/// The same under its public name.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sysv_signal(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: the caller's contract.
    unsafe { __sysv_signal(signal, handler) }
}

/// `SIG_HOLD`: block the signal and leave its handler.
const HOLD: sighandler_t = 2;

/// POSIX's `sigset`, which also blocks and unblocks.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigset(signal: c_int, handler: sighandler_t) -> sighandler_t {
    // SAFETY: all zeroes are the empty set.
    let mut one = unsafe { MaybeUninit::<libc::sigset_t>::zeroed().assume_init() };
    // SAFETY: the set is initialized.
    if unsafe { libc::sigaddset(&raw mut one, signal) } != 0 {
        return libc::SIG_ERR;
    }
    // SAFETY: as above.
    let mut mask = unsafe { MaybeUninit::<libc::sigset_t>::zeroed().assume_init() };
    let (how, old) = if handler == HOLD {
        let mut old = no_action();
        // SAFETY: a null action only asks.
        let asked = unsafe { set(signal, ptr::null(), &raw mut old) };
        (
            libc::SIG_BLOCK,
            if asked == 0 {
                old.sa_sigaction
            } else {
                libc::SIG_ERR
            },
        )
    } else {
        // SAFETY: the caller's contract.
        (libc::SIG_UNBLOCK, unsafe {
            set_handler(signal, handler, 0, false)
        })
    };
    if old == libc::SIG_ERR {
        return old;
    }
    // SAFETY: both sets are initialized.
    if unsafe { libc::sigprocmask(how, &raw const one, &raw mut mask) } != 0 {
        return libc::SIG_ERR;
    }
    // SAFETY: the set is initialized.
    match unsafe { libc::sigismember(&raw const mask, signal) } {
        1 => HOLD,
        _ => old,
    }
}

/// POSIX's `sigignore`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn sigignore(signal: c_int) -> c_int {
    // SAFETY: no handler is set.
    match unsafe { set_handler(signal, libc::SIG_IGN, 0, false) } {
        libc::SIG_ERR => -1,
        _ => 0,
    }
}

/// POSIX's `siginterrupt`.
#[cfg_attr(not(test), unsafe(no_mangle))]
unsafe extern "C" fn siginterrupt(signal: c_int, interrupts: c_int) -> c_int {
    let mut action = no_action();
    // SAFETY: a null action only asks.
    if unsafe { set(signal, ptr::null(), &raw mut action) } != 0 {
        return -1;
    }
    match interrupts {
        0 => {
            INTERRUPTING.fetch_and(!bit(signal), Ordering::Relaxed);
            action.sa_flags |= libc::SA_RESTART;
        }
        _ => {
            INTERRUPTING.fetch_or(bit(signal), Ordering::Relaxed);
            action.sa_flags &= !libc::SA_RESTART;
        }
    }
    // SAFETY: the first pointer is valid for reads, the second may be null.
    unsafe { set(signal, &raw const action, ptr::null_mut()) }
}
