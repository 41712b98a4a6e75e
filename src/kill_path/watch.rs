//! The watchdog: what it shares with those who arm it, and its thread's life.

use ::core::ffi::c_int;
use ::core::option::Option::{None, Some};
use ::core::time::Duration;

use super::atomic::{AtomicI32, Ordering};
use super::backstop::Backstop;
use super::deadline::Deadline;
use super::sys::{Errno, EventCount, Nanos, ask_for_real_time, now, pid, settle, terminate};

/// From how long before the deadline the watchdog naps instead of sleeping
/// through, and for how long at a time.
///
/// A thread that has just slept is owed processor time, and is served at once
/// when it wakes. Measured under 64 spinning threads: at most 4.4 ms late
/// instead of 79. It costs some 50 wake-ups, once, and none before arming.
const NAPS_FROM: Duration = Duration::from_millis(250);
const NAP: Duration = Duration::from_millis(5);

/// Nobody's process id: no watchdog is installed.
const NOBODY: c_int = 0;

/// All that the watchdog and those who arm it share.
///
/// # Orderings
///
/// `home` is written last when a watchdog is installed (`Release`) and read
/// first by whoever arms (`Acquire`), so that whoever may arm sees the status
/// and the timer too.
pub(crate) struct Watch {
    deadline: Deadline,
    backstop: Backstop,
    status: AtomicI32,
    home: AtomicI32,
    watched: EventCount,
}

impl Watch {
    pub(crate) const fn new() -> Self {
        Self {
            deadline: Deadline::unarmed(),
            backstop: Backstop::absent(),
            status: AtomicI32::new(0),
            home: AtomicI32::new(NOBODY),
            watched: EventCount::new(),
        }
    }

    /// Brings the deadline forward to `grace` from now, if it is not earlier
    /// already. False, and nothing happens, where no watchdog runs: before
    /// `install`, and in a child of `fork`.
    ///
    /// The timer is set here and the watchdog woken last: under load it can
    /// take a tenth of a second to wake, and the third line must not wait for
    /// the second. Async-signal-safe, `errno` included.
    pub(crate) fn arm(&self, grace: Duration) -> bool {
        let _errno = Errno::save();
        // The clock first: whatever follows may be interrupted for a while.
        let now = now();
        if !self.is_home() {
            return false;
        }
        self.deadline.arm(now, now.saturating_add(grace));
        self.backstop.follow(&self.deadline);
        self.deadline.wake();
        true
    }

    /// Has the end begin `lead` before the deadline, from here on. The timer
    /// follows.
    pub(crate) fn lead(&self, lead: Duration) {
        self.deadline.set_lead(lead);
        self.backstop.follow(&self.deadline);
        self.deadline.wake();
    }

    /// Whether the calling process is the one with the watchdog. A child of
    /// `fork` has neither its thread nor its timer. Async-signal-safe.
    pub(crate) fn is_home(&self) -> bool {
        self.home.load(Ordering::Acquire) == pid()
    }

    /// From here on it may be armed. The watchdog must be watching.
    pub(crate) fn open(&self) {
        self.home.store(pid(), Ordering::Release);
    }

    /// Forgets all that a child of `fork` does not have. For the child, before
    /// it has a second thread. Async-signal-safe.
    pub(crate) fn forget(&self) {
        self.home.store(NOBODY, Ordering::Release);
        self.deadline.forget();
        self.backstop.forget();
    }

    /// Sets the status that the watchdog ends the process with.
    pub(crate) fn set_status(&self, status: c_int) {
        self.status.store(status, Ordering::Release);
    }

    /// Wakes whoever waits for the deadline to change, though it has not: there
    /// is something else to look at. Async-signal-safe, `errno` included.
    pub(crate) fn nudge(&self) {
        let _errno = Errno::save();
        self.deadline.wake();
    }

    pub(crate) fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    pub(crate) fn backstop(&self) -> &Backstop {
        &self.backstop
    }

    /// Counts the watchdogs that have started, for
    /// [`wait_watched`](Self::wait_watched).
    pub(crate) fn watchers(&self) -> u32 {
        self.watched.read()
    }

    /// Blocks until a watchdog more than `before` has entered this room.
    ///
    /// Whoever starts the watchdog must wait for this. Until then its thread is
    /// still in `std`'s start-up code, which allocates, and an allocator that
    /// dies in that gap takes the watchdog with it.
    pub(crate) fn wait_watched(&self, before: u32) {
        while self.watched.read() == before {
            self.watched.wait_past(before, None);
        }
    }
}

/// The whole life of the watchdog thread: waits until the deadline is known and
/// has passed, and ends the process.
///
/// It does nothing else. It writes no report, since a write can block, and it
/// takes no questions, so there is nothing here to get stuck on.
pub(crate) fn watch(shared: &'static Watch) -> ! {
    settle();
    ask_for_real_time();
    // One wait and one reading of the clock before anybody counts on them: the
    // pages they need are in memory from here on. A page read back at the
    // deadline costs 0.4 ms; locking them would need a privilege.
    shared
        .deadline
        .wait_change(shared.deadline.changes(), Some(now()));
    shared.watched.advance();
    loop {
        // The count first: a change after this line cuts the wait below short.
        let seen = shared.deadline.changes();
        let now = now();
        match shared.deadline.exit() {
            Some(at) if at <= now => terminate(shared.status.load(Ordering::Acquire)),
            Some(at) => shared.deadline.wait_change(seen, Some(next_look(now, at))),
            None => shared.deadline.wait_change(seen, None),
        }
    }
}

/// When to wake next on the way to a point in time, so as to be awake then.
pub(crate) fn next_look(now: Nanos, at: Nanos) -> Nanos {
    let naps_begin = at.saturating_sub(NAPS_FROM);
    if now < naps_begin {
        return naps_begin;
    }
    let nap_ends = now.saturating_add(NAP);
    if nap_ends < at { nap_ends } else { at }
}
