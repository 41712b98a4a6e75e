//! The deadline of this process: armed once, by the first trigger.
//!
//! ```text
//! IDLE ──arm──▶ ARMED          in a child of fork: IDLE again; after exec: ARMED again
//! ```
//!
//! # Orderings
//!
//! `home` is the process whose signals count. A child of `vfork` shares the memory of
//! its parent under another id, so it does nothing here. The thread that changes
//! `state` writes everything else before it starts the threads that read it.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use core::time::Duration;

use deadstop_core::kill_path::{BackupTimerMode, Watchdog};
use deadstop_core::sys::{ErrnoGuard, SignalMask};
use deadstop_core::threads::own::OwnThread;
use deadstop_core::{Nanos, now, pid, tid};

use crate::cause::{CAUSE, Trigger};
use crate::exec::{self, Record};
use crate::settings::SETTINGS;
use crate::shares::SHARES;
use crate::sys::descriptor_table::DescriptorTable;
use crate::sys::raise::sleep_until;
use crate::sys::{fork, raw_thread};
use crate::{children, report};

/// The watchdog of `deadstop-core`, whose thread starts when it is armed.
static WATCH: Watchdog = Watchdog::new();

static STATE: AtomicU32 = AtomicU32::new(IDLE);
static HOME: AtomicI32 = AtomicI32::new(NO_PROCESS);

/// The time from the deadline to the kernel timer's expiry. By then the watchdog has ended the
/// process with its status, on a saturated machine too.
const DISTANCE: Duration = Duration::from_millis(250);

/// The length of most clean shutdowns.
const CLEAN_END: Duration = Duration::from_millis(20);

const IDLE: u32 = 0;
const ARMED: u32 = 1;
const NO_PROCESS: c_int = 0;

/// Lets triggers count in this process. For the constructor.
pub(crate) fn enable() {
    WATCH.set_status(SETTINGS.status());
    WATCH.backup_timer().set_distance(Some(DISTANCE));
    fork::watch(in_child);
    HOME.store(pid(), Ordering::Release);
    if let Some(record) = exec::take() {
        let mask = SignalMask::block_all();
        STATE.store(ARMED, Ordering::Relaxed);
        CAUSE.keep(record.trigger);
        begin(record.begun, record.at);
        mask.restore();
    }
}

/// A child of `fork` has none of the threads and timers. Async-signal-safe: called
/// before the first trigger of the child, with all signals blocked.
extern "C" fn in_child() {
    STATE.store(IDLE, Ordering::Relaxed);
    WATCH.reset_after_fork();
    let home = match SETTINGS.children_inherit() {
        true => pid(),
        false => NO_PROCESS,
    };
    HOME.store(home, Ordering::Release);
}

/// Returns `true` if this is the process whose signals count. Not so in a child of
/// `vfork`, which has the memory of its parent. Async-signal-safe.
pub(crate) fn is_home() -> bool {
    // A handler that interrupts the preparation would find it half done.
    let mask = SignalMask::block_all();
    let is_home = fork::prepare_child(|| in_child()) && HOME.load(Ordering::Acquire) == pid();
    mask.restore();
    is_home
}

/// Begins the shutdown: the process ends when its grace period is over. Later calls do
/// nothing. Async-signal-safe; preserves `errno`.
pub(crate) fn arm(trigger: Trigger) {
    let _errno = ErrnoGuard::save();
    // A handler of the program that interrupts this and never returns must find all
    // of it done.
    let mask = SignalMask::block_all();
    let is_first = fork::prepare_child(|| in_child())
        && HOME.load(Ordering::Acquire) == pid()
        && STATE
            .compare_exchange(IDLE, ARMED, Ordering::AcqRel, Ordering::Relaxed)
            .is_ok();
    if is_first {
        CAUSE.keep(trigger);
        let begun = now();
        let at = begun.saturating_add(SETTINGS.grace());
        begin(begun, at);
        exec::keep(&Record { begun, at, trigger });
    }
    mask.restore();
}

/// Arms, with all signals blocked.
fn begin(begun: Nanos, at: Nanos) {
    // The timer first: it alone ends the process if no thread can be started. As pid 1
    // it needs a thread, and is made there.
    if pid() != 1 {
        let _ = WATCH.backup_timer().create(BackupTimerMode::Kill, 0);
    }
    WATCH.enable();
    WATCH.arm_between(begun, at);
    if raw_thread::start(watch) {
        if SETTINGS.kills_children() {
            raw_thread::start(children);
        }
        raw_thread::start(report);
    }
}

/// The handler of the backup timer's signal, for pid 1.
extern "C" fn end_as_killed(_signal: c_int) {
    WATCH.end_as_killed()
}

/// `deadstop-watch`: ends the process at the deadline.
extern "C" fn watch() -> ! {
    raw_thread::prepare(c"deadstop-watch");
    let _own = OwnThread::mark();
    if pid() == 1 {
        if let Ok(mode) = BackupTimerMode::of_process(1, false, end_as_killed) {
            let _ = WATCH.backup_timer().create(mode, tid());
            SignalMask::unblock(mode.signals());
            // Sets the timer that has just been made.
            WATCH.follow_deadline();
        }
    }
    WATCH.run()
}

/// `deadstop-report`: looks at the process shortly before the deadline.
extern "C" fn report() -> ! {
    raw_thread::prepare(c"deadstop-report");
    let _own = OwnThread::mark();
    if let (Some(begun), Some(at)) = (WATCH.deadline().begun(), WATCH.deadline().get()) {
        // A clean end is over by now, and need not pay for this.
        sleep_until(begun.saturating_add(CLEAN_END));
        let mut table = DescriptorTable::shared();
        table.leave_if_full();
        SHARES.begin(now());
        report::run(begun, at, table);
    }
    raw_thread::end()
}

/// `deadstop-child`: lists the children that the watchdog kills.
extern "C" fn children() -> ! {
    raw_thread::prepare(c"deadstop-child");
    let _own = OwnThread::mark();
    if let (Some(begun), Some(at)) = (WATCH.deadline().begun(), WATCH.deadline().get()) {
        children::list(report::begins(begun, at), at, WATCH.kill_list());
    }
    raw_thread::end()
}
