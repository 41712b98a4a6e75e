//! Level 1: the deadline.

use std::ffi::c_int;
use std::time::{Duration, Instant};

use deadstop::Signal;
use deadstop::protection::BackupTimer;
use deadstop_core::sys::SignalSet;

use crate::error::{DEADSTOP_OK, Failure, guarded};
use crate::signals;
use crate::state;

/// Sets the deadline to one grace from now, unless it is earlier already. There is no way to
/// disarm. Does nothing without deadstop_install().
///
/// It begins no task, and reports then have no cause. deadstop_request() begins the tasks and
/// sets the cause.
///
/// Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_arm() {
    if let Some(installed) = state::own() {
        installed.shutdown.watchdog().arm();
    }
}

/// Does the same as deadstop_arm(), with another grace; 0 ends the process at once.
///
/// Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_arm_within(grace_ms: u64) {
    if let Some(installed) = state::own() {
        let grace = Duration::from_millis(grace_ms);
        installed.shutdown.watchdog().arm_within(grace);
    }
}

/// Returns the milliseconds until the deadline; -1 while there is none.
///
/// Async-signal-safe.
#[unsafe(no_mangle)]
pub extern "C" fn deadstop_remaining_ms() -> i64 {
    let deadline = state::own().and_then(|installed| installed.shutdown.watchdog().deadline());
    deadline.map_or(-1, |at| {
        let left = at.saturating_duration_since(Instant::now());
        i64::try_from(left.as_millis()).unwrap_or(i64::MAX)
    })
}

/// The kernel has no backup timer for this process.
pub const DEADSTOP_BACKUP_TIMER_ABSENT: u8 = 0;
/// The backup timer sends a real-time signal whose handler ends the process (pid 1).
pub const DEADSTOP_BACKUP_TIMER_HANDLER: u8 = 1;
/// The backup timer sends SIGKILL.
pub const DEADSTOP_BACKUP_TIMER_KILL: u8 = 2;

/// The lines of defense in place. Signals are sums of 1 << (n - 1).
#[repr(C)]
pub struct Protection {
    /// sizeof(deadstop_protection), set by the caller.
    pub size: usize,
    /// 1 if the watchdog thread runs.
    pub watchdog: u8,
    /// One of DEADSTOP_BACKUP_TIMER_.
    pub backup_timer: u8,
    /// Signals whose handler is deadstop's.
    pub handled_signals: u64,
    /// Signals whose handler another library has replaced since. deadstop_chain_signals() puts
    /// deadstop's handler in front of the new ones.
    pub replaced_signals: u64,
    /// Signals that the process ignores. They do not begin the shutdown.
    pub ignored_signals: u64,
}

/// Writes the lines of defense of the process to `out`.
///
/// # Safety
///
/// `out` must point to a structure of the size that its first field says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn deadstop_read_protection(out: *mut Protection) -> c_int {
    guarded(|| {
        // SAFETY: the caller's contract.
        let Some(out) = (unsafe { out.as_mut() }) else {
            return Err(Failure::argument("`out` is null"));
        };
        if out.size != size_of::<Protection>() {
            return Err(Failure::argument(format!(
                "the size of deadstop_protection is {}; it must be {}",
                out.size,
                size_of::<Protection>()
            )));
        }
        let installed = state::required()?;
        let found = installed.shutdown.watchdog().protection();
        let chained = signals::destinations(installed.chained);
        out.watchdog = found.watchdog().into();
        out.backup_timer = match found.backup_timer() {
            BackupTimer::Kill => DEADSTOP_BACKUP_TIMER_KILL,
            BackupTimer::Handler => DEADSTOP_BACKUP_TIMER_HANDLER,
            _ => DEADSTOP_BACKUP_TIMER_ABSENT,
        };
        out.handled_signals = chained.ours.bits();
        out.replaced_signals = set(found.replaced_signals()).union(chained.replaced).bits();
        out.ignored_signals = set(found.ignored_signals()).union(chained.ignored).bits();
        Ok(DEADSTOP_OK)
    })
}

fn set(signals: &[Signal]) -> SignalSet {
    let add = |set: SignalSet, signal: &Signal| set.with(signal.number());
    signals.iter().fold(SignalSet::EMPTY, add)
}
