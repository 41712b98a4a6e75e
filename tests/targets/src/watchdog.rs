//! Level 1: the watchdog alone.

use std::time::Duration;

use deadstop::{Watchdog, WatchdogBuilder};

use crate::{say, say_arming, spin, system};

const GRACE: Duration = Duration::from_millis(400);
/// Time enough for the watchdog to end the process, under an emulator on a busy machine.
pub(crate) const BACKUP_AFTER: Duration = Duration::from_secs(2);

fn builder() -> WatchdogBuilder {
    Watchdog::builder().grace(GRACE)
}

fn install(builder: WatchdogBuilder) -> Watchdog {
    let watchdog = builder.install().expect("the watchdog installs");
    say(&format!("protection: {}", watchdog.protection()));
    watchdog
}

/// The main thread spins past the deadline.
pub(crate) fn spins() -> ! {
    let watchdog = install(builder().backup_after(BACKUP_AFTER));
    say_arming(GRACE);
    watchdog.arm();
    spin()
}

/// The whole process is stopped: only the kernel is left to end it.
pub(crate) fn is_stopped() -> ! {
    let watchdog = install(builder());
    say_arming(GRACE);
    watchdog.arm();
    system::stop_process();
    spin()
}

/// A child of fork has no watchdog: it outlives the deadline and ends with 7.
pub(crate) fn forks() {
    let watchdog = install(builder());
    let status = system::in_child(|| {
        watchdog.arm();
        std::thread::sleep(GRACE * 2);
        7
    });
    say(&format!("child {status}"));
}

/// SIGTERM, or Ctrl-C on Windows, arms.
pub(crate) fn is_signaled() -> ! {
    install(
        builder()
            .backup_after(BACKUP_AFTER)
            .arm_on(system::TRIGGERS),
    );
    say_arming(GRACE);
    system::send_trigger();
    spin()
}

/// The main thread returns before the deadline.
pub(crate) fn returns() {
    install(builder()).arm();
}

/// The main thread returns, and a library hangs in its `DLL_PROCESS_DETACH`: the watchdog's
/// thread is gone by then.
pub(crate) fn hangs_in_a_library() {
    let watchdog = install(builder());
    let library = std::env::args().nth(2);
    system::load_library(&library.expect("the library"));
    say_arming(GRACE);
    watchdog.arm();
}
