//! Signal handlers in front of those of the host.
//!
//! A runtime that owns its handlers (a JVM, libuv, CPython) sets them with sigaction(2) and
//! expects them to be called. deadstop's handler notes the signal and calls the one that it
//! found in place. If the host sets a handler again, deadstop's is gone, and is put in front
//! once more.
//!
//! A handler that the host sets later may itself call the one before it, which is
//! deadstop's. If that one called the host's new handler, the two would call each other for
//! ever. So there are several functions, one for each level: `level 1 ──▶ host's second ──▶
//! level 0 ──▶ host's first`. Each calls what it found, which is older than itself. A host
//! that sets the same function again, as all of these runtimes do, uses up no level.
//!
//! # Orderings
//!
//! A level's flags are written before its address (`Release`), and read after it
//! (`Acquire`); both are written before the system call without which no handler reads
//! them.

use std::ffi::{c_int, c_void};
use std::io;
use std::mem::{self, MaybeUninit};
use std::ptr;
use std::sync::atomic::{AtomicI32, AtomicPtr, AtomicUsize, Ordering};

use deadstop::signals::Sender;
use deadstop_core::sys::ErrnoGuard;
use libc::siginfo_t;

/// Deadstop's reaction to a signal. Must be async-signal-safe.
pub(crate) type Notify = fn(c_int, Option<Sender>) -> bool;

/// The number of different functions that a host may set for one signal.
const LEVELS: usize = 8;
const SIGNALS: usize = 65;

/// A handler of the host.
struct Found {
    /// 0 if the level is not used.
    address: AtomicUsize,
    flags: AtomicI32,
}

static FOUND: [[Found; LEVELS]; SIGNALS] = [const {
    [const {
        Found {
            address: AtomicUsize::new(0),
            flags: AtomicI32::new(0),
        }
    }; LEVELS]
}; SIGNALS];

/// The function that handlers call. One word; nothing is passed on with it.
static NOTIFY: AtomicPtr<()> = AtomicPtr::new(ptr::null_mut());

type Handler = extern "C" fn(c_int, *mut siginfo_t, *mut c_void);

const HANDLERS: [Handler; LEVELS] = [
    level::<0>, level::<1>, level::<2>, level::<3>, level::<4>, level::<5>, level::<6>, level::<7>,
];

/// The destination of a signal.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Place {
    Ours,
    Host,
    Ignored,
    Default,
}

/// Returns the present destination of `number`.
pub(crate) fn place(number: c_int) -> Place {
    match current(number).map(|action| action.sa_sigaction) {
        Ok(libc::SIG_IGN) => Place::Ignored,
        Ok(libc::SIG_DFL) | Err(_) => Place::Default,
        Ok(address) if is_ours(address) => Place::Ours,
        Ok(_) => Place::Host,
    }
}

/// Returns why `number` cannot be handled.
pub(crate) fn check(number: c_int) -> io::Result<()> {
    current(number).map(|_| ())
}

fn is_ours(address: usize) -> bool {
    HANDLERS
        .iter()
        .any(|handler| *handler as *const () as usize == address)
}

/// Puts a handler in front of the one that `number` has, if it has one that is not ours.
/// Only one thread at a time may call this.
pub(crate) fn put_in_front(number: c_int, notify: Notify) -> io::Result<()> {
    let mut action = current(number)?;
    if [libc::SIG_DFL, libc::SIG_IGN].contains(&action.sa_sigaction) || is_ours(action.sa_sigaction)
    {
        return Ok(());
    }
    NOTIFY.store(notify as *mut (), Ordering::Release);
    let levels = usize::try_from(number)
        .ok()
        .and_then(|number| FOUND.get(number));
    let levels = levels.ok_or_else(|| io::Error::from_raw_os_error(libc::EINVAL))?;
    let fits = |found: &Found| {
        let address = found.address.load(Ordering::Acquire);
        address == action.sa_sigaction || address == 0
    };
    let Some(level) = levels.iter().position(fits) else {
        return Err(io::Error::other(format!(
            "the host has set more than {LEVELS} different handlers"
        )));
    };
    levels[level]
        .flags
        .store(action.sa_flags, Ordering::Relaxed);
    levels[level]
        .address
        .store(action.sa_sigaction, Ordering::Release);
    // The rest stays the host's: its mask, its alternate stack, whether calls restart, and
    // whether the action is for one signal only.
    action.sa_sigaction = HANDLERS[level] as *const () as usize;
    action.sa_flags |= libc::SA_SIGINFO;
    // SAFETY: the first pointer is valid for reads, the second may be null. The handler is
    // async-signal-safe if the host's is.
    match unsafe { libc::sigaction(number, &raw const action, ptr::null_mut()) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

fn current(number: c_int) -> io::Result<libc::sigaction> {
    let mut action = MaybeUninit::<libc::sigaction>::zeroed();
    // SAFETY: a null action only asks; the second pointer is valid for writes.
    if unsafe { libc::sigaction(number, ptr::null(), action.as_mut_ptr()) } != 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: zeroed, and now written.
    Ok(unsafe { action.assume_init() })
}

extern "C" fn level<const LEVEL: usize>(number: c_int, info: *mut siginfo_t, context: *mut c_void) {
    {
        let _errno = ErrnoGuard::save();
        let notify = NOTIFY.load(Ordering::Acquire);
        if !notify.is_null() {
            // SAFETY: `put_in_front` has stored a function of this type.
            let notify = unsafe { mem::transmute::<*mut (), Notify>(notify) };
            // SAFETY: the kernel's, or that of a handler which was called by the kernel.
            notify(number, unsafe { info.as_ref() }.and_then(sender));
        }
    }
    let levels = usize::try_from(number)
        .ok()
        .and_then(|number| FOUND.get(number));
    let Some(found) = levels.and_then(|levels| levels.get(LEVEL)) else {
        return;
    };
    let address = found.address.load(Ordering::Acquire);
    if address == 0 {
        return;
    }
    if found.flags.load(Ordering::Relaxed) & libc::SA_SIGINFO != 0 {
        // SAFETY: the host has set it with SA_SIGINFO, so it has these arguments.
        let call = unsafe { mem::transmute::<usize, Handler>(address) };
        call(number, info, context);
    } else {
        // SAFETY: the host has set it without, so it has this argument.
        let call = unsafe { mem::transmute::<usize, extern "C" fn(c_int)>(address) };
        call(number);
    }
}

/// Returns the process that sent a signal: sigaction(2).
fn sender(info: &siginfo_t) -> Option<Sender> {
    let is_claimed = match info.si_code {
        libc::SI_USER | libc::SI_TKILL => false,
        libc::SI_QUEUE => true,
        _ => return None,
    };
    // SAFETY: these codes have the two fields.
    let pid = unsafe { info.si_pid() };
    // SAFETY: as above.
    let uid = unsafe { info.si_uid() };
    Some(match is_claimed {
        true => Sender::claimed(pid, uid),
        false => Sender::new(pid, uid),
    })
}
