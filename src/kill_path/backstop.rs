//! The third line of defence: a timer in the kernel.
//!
//! It needs no thread, no memory and no code of the process, so it also ends
//! one that is stopped, dumping core, or refused every system call by a filter.
//! What it cannot do is choose a status: the process dies by `SIGKILL`.
//!
//! As pid 1 of a PID namespace (a container without an init) a process is
//! shielded from its own `SIGKILL`. There the timer sends a real-time signal to
//! `deadstop-signal`, the only thread that hears it, whose handler ends the
//! process. That needs the thread to run, so it is a weaker line: it does not
//! end a stopped process. Nor one that is dumping core, for which a program may
//! ask for it.

use ::core::ffi::c_int;
use ::core::option::Option::{None, Some};
use ::core::result::Result::{self, Err, Ok};
use ::core::time::Duration;

use super::deadline::Deadline;
use super::sys::{SignalSet, Target, Timer};

/// How long after the deadline the timer goes off. Measured under 64 spinning
/// threads: with 25 ms the watchdog came first in 100 of 100 runs, with 5 ms in
/// 98; below 10 ms the status is at risk.
const BEHIND: Duration = Duration::from_millis(25);

/// The timer behind the watchdog.
pub(crate) struct Backstop {
    timer: Timer,
}

/// How the third line of defence ends the process.
#[derive(::core::clone::Clone, ::core::marker::Copy)]
pub(crate) enum Line3 {
    /// `SIGKILL`, by the kernel.
    Kill,
    /// A signal to `deadstop-signal`, whose handler ends the process.
    Handler { signal: c_int },
}

impl Line3 {
    /// Which way is open to a process with this id, which may want to spare a
    /// core dump that is under way. Decided before any thread starts. The error
    /// is that every real-time signal is somebody's.
    pub(crate) fn of_process(pid: c_int, spares_core_dumps: bool) -> Result<Self, c_int> {
        if pid != 1 && !spares_core_dumps {
            return Ok(Self::Kill);
        }
        match Target::free_signal() {
            Some(signal) => Ok(Self::Handler { signal }),
            None => Err(::libc::EBUSY),
        }
    }

    /// What `deadstop-signal` has to hear for it.
    pub(crate) fn signals(self) -> SignalSet {
        match self {
            Self::Kill => SignalSet::EMPTY,
            Self::Handler { signal } => SignalSet::EMPTY.with(signal),
        }
    }
}

impl Backstop {
    pub(super) const fn absent() -> Self {
        Self {
            timer: Timer::absent(),
        }
    }

    /// Makes the timer; `tid` is the thread of [`Line3::Handler`]. Does nothing
    /// if it is there. The error is the system's number for it.
    pub(crate) fn create(&self, line: Line3, tid: c_int) -> Result<(), c_int> {
        if self.timer.is_present() {
            return Ok(());
        }
        self.timer.create(match line {
            Line3::Kill => Target::Process,
            Line3::Handler { signal } => Target::Thread { signal, tid },
        })
    }

    pub(crate) fn is_present(&self) -> bool {
        self.timer.is_present()
    }

    /// Sets the timer to go off behind the end that `deadline` asks for, wherever
    /// that is by now.
    ///
    /// Another thread may arm between the reading and the setting, and set the
    /// timer first; ours would then put it back to a later point. So the words
    /// are read again, and only a reading that stands is left.
    /// Async-signal-safe.
    pub(super) fn follow(&self, deadline: &Deadline) {
        let mut read = deadline.exit();
        while let Some(at) = read {
            self.timer.set(at.saturating_add(BEHIND));
            let again = deadline.exit();
            if again == read {
                return;
            }
            read = again;
        }
    }

    /// A child of `fork` has no timer. Otherwise it is left behind, unset, as long
    /// as nobody could arm.
    pub(crate) fn forget(&self) {
        self.timer.forget();
    }
}
