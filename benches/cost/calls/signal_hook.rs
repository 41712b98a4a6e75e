//! signal-hook: a flag that a handler sets, and that the program reads.

use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::measure;

pub(super) fn calls() {
    let flag = Arc::new(AtomicBool::new(false));
    measure("is_requested", 100_000, || {
        black_box(black_box(&flag).load(Ordering::Relaxed));
    });
}
