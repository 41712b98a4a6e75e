//! Starts deadstop's own threads.
//!
//! Every thread starts with all signals blocked, so that no handler of the
//! program runs on it. Code of the program that runs on one of them (a logger, an
//! exit handler) gets the program's mask by [`with_program_mask`]: a process that
//! it starts inherits the mask, and must hear SIGTERM.
//!
//! # Orderings
//!
//! `PROGRAM_MASK` is one word, and nothing is passed on with it.

use std::cell::Cell;
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
#[cfg(feature = "shutdown")]
use std::thread;

use crate::error::InstallError;
use crate::sys::bare_thread::{self, Life};
#[cfg(feature = "report")]
use deadstop_core::EventCount;
use deadstop_core::sys::{SignalMask, SignalSet};
#[cfg(feature = "shutdown")]
use deadstop_core::threads::own::OwnThread;

/// The signals that the thread which installed had blocked.
static PROGRAM_MASK: AtomicU64 = AtomicU64::new(0);

thread_local! {
    // `exit` destroys the locals of its thread before it calls the exit handlers.
    // This one has no destructor, and is still there.
    static IS_OURS: Cell<bool> = const { Cell::new(false) };
}

/// Returns `true` on a thread that deadstop has started.
pub(crate) fn is_ours() -> bool {
    IS_OURS.get()
}

/// Remembers which signals the calling thread blocks.
pub(crate) fn remember_mask(blocked: SignalSet) {
    PROGRAM_MASK.store(blocked.bits(), Ordering::Release);
}

/// Runs code of the program with the signals blocked that the program blocks.
#[cfg_attr(
    not(feature = "shutdown"),
    expect(dead_code, reason = "for loggers and exit handlers")
)]
pub(crate) fn with_program_mask<R>(run: impl FnOnce() -> R) -> R {
    if !is_ours() {
        return run();
    }
    let before = SignalMask::current();
    SignalMask::set(SignalSet::from_bits(PROGRAM_MASK.load(Ordering::Acquire)));
    let result = run();
    before.restore();
    result
}

/// Starts a thread for deadstop's own code that needs `stack` bytes, whatever
/// `RUST_MIN_STACK` says.
pub(crate) fn spawn(
    name: &'static str,
    stack: usize,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    start_bare(name, stack, Box::new(life))
}

/// Does the same for a thread that is as prompt as the watchdog.
///
/// Returns once `life` has begun: its first system calls are made, which a filter may refuse
/// from then on.
#[cfg(feature = "report")]
pub(crate) fn spawn_of(
    name: &'static str,
    stack: usize,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    static BEGUN: EventCount = EventCount::new();
    spawn_to_begin(name, stack, &BEGUN, life).map(Beginning::wait)
}

/// Does the same, and leaves the waiting to the caller. `begun` is for threads of this kind
/// alone.
#[cfg(feature = "report")]
pub(crate) fn spawn_to_begin(
    name: &'static str,
    stack: usize,
    begun: &'static EventCount,
    life: impl FnOnce() + Send + 'static,
) -> Result<Beginning, InstallError> {
    let before = begun.read();
    let begin = move || {
        deadstop_core::sys::request_prompt_wakeups();
        begun.advance();
        life();
    };
    start_bare(name, stack, Box::new(begin))?;
    Ok(Beginning { begun, before })
}

/// A thread that was started and may not run yet.
#[cfg(feature = "report")]
#[must_use = "the thread's first system calls may not be made yet"]
pub(crate) struct Beginning {
    begun: &'static EventCount,
    before: u32,
}

#[cfg(feature = "report")]
impl Beginning {
    /// Waits until the thread runs.
    pub(crate) fn wait(self) {
        while self.begun.read() == self.before {
            self.begun.wait_past(self.before, None);
        }
    }
}

/// Starts a thread that is not one of `std`'s. The life is in a box so that the start is
/// compiled once.
fn start_bare(name: &'static str, stack: usize, life: Life) -> Result<(), InstallError> {
    start(name, life, |life| bare_thread::spawn(name, stack, life))
}

/// Starts a thread of `std`'s that runs code of the program: a logger, an exit handler.
/// Its stack has the usual size.
#[cfg(feature = "shutdown")]
pub(crate) fn spawn_deep(
    name: &'static str,
    life: impl FnOnce() + Send + 'static,
) -> Result<(), InstallError> {
    start_deep(name, Box::new(life))
}

/// As [`start_bare`].
#[cfg(feature = "shutdown")]
fn start_deep(name: &'static str, life: Life) -> Result<(), InstallError> {
    start(name, life, |life| spawn_std(name, life))
}

/// Starts a thread of `std`'s. The life is in a box so that `std`'s start, 1.4 KB, is compiled
/// once.
#[cfg(feature = "shutdown")]
pub(crate) fn spawn_std(name: &'static str, life: Life) -> io::Result<()> {
    let builder = thread::Builder::new().name(name.into());
    let marked = move || {
        let _own = OwnThread::mark();
        life();
    };
    builder.spawn(marked).map(drop)
}

/// Starts a thread by `spawn`.
fn start(
    name: &'static str,
    life: Life,
    spawn: impl FnOnce(Life) -> io::Result<()>,
) -> Result<(), InstallError> {
    // A thread begins with the mask of the thread that starts it. Blocking the
    // signals in the new thread would leave a gap for a handler.
    let mask = SignalMask::block_all();
    let started = spawn(marked(life));
    mask.restore();
    started.map_err(|source| InstallError::Thread { name, source })
}

/// The same life, on a thread that is known as deadstop's.
fn marked(life: Life) -> Life {
    Box::new(|| {
        IS_OURS.set(true);
        life();
    })
}
