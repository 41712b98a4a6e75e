//! deadstop's level 1.

use deadstop::Watchdog;

pub fn install() -> Watchdog {
    Watchdog::builder().install().unwrap()
}

pub fn finish(watchdog: Watchdog) {
    watchdog.arm();
}
