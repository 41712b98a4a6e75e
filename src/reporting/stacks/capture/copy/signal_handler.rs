//! The signal handler of the thread that is asked for its stack.
//!
//! It runs in the middle of anything: inside the allocator, the loader, the C
//! library's unwinder, or another handler. So it copies registers and memory, and
//! interprets neither: unwinding is the requester's work, from the copy.

use std::ffi::c_int;
use std::sync::atomic::{AtomicUsize, Ordering};

use super::request::Request;
use crate::sys::stacks::registers::{RED_ZONE, Registers};
use crate::sys::stacks::{memory, signal};
use deadstop_core::EventCount;

/// Words of the stack that are copied: 64 KiB.
const WORDS: usize = memory::LONGEST / 8;

/// Twice the room that the copying needs on a signal stack. Most have it; a thread with large
/// registers may have little more than the kernel saves there.
const STACK_NEEDED: usize = 2048;

pub(crate) type Capture = Request<WORDS>;

/// One is enough; a thread that stops in the middle of its answer keeps its own.
static REQUESTS: [Capture; 4] = [const { Request::free() }; 4];

/// Words that are copied now. One word, with which nothing is passed on.
static WANTED: AtomicUsize = AtomicUsize::new(WORDS);

/// A page, which is the least that can be copied without `process_vm_readv`.
const FEW: usize = 4096 / 8;

/// Advances when there is an answer.
pub(crate) static ANSWERED: EventCount = EventCount::new();

/// Asks the thread `tid`, which must then be sent the signal. `None` if every
/// request is under way.
pub(crate) fn ask(tid: c_int) -> Option<&'static Capture> {
    REQUESTS.iter().find(|request| request.ask(tid))
}

/// Calls `act`, and has a page copied meanwhile: for a test of whether that works, in a
/// process that does not need the rest of the memory for copies yet.
pub(crate) fn with_few_words<T>(act: impl FnOnce() -> T) -> T {
    WANTED.store(FEW, Ordering::Relaxed);
    let result = act();
    WANTED.store(WORDS, Ordering::Relaxed);
    result
}

/// Copies the interrupted thread's `registers`, and its stack from there, if it
/// is asked to. Without a request it does nothing. Async-signal-safe.
pub(crate) fn answer(registers: &Registers) {
    let tid = deadstop_core::tid();
    let Some(request) = REQUESTS.iter().find(|request| request.begin(tid)) else {
        return;
    };
    let Registers { pc, sp, fp, lr } = *registers;
    request.write_registers([pc, sp, fp, lr]);
    let (from, words) = match signal::signal_stack_left() {
        Some(left) if left < STACK_NEEDED => (sp, 0),
        _ => {
            let wanted = WANTED.load(Ordering::Relaxed);
            let to = request.copy();
            memory::copy_stack(sp, RED_ZONE, to.get(..wanted).unwrap_or(to))
        }
    };
    request.finish(tid, from, words);
    ANSWERED.advance();
}
