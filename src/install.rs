//! The steps of `install` that both builders share: the watchdog, the backup timer, and the
//! threads for them.
//!
//! A thread cannot be taken back. If `install` fails after it has started a
//! thread, the thread stays parked and the next `install` uses it again. The
//! first that succeeds enables the watchdog; until then nothing can arm it.

mod signal_thread;

#[cfg(feature = "shutdown")]
use std::io;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::InstallError;
use crate::exit_estimate::{self, Estimator};
use crate::process::{self, Claim, Claimed, WATCH};
use crate::sys::{errno, own_code, standard_error};
use crate::threads;
use deadstop_core::kill_path::BackupTimerMode;
use deadstop_core::sys::{SignalMask, SignalSet};

use self::signal_thread::SIGNAL_THREAD;

/// Handles the backup timer's signal where SIGKILL cannot be used.
extern "C" fn end_as_killed(_signal: std::ffi::c_int) {
    WATCH.end_as_killed()
}

const WATCHDOG: &str = "deadstop-watch";

/// The stack: less than half is used.
const STACK: usize = 64 * 1024;

/// The right to install.
static INSTALLING: Claim = Claim::free();

/// The parts that earlier tries of this process have started.
static STARTED: Started = Started::nothing();

/// The pieces that are in place, as bits of one word. Its upper half is the generation, so
/// that a child of `fork` starts with none.
struct Started(AtomicU64);

/// The byte of the word that holds the timer's mode: 0, `KILL`, or a signal.
const BACKUP_TIMER: u32 = 16;
const KILL: u8 = 255;

#[derive(Clone, Copy)]
enum Piece {
    Watchdog = 1,
    ExitEstimate = 2,
    #[cfg(feature = "report")]
    LastReport = 4,
    #[cfg(feature = "shutdown")]
    ExitHandler = 8,
    SparesCoreDumps = 16,
}

impl Started {
    const fn nothing() -> Self {
        Self(AtomicU64::new(0))
    }

    /// Returns the timer mode that an earlier try has chosen.
    fn backup_timer_mode(&self) -> Option<BackupTimerMode> {
        match (self.word() >> BACKUP_TIMER & 0xff) as u8 {
            0 => None,
            KILL => Some(BackupTimerMode::Kill),
            signal => Some(BackupTimerMode::Handler {
                signal: signal.into(),
            }),
        }
    }

    fn set_backup_timer_mode(&self, mode: Option<BackupTimerMode>) {
        let byte = match mode {
            None => 0,
            Some(BackupTimerMode::Kill) => KILL,
            Some(BackupTimerMode::Handler { signal }) => signal as u8,
        };
        let word = self.word() & !(0xff << BACKUP_TIMER) | u64::from(byte) << BACKUP_TIMER;
        self.0.store(word, Ordering::Release);
    }

    fn word(&self) -> u64 {
        let word = self.0.load(Ordering::Acquire);
        let own = u64::from(process::generation()) << 32;
        match word >> 32 == own >> 32 {
            true => word,
            false => own,
        }
    }

    fn has(&self, piece: Piece) -> bool {
        self.word() & piece as u64 != 0
    }

    fn set(&self, piece: Piece, is_there: bool) {
        let word = self.word();
        let word = match is_there {
            true => word | piece as u64,
            false => word & !(piece as u64),
        };
        self.0.store(word, Ordering::Release);
    }
}

/// An `install` under way. There is one at a time.
///
/// It waits for its threads at the end, so that they start side by side.
pub(crate) struct Installation {
    _claim: Claimed<'static>,
    backup_timer_mode: Option<BackupTimerMode>,
    /// If the watchdog's thread was started: its count of starts before that.
    watchdog_starts: Option<u32>,
    /// If `deadstop-signal` was given signals: what its wait takes.
    signal_thread: Option<u32>,
}

impl Installation {
    /// Begins to install.
    ///
    /// # Errors
    ///
    /// Fails if there is a watchdog, or another `install` under way. It does not
    /// wait for that one.
    pub(crate) fn begin() -> Result<Self, InstallError> {
        let claim = INSTALLING.take().ok_or(InstallError::AlreadyInstalled)?;
        if WATCH.is_owner() {
            return Err(InstallError::AlreadyInstalled);
        }
        standard_error::remember();
        threads::remember_mask(SignalMask::current().blocked());
        if STARTED.word() & u64::from(u32::MAX) == 0 {
            // The first try of this process. A child of fork has none of its
            // parent's threads and timers.
            WATCH.reset_after_fork();
            SIGNAL_THREAD.reset_after_fork();
        }
        Ok(Self {
            _claim: claim,
            backup_timer_mode: None,
            watchdog_starts: None,
            signal_thread: None,
        })
    }

    /// Starts the watchdog and the backup timer, with `signals` unblocked in
    /// `deadstop-signal`. Returns why there is no backup timer, as the core's number, if it is not
    /// required.
    pub(crate) fn start(
        &mut self,
        status: u8,
        requires_backup_timer: bool,
        spares_core_dumps: bool,
        signals: SignalSet,
    ) -> Result<Option<i32>, InstallError> {
        process::register_fork_handler().map_err(InstallError::Fork)?;
        own_code::keep_loaded();
        if STARTED.has(Piece::SparesCoreDumps) != spares_core_dumps {
            STARTED.set(Piece::SparesCoreDumps, spares_core_dumps);
            STARTED.set_backup_timer_mode(None);
            WATCH.backup_timer().reset_after_fork();
        }
        let refused = match self.start_backup_timer(signals, spares_core_dumps)? {
            Err(number) if requires_backup_timer => {
                return Err(InstallError::BackupTimer(errno::error(number)));
            }
            Err(number) => Some(number),
            Ok(()) => None,
        };
        WATCH.set_status(status.into());
        if !STARTED.has(Piece::Watchdog) {
            let before = WATCH.start_count();
            threads::spawn(WATCHDOG, STACK, || WATCH.run())?;
            STARTED.set(Piece::Watchdog, true);
            self.watchdog_starts = Some(before);
        }
        Ok(refused)
    }

    /// Starts `deadstop-usage`, if the process must have disappeared by its
    /// deadline. A thread that a failed `install` has started is kept, with its
    /// constants.
    pub(crate) fn start_exit_estimate(
        &mut self,
        estimator: Option<Estimator>,
    ) -> Result<(), InstallError> {
        exit_estimate::want(estimator.is_some());
        if let Some(estimator) = estimator.filter(|_| !STARTED.has(Piece::ExitEstimate)) {
            estimator.start()?;
            STARTED.set(Piece::ExitEstimate, true);
        }
        Ok(())
    }

    /// Starts level 1's report thread by `start`, once.
    #[cfg(feature = "report")]
    pub(crate) fn once_for_last_report(
        &mut self,
        start: impl FnOnce() -> Result<(), InstallError>,
    ) -> Result<(), InstallError> {
        if !STARTED.has(Piece::LastReport) {
            start()?;
            STARTED.set(Piece::LastReport, true);
        }
        Ok(())
    }

    /// Registers the exit handler by `register`, once. A child of `fork` inherits
    /// it, and registers one more.
    #[cfg(feature = "shutdown")]
    pub(crate) fn once_for_exit(
        &mut self,
        register: impl FnOnce() -> io::Result<()>,
    ) -> Result<(), InstallError> {
        if !STARTED.has(Piece::ExitHandler) {
            register().map_err(InstallError::Exit)?;
            STARTED.set(Piece::ExitHandler, true);
        }
        Ok(())
    }

    /// Waits for the threads that were started: until the watchdog watches, and
    /// `deadstop-signal` has unblocked its signals.
    fn wait_started(&mut self) {
        if let Some(before) = self.watchdog_starts.take() {
            WATCH.wait_started(before);
        }
        if let Some(before) = self.signal_thread.take() {
            SIGNAL_THREAD.wait(before);
        }
    }

    /// Waits for the threads, and lets the watchdog be armed from here on.
    pub(crate) fn enable(mut self) {
        self.wait_started();
        process::forget_lost_watchdog();
        WATCH.enable();
    }

    /// Starts the backup timer. The outer error is a thread's; the inner one is the timer's, as the
    /// core's number.
    fn start_backup_timer(
        &mut self,
        signals: SignalSet,
        spares_core_dumps: bool,
    ) -> Result<Result<(), i32>, InstallError> {
        let mode = match STARTED.backup_timer_mode() {
            Some(mode) => Ok(mode),
            None => {
                BackupTimerMode::of_process(deadstop_core::pid(), spares_core_dumps, end_as_killed)
            }
        };
        STARTED.set_backup_timer_mode(mode.ok());
        self.backup_timer_mode = mode.ok();
        let unblocked = signals.union(mode.map_or(SignalSet::EMPTY, BackupTimerMode::signals));
        if !unblocked.is_empty() {
            self.signal_thread = Some(SIGNAL_THREAD.unblock(unblocked)?);
        }
        let tid = match mode {
            // The timer is made for the thread.
            Ok(BackupTimerMode::Handler { .. }) => self
                .signal_thread
                .take()
                .map_or(0, |before| SIGNAL_THREAD.wait(before)),
            _ => 0,
        };
        Ok(mode.and_then(|mode| WATCH.backup_timer().create(mode, tid)))
    }

    /// Returns the mode of the backup timer, if it is in place.
    pub(crate) fn backup_timer_mode(&self) -> Option<BackupTimerMode> {
        self.backup_timer_mode
            .filter(|_| WATCH.backup_timer().is_present())
    }
}

impl Drop for Installation {
    /// Waits for the threads of an `install` that failed: the next one uses them, and does not
    /// wait.
    fn drop(&mut self) {
        self.wait_started();
    }
}
