//! The stack of a thread: a signal interrupts it, and the handler follows its frame pointers.
//!
//! Code that a runtime generates has no unwind tables, but V8's keeps a frame pointer, and
//! so does the interpreter of `HotSpot`. The handler copies addresses, by a system call that
//! cannot fault, and interprets nothing.
//!
//! # Orderings
//!
//! A process has one report, so there is one request. `REQUEST` is the thread that is asked
//! (`Release`, after `MEMORY`); the handler takes it (`Acquire`), and writes `DONE` last
//! (`Release`), which the reporter reads first (`Acquire`).

use core::ffi::{c_int, c_void};
use core::mem::MaybeUninit;
use core::sync::atomic::{AtomicBool, AtomicI32, AtomicUsize, Ordering};
use core::time::Duration;

use deadstop_core::stack::MAX_FRAMES;
use deadstop_core::sys::{ErrnoGuard, action_of, set_default_action};
use deadstop_core::{Nanos, now, tid};

use super::{descriptor, raise};

/// The longest wait for a thread's answer: a thread that runs only waits for a processor.
const PATIENCE: Duration = Duration::from_millis(100);

/// A frame that is larger is none.
const LARGEST_FRAME: usize = 1024 * 1024;

const NONE: c_int = 0;

static REQUEST: AtomicI32 = AtomicI32::new(NONE);
static MEMORY: AtomicI32 = AtomicI32::new(-1);
static DONE: AtomicBool = AtomicBool::new(false);
static LEN: AtomicUsize = AtomicUsize::new(0);
static ADDRESSES: [AtomicUsize; MAX_FRAMES] = [const { AtomicUsize::new(0) }; MAX_FRAMES];

/// Interrupts the thread `tid` by `SIGURG`, whose default action is to do nothing, and calls
/// `found` with the address of its next instruction, and with those that its frames return
/// to. Returns `false` if the program handles that signal, or the thread does not answer
/// before `until`.
pub(crate) fn addresses(tid: c_int, until: Nanos, mut found: impl FnMut(usize)) -> bool {
    let Some(memory) = descriptor::open_memory() else {
        return false;
    };
    DONE.store(false, Ordering::Relaxed);
    MEMORY.store(memory, Ordering::Relaxed);
    REQUEST.store(tid, Ordering::Release);
    if handle_if_free(libc::SIGURG) {
        if raise::to_thread(tid, libc::SIGURG) {
            let until = until.min(now().saturating_add(PATIENCE));
            while now() < until && !DONE.load(Ordering::Acquire) {
                raise::sleep_until(now().saturating_add(Duration::from_millis(1)));
            }
        }
        set_default_action(libc::SIGURG);
    }
    // A handler that runs from here on finds no request. One that has begun may still read
    // the memory, so that stays open.
    if REQUEST.swap(NONE, Ordering::AcqRel) == tid || DONE.load(Ordering::Acquire) {
        descriptor::close(memory);
    }
    if !DONE.load(Ordering::Acquire) {
        return false;
    }
    let len = LEN.load(Ordering::Relaxed);
    for address in ADDRESSES.iter().take(len) {
        found(address.load(Ordering::Relaxed));
    }
    true
}

/// Runs on the thread that is asked.
extern "C" fn handler(_signal: c_int, _info: *mut libc::siginfo_t, context: *mut c_void) {
    let _errno = ErrnoGuard::save();
    let tid = tid();
    let asked = REQUEST.compare_exchange(tid, NONE, Ordering::Acquire, Ordering::Relaxed);
    if asked.is_err() {
        return;
    }
    let memory = MEMORY.load(Ordering::Relaxed);
    // SAFETY: the kernel's third argument, in its handler.
    let (pc, mut frame) = unsafe { registers(context) };
    let mut slots = ADDRESSES.iter();
    let mut len = 0_usize;
    let mut next = Some(pc);
    while let (Some(address), Some(slot)) = (next, slots.next()) {
        slot.store(address, Ordering::Relaxed);
        len = len.saturating_add(1);
        next = outer(memory, &mut frame);
    }
    LEN.store(len, Ordering::Relaxed);
    DONE.store(true, Ordering::Release);
}

/// Returns the frame's return address, and makes `frame` the one outside of it.
fn outer(memory: c_int, frame: &mut usize) -> Option<usize> {
    if *frame == 0 || frame.checked_rem(size_of::<usize>()) != Some(0) {
        return None;
    }
    let [outer, address] = descriptor::two_words(memory, *frame)?;
    // The stack grows down. The last frame has none outside.
    let is_outside = outer
        .checked_sub(*frame)
        .is_some_and(|size| (1..LARGEST_FRAME).contains(&size));
    *frame = if is_outside { outer } else { 0 };
    (address != 0).then_some(address)
}

/// Sets the handler if the signal's action is the default.
fn handle_if_free(signal: c_int) -> bool {
    if action_of(signal) != Ok(libc::SIG_DFL) {
        return false;
    }
    // SAFETY: all zeroes are an action with an empty mask.
    let mut action = unsafe { MaybeUninit::<libc::sigaction>::zeroed().assume_init() };
    action.sa_sigaction = handler as *const () as libc::sighandler_t;
    action.sa_flags = libc::SA_SIGINFO | libc::SA_ONSTACK | libc::SA_RESTART;
    // SAFETY: the set is initialized.
    unsafe { libc::sigfillset(&raw mut action.sa_mask) };
    // SAFETY: the pointer is valid for reads, and the handler stays valid for the life of
    // the process.
    unsafe { libc::sigaction(signal, &raw const action, core::ptr::null_mut()) == 0 }
}

/// Returns the program counter and the frame pointer of the code that was interrupted.
///
/// # Safety
///
/// `context` is the third argument of a handler with `SA_SIGINFO` that has not returned.
unsafe fn registers(context: *mut c_void) -> (usize, usize) {
    let context = context.cast::<libc::ucontext_t>();
    // SAFETY: the contract; no other code writes to it while the handler runs.
    let machine = unsafe { &(*context).uc_mcontext };
    of_machine(machine)
}

#[cfg(target_arch = "x86_64")]
fn of_machine(machine: &libc::mcontext_t) -> (usize, usize) {
    let register = |number: c_int| {
        let number = usize::try_from(number).ok();
        let value = number.and_then(|number| machine.gregs.get(number));
        value.map_or(0, |value| usize::try_from(*value).unwrap_or(0))
    };
    (register(libc::REG_RIP), register(libc::REG_RBP))
}

#[cfg(target_arch = "aarch64")]
fn of_machine(machine: &libc::mcontext_t) -> (usize, usize) {
    let frame = machine.regs.get(29).copied().unwrap_or(0);
    (machine.pc as usize, frame as usize)
}

#[cfg(not(any(target_arch = "x86_64", target_arch = "aarch64")))]
fn of_machine(_machine: &libc::mcontext_t) -> (usize, usize) {
    (0, 0)
}
