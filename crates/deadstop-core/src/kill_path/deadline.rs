//! The deadline, in one atomic word.
//!
//! ```text
//! unset ──arm(t)──▶ t ──arm(an earlier t)──▶ the earlier t
//! ```
//!
//! [`Deadline::arm`] takes a minimum: the deadline never moves to a later
//! point, and cannot be unset. Two triggers that race therefore need no lock.
//!
//! `in_force` is not the deadline itself: the thread that sets `at` may be stopped
//! before it has set the timer, and then the next thread that arms sets it.
//!
//! # Orderings
//!
//! Arming is an `AcqRel` minimum and reading an `Acquire`. The backup timer
//! needs both: it reads the word, sets its timer, and reads the word again. Of
//! two threads that arm, the one that sets the timer last has entered the kernel
//! after the other, and sees the other's word on the second reading (the
//! kernel's lock around the timer orders the two).
//!
//! The event count `armed` makes the watchdog see a new word when it wakes: `arm` writes
//! the word and then advances (`Release`), the watchdog reads the count
//! (`Acquire`) and then the word. The same holds for `early_by`, and for `changed` and the
//! threads that follow the deadline: the reporter and others. After an arm the watchdog
//! advances that one, a little later, unless the grace is short.
//!
//! Code that reads both words of an arm reads the deadline first, and by that
//! word's ordering sees when it was armed. `in_force` is written with `Release` after the
//! wake-up and read with `Acquire`: a thread that finds the deadline in force knows that
//! the watchdog was woken for it. loom can show these: the orderings of `begun` and
//! `early_by` by themselves, and the acquire of the minima, are redundant with the event
//! count's and the timer lock's.

use core::time::Duration;

use crate::atomic::{AtomicU64, Ordering};
use crate::sys::{EventCount, Nanos};

/// The point in time at which the process ends, once it is known.
#[derive(Debug)]
pub struct Deadline {
    /// The deadline.
    at: Earliest,
    /// The time of the first trigger.
    begun: Earliest,
    /// The earliest deadline for which the backup timer was set and the watchdog was woken:
    /// arming for this one or a later one does nothing.
    in_force: Earliest,
    /// The nanoseconds by which the exit begins before the deadline, for a process that must
    /// have disappeared by then. An estimate: it may grow and shrink.
    early_by: AtomicU64,
    /// Wakes the watchdog.
    armed: EventCount,
    /// Wakes the followers: all other threads that wait for the deadline, such as the reporter.
    changed: EventCount,
}

/// With a grace of this or more, the thread that arms leaves it to the watchdog to wake the
/// followers.
const LONG_GRACE: Duration = Duration::from_secs(1);

/// The time from the first trigger until the watchdog wakes the followers. Most shutdowns are over
/// by then, and followers have nothing to do before a sixteenth of the grace.
const FOLLOW_DELAY: Duration = Duration::from_millis(5);

impl Deadline {
    /// Creates a deadline that is not armed.
    pub const fn unarmed() -> Self {
        Self {
            at: Earliest::unset(),
            begun: Earliest::unset(),
            in_force: Earliest::unset(),
            early_by: AtomicU64::new(0),
            armed: EventCount::new(),
            changed: EventCount::new(),
        }
    }

    /// Brings the deadline forward to `at`, unless it is earlier already. `now`
    /// is when the caller asked for it.
    ///
    /// Wakes no thread: the caller does, after the timer is set. Async-signal-safe.
    pub(crate) fn arm(&self, now: Nanos, at: Nanos) {
        self.begun.bring_forward(now);
        self.at.bring_forward(at);
    }

    /// Returns `true` if a deadline of `at` or earlier is in force, and was first
    /// armed by `now`: arming would change nothing. Async-signal-safe.
    pub(crate) fn is_in_force(&self, now: Nanos, at: Nanos) -> bool {
        self.in_force.get().is_some_and(|in_force| in_force <= at)
            && self.begun.get().is_some_and(|begun| begun <= now)
    }

    /// Records that the backup timer and the watchdog know of the deadline `at`, or
    /// of an earlier one. Async-signal-safe.
    pub(crate) fn set_in_force(&self, at: Nanos) {
        self.in_force.bring_forward(at);
    }

    /// Wakes the watchdog. Async-signal-safe.
    pub(crate) fn wake_watchdog(&self) {
        self.armed.advance();
    }

    /// Returns the number of times that the watchdog was woken, for
    /// [`wait_as_watchdog`](Self::wait_as_watchdog).
    pub(crate) fn watchdog_count(&self) -> u32 {
        self.armed.read()
    }

    /// Waits until the watchdog was woken more often than `seen` times, or the clock reads
    /// `until`. May return before either.
    pub(crate) fn wait_as_watchdog(&self, seen: u32, until: Option<Nanos>) {
        self.armed.wait_past(seen, until);
    }

    /// Wakes the followers. Async-signal-safe.
    pub(crate) fn wake_followers(&self) {
        self.changed.advance();
    }

    /// Returns the time at which the watchdog wakes the followers after an arm; `None` for a
    /// short grace, where the thread that arms wakes them itself.
    pub(crate) fn followers_due(&self) -> Option<Nanos> {
        let is_long = self.grace()? >= LONG_GRACE;
        let begun = self.begun().filter(|_| is_long)?;
        Some(begun.saturating_add(FOLLOW_DELAY))
    }

    /// Returns the deadline. Async-signal-safe.
    pub fn get(&self) -> Option<Nanos> {
        self.at.get()
    }

    /// Returns the time at which the exit begins: at the deadline, or earlier by the
    /// time that the process takes to disappear, but not before it was armed.
    /// Async-signal-safe.
    pub fn exit_at(&self) -> Option<Nanos> {
        let at = self.get()?;
        let early_by = Duration::from_nanos(self.early_by.load(Ordering::Acquire));
        let early = at.saturating_sub(early_by);
        match self.begun() {
            Some(begun) if early < begun && begun < at => Some(begun),
            _ => Some(early),
        }
    }

    /// Returns the length from the first trigger to the deadline.
    /// Async-signal-safe.
    pub fn grace(&self) -> Option<Duration> {
        let at = self.get()?;
        Some(at.since(self.begun()?))
    }

    /// Sets by how much the exit begins before the deadline. Wakes no thread.
    pub(crate) fn set_early_by(&self, length: Duration) {
        let nanos = u64::try_from(length.as_nanos()).unwrap_or(u64::MAX);
        self.early_by.store(nanos, Ordering::Release);
    }

    /// Returns the time at which the deadline was first armed: every length in a report
    /// is counted from this point. Async-signal-safe.
    #[inline]
    pub fn begun(&self) -> Option<Nanos> {
        self.begun.get()
    }

    /// Returns the number of changes so far, for
    /// [`wait_for_change`](Self::wait_for_change).
    #[inline]
    pub fn change_count(&self) -> u32 {
        self.changed.read()
    }

    /// Waits until there are more changes than `seen`, or the clock reads
    /// `until`. May return before either.
    #[inline]
    pub fn wait_for_change(&self, seen: u32, until: Option<Nanos>) {
        self.changed.wait_past(seen, until);
    }

    /// Makes the deadline unarmed in a child of `fork`, which has no watchdog
    /// and only one thread.
    pub(crate) fn reset_after_fork(&self) {
        self.at.unset_after_fork();
        self.begun.unset_after_fork();
        self.in_force.unset_after_fork();
        self.early_by.store(0, Ordering::Release);
    }
}

/// The earliest of the points that were given to it, in one word.
///
/// The word is the complement of the point, so that zero stands for none. A `static` of
/// zeroes takes no room in the program's file, and the watchdog is one of 4 KB.
#[derive(Debug)]
struct Earliest(AtomicU64);

/// The complement of the only point that cannot be a deadline: see [`Nanos::LAST`].
const UNSET: u64 = 0;

impl Earliest {
    const fn unset() -> Self {
        Self(AtomicU64::new(UNSET))
    }

    /// Takes the minimum with `at`: the maximum of the complements.
    fn bring_forward(&self, at: Nanos) {
        self.0.fetch_max(!at.0, Ordering::AcqRel);
    }

    #[inline]
    fn get(&self) -> Option<Nanos> {
        match self.0.load(Ordering::Acquire) {
            UNSET => None,
            complement => Some(Nanos(!complement)),
        }
    }

    fn unset_after_fork(&self) {
        self.0.store(UNSET, Ordering::Release);
    }
}
