//! Level 1: the watchdog alone.

use deadstop::Watchdog;

use crate::{GRACE, say, say_arming, spin, system};

fn install() -> Watchdog {
    let watchdog = Watchdog::builder().grace(GRACE).install();
    let watchdog = watchdog.expect("the watchdog installs");
    say(&format!("protection: {}", watchdog.protection()));
    watchdog
}

/// The main thread spins past the deadline.
pub(crate) fn spins() -> ! {
    let watchdog = install();
    say_arming(GRACE);
    watchdog.arm();
    spin()
}

/// The whole process is stopped: only the kernel is left to end it.
pub(crate) fn is_stopped() -> ! {
    let watchdog = install();
    say_arming(GRACE);
    watchdog.arm();
    system::stop_process();
    spin()
}

/// A child of fork has no watchdog: it outlives the deadline and ends with 7.
pub(crate) fn forks() {
    let watchdog = install();
    let status = system::in_child(|| {
        watchdog.arm();
        std::thread::sleep(GRACE * 2);
        7
    });
    say(&format!("child {status}"));
}

/// SIGTERM, or Ctrl-C on Windows, arms.
pub(crate) fn is_signaled() -> ! {
    let watchdog = Watchdog::builder()
        .grace(GRACE)
        .arm_on(system::TRIGGERS)
        .install();
    let _watchdog = watchdog.expect("the watchdog installs");
    say_arming(GRACE);
    system::send_trigger();
    spin()
}

/// The main thread returns before the deadline.
pub(crate) fn returns() {
    install().arm();
}

/// The main thread returns, and a library hangs in its `DLL_PROCESS_DETACH`: the watchdog's
/// thread is gone by then.
pub(crate) fn hangs_in_a_library() {
    let watchdog = install();
    let library = std::env::args().nth(2);
    system::load_library(&library.expect("the library"));
    say_arming(GRACE);
    watchdog.arm();
}
