//! The reporter's side of a capture: asks a thread, and unwinds its answer.

use std::ffi::c_int;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::super::files::Module;
use super::super::unwind::{Seen, SharedUnwinder, Unwinder};
use super::signal_handler::{ANSWERED, Capture, answer, ask, with_few_words};
use crate::contain::contain;
use crate::sys::stacks::memory;
use crate::sys::stacks::registers::Registers;
use crate::sys::stacks::signal::{NoHandler, StackSignal};
use deadstop_core::Nanos;
use deadstop_core::stack::{Captured, Stack};
use deadstop_core::sys::{SignalMask, SignalSet, thread_status};

/// The longest wait for a thread's answer. A thread that runs, or wakes up for it, takes some
/// 20 µs; one that waits for a processor, a few milliseconds.
const PATIENCE: Duration = Duration::from_millis(20);

/// All that a capture needs.
pub(crate) struct Requester {
    pub(crate) signal: StackSignal,
    unwinder: Arc<SharedUnwinder>,
    /// The process; a child of `fork` has none of these threads.
    pub(crate) home: c_int,
    /// A handler that replaced ours and calls it, and one that does not.
    calls_ours: AtomicUsize,
    hides_ours: AtomicUsize,
}

impl Requester {
    /// Sets the handler, and has the calling thread answer once, so that every system call
    /// of a capture is made before there is a hang.
    ///
    /// # Errors
    ///
    /// Returns why there can be no captures.
    pub(crate) fn prepare(unwinder: Arc<SharedUnwinder>) -> Result<Self, &'static str> {
        let signal = StackSignal::take(answer).map_err(|why| match why {
            NoHandler::Replaced => "another handler replaced ours for SIGURG",
            NoHandler::Refused => "could not set a handler for SIGURG",
        })?;
        let requester = Self {
            signal,
            unwinder,
            home: deadstop_core::pid(),
            calls_ours: AtomicUsize::new(0),
            hides_ours: AtomicUsize::new(0),
        };
        let until = deadstop_core::now().saturating_add(PATIENCE);
        let ask = || requester.unmasked(|it| it.answer(deadstop_core::tid(), until));
        match with_few_words(ask) {
            Ok(answer) => {
                let has_stack = answer.stack_word(answer.registers()[1] & !7).is_some();
                answer.free_again();
                match has_stack {
                    true => Ok(requester),
                    false => Err("self-test failed: could not copy this thread's own stack"),
                }
            }
            Err(_) => Err("self-test failed: this thread did not answer SIGURG"),
        }
    }

    /// Does what [`Stacks::capture`](super::super::Stacks::capture) says.
    #[cold]
    pub(crate) fn capture(&self, tid: c_int, stack: &mut Stack, until: Nanos) -> Captured {
        if deadstop_core::pid() != self.home {
            return Captured::NotAsked;
        }
        if !self.is_heard() {
            return Captured::SignalTaken;
        }
        if tid == deadstop_core::tid() {
            return self.unmasked(|it| it.request(tid, stack, until));
        }
        match thread_status(tid) {
            Some(status) if status.has_ended => Captured::Gone,
            Some(status) if status.blocked.has(self.signal.number()) => Captured::Blocked,
            _ => self.request(tid, stack, until),
        }
    }

    /// Returns `true` if our handler is in place, or is called by the one that is: another copy
    /// of this library that was installed later, or a library that chains handlers. The calling
    /// thread is asked once for each such handler.
    fn is_heard(&self) -> bool {
        if self.signal.is_ours() {
            return true;
        }
        let Some(other) = self.signal.other_handler() else {
            return false;
        };
        if other == self.calls_ours.load(Ordering::Relaxed) {
            return true;
        }
        if other == self.hides_ours.load(Ordering::Relaxed) {
            return false;
        }
        let until = deadstop_core::now().saturating_add(PATIENCE);
        match self.unmasked(|it| it.answer(deadstop_core::tid(), until)) {
            Ok(answer) => {
                answer.free_again();
                self.calls_ours.store(other, Ordering::Relaxed);
                true
            }
            Err(_) => {
                self.hides_ours.store(other, Ordering::Relaxed);
                false
            }
        }
    }

    /// Calls `act` with the signal unblocked on the calling thread: it may block every
    /// signal, like the threads of this library.
    fn unmasked<T>(&self, act: impl FnOnce(&Self) -> T) -> T {
        let mask = SignalMask::current();
        SignalMask::unblock(SignalSet::EMPTY.with(self.signal.number()));
        let result = act(self);
        mask.restore();
        result
    }

    /// Has the thread copy its stack. The answer must be freed.
    fn answer(&self, tid: c_int, until: Nanos) -> Result<&'static Capture, Captured> {
        let until = until.min(deadstop_core::now().saturating_add(PATIENCE));
        let request = ask(tid).ok_or(Captured::NoAnswer)?;
        let sent = self.signal.send(tid);
        while sent.is_ok() {
            let seen = ANSWERED.read();
            if request.is_done(tid) || until <= deadstop_core::now() {
                break;
            }
            ANSWERED.wait_past(seen, Some(until));
        }
        if !request.is_done(tid) && !request.give_up(tid) {
            return match sent.map_err(|error| error.raw_os_error()) {
                Err(Some(libc::ESRCH)) => Err(Captured::Gone),
                _ => Err(Captured::NoAnswer),
            };
        }
        Ok(request)
    }

    #[cold]
    pub(crate) fn request(&self, tid: c_int, stack: &mut Stack, until: Nanos) -> Captured {
        let request = match self.answer(tid, until) {
            Ok(request) => request,
            Err(why) => return why,
        };
        // The code that reads the tables is another crate's.
        let _ = contain(|| self.unwind(request, stack));
        request.free_again();
        match stack.frames().next() {
            Some(_) => Captured::Yes,
            None => Captured::NoAnswer,
        }
    }

    /// Writes the frames of an answer into `stack`.
    #[cold]
    fn unwind(&self, request: &Capture, stack: &mut Stack) {
        let [pc, sp, fp, lr] = request.registers();
        let registers = Registers { pc, sp, fp, lr };
        // The part of the stack beyond the copy is read as it is now: a hung thread has not
        // changed it.
        let read = |address| {
            request
                .stack_word(address)
                .or_else(|| memory::word(address))
        };
        let unwound = self.unwinder.with(|unwinder: &Unwinder| {
            unwinder.walk(&registers, read, |seen, module| push(stack, seen, module))
        });
        if unwound.is_none() {
            let seen = Seen {
                address: pc,
                is_call: false,
            };
            push(stack, seen, None);
        }
    }
}

fn push(stack: &mut Stack, seen: Seen, module: Option<&Module>) {
    let Ok(address) = usize::try_from(seen.address) else {
        return;
    };
    let Some(frame) = stack.push(address) else {
        return;
    };
    frame.is_call = seen.is_call;
    if let Some(module) = module {
        frame.offset = seen.address.wrapping_sub(module.bias().unwrap_or(0));
        frame.module.text(&module.name);
    }
}
