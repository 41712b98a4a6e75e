//! The backup timer: a kernel timer that sends `SIGKILL` after the watchdog
//! should have acted.
//!
//! The timer needs no thread, no memory and no code of the process, so it also ends a
//! process that is stopped, dumps core, or may make no system call. It cannot
//! choose a status: the process dies by `SIGKILL`.
//!
//! As pid 1 of a PID namespace (a container without an init) a process cannot
//! kill itself with `SIGKILL`. There the timer sends a real-time signal to
//! `deadstop-signal`, the only thread that does not block it, and the signal's
//! handler ends the process. That needs a thread that runs, so it is weaker: it
//! does not end a stopped process, nor one that dumps core. A program may ask
//! for this mode to let core dumps finish.
//!
//! # Orderings
//!
//! `distance` is written before the watchdog is enabled, whose `Release` and
//! `Acquire` order it.

use core::ffi::c_int;
use core::time::Duration;

use super::deadline::Deadline;
use crate::atomic::{AtomicU64, Ordering};
use crate::sys::{Nanos, SignalSet, Target, Timer};

/// The shortest default distance between the exit and the timer. Measured
/// under 64 spinning threads: with 25 ms the watchdog came first in 100 of 100
/// runs, with 5 ms in 98.
const MIN_DISTANCE: Duration = Duration::from_millis(25);
/// The longest default distance: two and a half of the periods of 100 ms in which the kernel
/// gives a container its share of processor time. A process that has used up its share is
/// stopped until the next one begins.
const MAX_DISTANCE: Duration = Duration::from_millis(250);
/// In between, the default distance is the grace period divided by this.
const GRACE_PARTS: u32 = 10;

/// No distance was set: the default applies. Zero, like all that a new watchdog holds
/// (see `deadline`); a distance of zero is kept as 1 ns.
const DEFAULT: u64 = 0;

/// The kernel timer that ends the process if the watchdog does not.
#[derive(Debug)]
pub struct BackupTimer {
    timer: Timer,
    distance: AtomicU64,
}

/// The way in which the backup timer ends the process.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum BackupTimerMode {
    /// The kernel sends `SIGKILL`.
    Kill,
    /// The kernel sends a signal to `deadstop-signal`, whose handler ends the
    /// process.
    Handler {
        /// The signal's number.
        signal: c_int,
    },
}

impl BackupTimerMode {
    /// Chooses the mode for the process `pid`, which may want to let a core
    /// dump finish. Must be called before any thread starts.
    ///
    /// `end` is the handler of [`Handler`](Self::Handler): it must end the process, and
    /// be async-signal-safe.
    ///
    /// # Errors
    ///
    /// Fails with `EBUSY` if the program handles every real-time signal.
    pub fn of_process(
        pid: c_int,
        spares_core_dumps: bool,
        end: extern "C" fn(c_int),
    ) -> Result<Self, c_int> {
        if pid != 1 && !spares_core_dumps {
            return Ok(Self::Kill);
        }
        match Target::free_signal(end) {
            Some(signal) => Ok(Self::Handler { signal }),
            None => Err(libc::EBUSY),
        }
    }

    /// Returns the signals that `deadstop-signal` must not block.
    pub fn signals(self) -> SignalSet {
        match self {
            Self::Kill => SignalSet::EMPTY,
            Self::Handler { signal } => SignalSet::EMPTY.with(signal),
        }
    }
}

impl BackupTimer {
    pub(crate) const fn absent() -> Self {
        Self {
            timer: Timer::absent(),
            distance: AtomicU64::new(DEFAULT),
        }
    }

    /// Creates the timer, disarmed; `tid` is the thread for
    /// [`BackupTimerMode::Handler`]. Does nothing if the timer exists.
    ///
    /// # Errors
    ///
    /// Fails with the kernel's `errno`: `EAGAIN` means that the limit on
    /// pending signals is reached.
    pub fn create(&self, mode: BackupTimerMode, tid: c_int) -> Result<(), c_int> {
        if self.timer.is_present() {
            return Ok(());
        }
        self.timer.create(match mode {
            BackupTimerMode::Kill => Target::Process,
            BackupTimerMode::Handler { signal } => Target::Thread { signal, tid },
        })
    }

    /// Returns `true` if the timer exists.
    #[inline]
    pub fn is_present(&self) -> bool {
        self.timer.is_present()
    }

    /// Sets how long after the exit the timer expires; `None` for the default, a tenth of
    /// the grace period, at least 25 ms and at most 250 ms. Must be called before the
    /// watchdog is enabled.
    pub fn set_distance(&self, distance: Option<Duration>) {
        let nanos = distance.map_or(DEFAULT, |distance| {
            u64::try_from(distance.as_nanos())
                .unwrap_or(u64::MAX)
                .max(1)
        });
        self.distance.store(nanos, Ordering::Release);
    }

    /// Brings `deadline` forward to `at`, sets the timer, wakes the watchdog, and only
    /// then records that the deadline is in force: a thread that finds it in force does
    /// none of this. `now` is when the caller asked for it. Async-signal-safe.
    pub(crate) fn arm(&self, deadline: &Deadline, now: Nanos, at: Nanos) {
        deadline.arm(now, at);
        self.follow(deadline);
        deadline.wake_watchdog();
        if deadline.followers_due().is_none() {
            deadline.wake_followers();
        }
        deadline.set_in_force(at);
    }

    /// Sets the timer to expire after the exit that `deadline` asks for.
    ///
    /// Another thread may arm between the reading and the setting, and set the
    /// timer first; this thread would then move it to a later point. It
    /// therefore reads the words again, until a reading stands.
    /// Async-signal-safe.
    pub(crate) fn follow(&self, deadline: &Deadline) {
        let mut set_for = None;
        while let Some(at) = deadline.exit_at() {
            if set_for == Some(at) {
                return;
            }
            self.timer.set(at.saturating_add(self.distance(deadline)));
            set_for = Some(at);
        }
    }

    #[inline(never)] // The first turn of `follow` stands before its loop.
    fn distance(&self, deadline: &Deadline) -> Duration {
        match self.distance.load(Ordering::Acquire) {
            DEFAULT => default_distance(deadline.grace().unwrap_or(Duration::ZERO)),
            nanos => Duration::from_nanos(nanos),
        }
    }

    /// Forgets the timer: a child of `fork` has none. In any other process the
    /// timer is left in the kernel, disarmed.
    #[inline]
    pub fn reset_after_fork(&self) {
        self.timer.reset_after_fork();
    }
}

/// Returns the distance for a grace period, unless another was set.
pub(crate) fn default_distance(grace: Duration) -> Duration {
    let part = grace.checked_div(GRACE_PARTS).unwrap_or(MIN_DISTANCE);
    part.clamp(MIN_DISTANCE, MAX_DISTANCE)
}
