//! The watchdog: the state that it shares with the threads that arm it, and its
//! thread.

use core::ffi::c_int;
use core::hint;
use core::time::Duration;

use super::backup_timer::BackupTimer;
use super::deadline::Deadline;
use super::kill_list::KillList;
use super::terminal::SavedTerminal;
use crate::atomic::{AtomicI32, Ordering};
use crate::sys::{
    ErrnoGuard, EventCount, ForkMark, Nanos, Newborn, SignalMask, now, pid, request_prompt_wakeups,
    request_real_time, terminate,
};

/// The time before the deadline at which the watchdog begins to nap, and the length of a nap.
///
/// The scheduler owes processor time to a thread that has just slept, and runs
/// it at once when it wakes. Measured under 64 spinning threads: at most 4.4 ms
/// late instead of 79. The naps cost some 50 wake-ups, once, and none before
/// arming.
const NAP_WINDOW: Duration = Duration::from_millis(250);
const NAP_LENGTH: Duration = Duration::from_millis(5);

/// The time before the deadline from which the watchdog looks at the clock without a sleep: on an
/// idle machine a wake-up is late by that. Shorter than the slice of 100 µs that the watchdog
/// asks for: with a window of 2 ms, its slice was over before the deadline, and among 64 spinning
/// threads it was 9 ms late in half of the runs.
const LAST_MOMENT: Duration = Duration::from_micros(80);

/// The maximum number of looks without a sleep. A clock that stands still would keep a processor
/// busy.
const MAX_LOOKS_AT_ONCE: u32 = 10_000;

/// No process: no watchdog is installed.
const NO_PROCESS: c_int = 0;

/// The state that the watchdog thread shares with the threads that arm it.
///
/// Only `arm`, `notify`, `is_owner`, `reset_after_fork` and `run_exit_actions`
/// are async-signal-safe.
///
/// # Orderings
///
/// `owner_pid` is written last when a watchdog is installed (`Release`) and read
/// first by a thread that arms (`Acquire`), so that a thread that may arm sees
/// the status and the timer too.
#[derive(Debug)]
pub struct Watchdog {
    deadline: Deadline,
    backup_timer: BackupTimer,
    kill_list: KillList,
    newborn: Newborn,
    terminal: SavedTerminal,
    status: AtomicI32,
    owner_pid: AtomicI32,
    fork_mark: ForkMark,
    started: EventCount,
}

impl Default for Watchdog {
    fn default() -> Self {
        Self::new()
    }
}

/// 128 + 9.
const KILLED: c_int = 137;

impl Watchdog {
    /// Creates a watchdog that no thread runs and that cannot be armed.
    pub const fn new() -> Self {
        Self {
            deadline: Deadline::unarmed(),
            backup_timer: BackupTimer::absent(),
            kill_list: KillList::empty(),
            newborn: Newborn::absent(),
            terminal: SavedTerminal::none(),
            status: AtomicI32::new(0),
            owner_pid: AtomicI32::new(NO_PROCESS),
            fork_mark: ForkMark::absent(),
            started: EventCount::new(),
        }
    }

    /// Brings the deadline forward to `grace` from now, unless it is earlier
    /// already. Returns `false`, and does nothing, where no watchdog runs:
    /// before `install`, and in a child of `fork`.
    ///
    /// Sets the timer first and wakes the watchdog last: under load the
    /// watchdog can take a tenth of a second to wake, and the backup timer must
    /// not wait for it. Async-signal-safe; preserves `errno`.
    pub fn arm(&self, grace: Duration) -> bool {
        // The clock first: a signal or the scheduler may interrupt the rest.
        let now = now();
        self.arm_between(now, now.saturating_add(grace))
    }

    /// Does the same for a deadline of `at` and a shutdown that began at `begun`.
    /// Async-signal-safe; preserves `errno`.
    pub fn arm_between(&self, begun: Nanos, at: Nanos) -> bool {
        let _errno = ErrnoGuard::save();
        if !self.is_owner() {
            return false;
        }
        if self.deadline.is_in_force(begun, at) {
            return true;
        }
        // A handler of the program that interrupts the steps and never returns
        // would leave a deadline that neither the timer nor the watchdog knows: no
        // signal is delivered to this thread until they are done.
        let mask = SignalMask::block_all();
        self.backup_timer.arm(&self.deadline, begun, at);
        mask.restore();
        true
    }

    /// Sets the backup timer to the deadline, if there is one: for a timer that was made
    /// later. Async-signal-safe.
    pub fn follow_deadline(&self) {
        self.backup_timer.follow(&self.deadline);
    }

    /// Makes the exit begin `length` before the deadline from now on, and moves
    /// the backup timer accordingly.
    pub fn exit_early_by(&self, length: Duration) {
        self.deadline.set_early_by(length);
        self.backup_timer.follow(&self.deadline);
        self.deadline.wake_watchdog();
        self.deadline.wake_followers();
    }

    /// Returns `true` in the process that installed the watchdog. A child of
    /// `fork` has neither its thread nor its timer; it has another number, or, as pid 1
    /// of a new PID namespace, no mark. Async-signal-safe.
    pub fn is_owner(&self) -> bool {
        self.owner_pid.load(Ordering::Acquire) == pid() && self.fork_mark.may_be_set()
    }

    /// Returns the process that installed the watchdog: this one, or one that it
    /// was forked from. Async-signal-safe.
    pub fn owner(&self) -> Option<c_int> {
        match self.owner_pid.load(Ordering::Acquire) {
            NO_PROCESS => None,
            pid => Some(pid),
        }
    }

    /// Returns `true` if a process has installed the watchdog, be it this one or
    /// the parent that it was forked from a moment ago. Async-signal-safe.
    #[inline]
    pub fn is_installed(&self) -> bool {
        self.owner_pid.load(Ordering::Acquire) != NO_PROCESS
    }

    /// Allows arming. The watchdog's thread must have
    /// [started](Self::wait_started).
    pub fn enable(&self) {
        self.fork_mark.set();
        self.owner_pid.store(pid(), Ordering::Release);
    }

    /// Forgets everything that a child of `fork` does not have. For the child,
    /// before it has a second thread. Async-signal-safe.
    pub fn reset_after_fork(&self) {
        self.owner_pid.store(NO_PROCESS, Ordering::Release);
        self.deadline.reset_after_fork();
        self.backup_timer.reset_after_fork();
        self.kill_list.reset_after_fork();
        self.newborn.reset_after_fork();
        self.terminal.reset_after_fork();
    }

    /// Sets the status that the watchdog ends the process with.
    #[inline]
    pub fn set_status(&self, status: c_int) {
        self.status.store(status, Ordering::Release);
    }

    /// Returns the status that the process ends with at the deadline.
    #[inline]
    pub fn status(&self) -> c_int {
        self.status.load(Ordering::Acquire)
    }

    /// Wakes the threads that wait for the deadline to change, although it has
    /// not: another request is waiting for them. Async-signal-safe; preserves
    /// `errno`.
    pub fn notify(&self) {
        let _errno = ErrnoGuard::save();
        self.deadline.wake_followers();
    }

    /// Returns the deadline.
    pub fn deadline(&self) -> &Deadline {
        &self.deadline
    }

    /// Returns the backup timer.
    pub fn backup_timer(&self) -> &BackupTimer {
        &self.backup_timer
    }

    /// Returns the list of child processes that end with this process.
    pub fn kill_list(&self) -> &KillList {
        &self.kill_list
    }

    /// Returns the child process that is being started, and not yet
    /// [listed](Self::kill_list).
    pub fn newborn(&self) -> &Newborn {
        &self.newborn
    }

    /// Returns the terminal's saved attributes.
    pub fn terminal(&self) -> &SavedTerminal {
        &self.terminal
    }

    /// Kills the [listed](Self::kill_list) child processes and restores the
    /// [terminal](Self::terminal): for a caller that ends the process next, such
    /// as the handler of a second signal. Does nothing in a child of `fork`.
    /// Async-signal-safe.
    pub fn run_exit_actions(&self) {
        if self.is_owner() {
            self.kill_list.kill_all();
            // After the list: a child is in one of the two, at each moment.
            self.newborn.kill();
            self.terminal.restore();
        }
    }

    /// Ends the process in the place of SIGKILL, after the exit actions, with the status
    /// that shells and container runtimes report for it: for the handler of
    /// [`BackupTimerMode::Handler`](super::BackupTimerMode). Async-signal-safe.
    pub fn end_as_killed(&self) -> ! {
        self.run_exit_actions();
        terminate(KILLED)
    }

    /// Returns the number of watchdog threads that have started, for
    /// [`wait_started`](Self::wait_started).
    #[inline]
    pub fn start_count(&self) -> u32 {
        self.started.read()
    }

    /// Blocks until more watchdog threads than `before` have started.
    ///
    /// The code that starts the watchdog must wait for this. Until then the
    /// thread is still in `std`'s start-up code, which allocates, and an
    /// allocator that hangs in that gap would take the watchdog with it.
    pub fn wait_started(&self, before: u32) {
        while self.started.read() == before {
            self.started.wait_past(before, None);
        }
    }

    /// Runs the watchdog thread: waits until the deadline is known and has
    /// passed, and ends the process.
    ///
    /// The watchdog writes no report, since a write can block.
    pub fn run(&'static self) -> ! {
        request_prompt_wakeups();
        request_real_time();
        // One wait and one reading of the clock before the first arm page in the code that runs at
        // the deadline. A page fault there would cost 0.4 ms; locking the pages needs a privilege.
        self.deadline
            .wait_as_watchdog(self.deadline.watchdog_count(), Some(now()));
        self.started.advance();
        // The last deadline for which this thread has woken the threads that follow it.
        let mut followed = None;
        let mut looks_at_once = 0;
        loop {
            // The count first: a change after this line cuts the wait short.
            let seen = self.deadline.watchdog_count();
            let now = now();
            match self.deadline.exit_at() {
                Some(at) if at <= now => {
                    self.run_exit_actions();
                    terminate(self.status.load(Ordering::Acquire))
                }
                Some(at) => {
                    let followers_at = self.wake_followers_if_due(now, &mut followed);
                    match next_look(now, at, looks_at_once) {
                        Look::AtOnce => {
                            looks_at_once = looks_at_once.saturating_add(1);
                            hint::spin_loop();
                        }
                        Look::At(next) => {
                            let next = followers_at.map_or(next, |due| due.min(next));
                            self.deadline.wait_as_watchdog(seen, Some(next));
                        }
                    }
                }
                None => self.deadline.wait_as_watchdog(seen, None),
            }
        }
    }

    /// Wakes the threads that follow the deadline, if that is due and was not done for this
    /// deadline; `followed` is the last one for which it was. Returns when it will be due.
    fn wake_followers_if_due(&self, now: Nanos, followed: &mut Option<Nanos>) -> Option<Nanos> {
        let deadline = self.deadline.get();
        let due = self
            .deadline
            .followers_due()
            .filter(|_| *followed != deadline)?;
        if now < due {
            return Some(due);
        }
        *followed = deadline;
        self.deadline.wake_followers();
        None
    }
}

/// The next look of the watchdog at the clock and the deadline.
#[derive(Debug, Eq, PartialEq)]
pub(crate) enum Look {
    AtOnce,
    At(Nanos),
}

/// Returns the next look of a watchdog that ends the process at `at`.
pub(crate) fn next_look(now: Nanos, at: Nanos, looks_at_once: u32) -> Look {
    let last_moment = match looks_at_once {
        MAX_LOOKS_AT_ONCE => at,
        _ => at.saturating_sub(LAST_MOMENT),
    };
    match now < last_moment {
        true => Look::At(next_wakeup(now, last_moment)),
        false => Look::AtOnce,
    }
}

/// Returns the time of the next wake-up for a thread that waits for the point `at`, such that
/// it runs promptly at that point.
pub fn next_wakeup(now: Nanos, at: Nanos) -> Nanos {
    let naps_begin = at.saturating_sub(NAP_WINDOW);
    if now < naps_begin {
        return naps_begin;
    }
    let nap_ends = now.saturating_add(NAP_LENGTH);
    if nap_ends < at { nap_ends } else { at }
}
