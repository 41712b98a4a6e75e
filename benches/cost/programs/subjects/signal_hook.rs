//! signal-hook: a flag for two signals.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

pub fn install() -> Arc<AtomicBool> {
    let asked = Arc::new(AtomicBool::new(false));
    for signal in [SIGTERM, SIGINT] {
        flag::register(signal, Arc::clone(&asked)).unwrap();
    }
    asked
}

pub fn finish(asked: Arc<AtomicBool>) {
    asked.store(true, Ordering::Relaxed);
}
