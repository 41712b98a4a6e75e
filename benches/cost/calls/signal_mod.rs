//! signal-mod: hooks are registered while the coordinator is built, and cannot
//! be taken back.

use std::hint::black_box;
use std::thread;

use signal_mod::{Coordinator, CoordinatorBuilder, ShutdownReason, hook_from_fn};

use super::{GRACE, measure, measure_once, settle};

pub(super) fn calls() {
    let mut builder = Some(builder());
    measure("register", 1_000, || {
        let hook = hook_from_fn("close", 0, |_| {});
        builder = builder.take().map(|builder| builder.hook(hook));
    });
    let token = builder.unwrap().build().token();
    settle();
    measure("is_requested", 100_000, || {
        black_box(black_box(&token).is_initiated());
    });
}

/// A thread waits for it, as the coordinator does in deadstop.
pub(super) fn request() {
    let hook = hook_from_fn("close", 0, |_| {});
    let coordinator = builder().hook(hook).build();
    let (trigger, token) = (coordinator.trigger(), coordinator.token());
    let waiting = thread::spawn(move || token.wait_blocking());
    settle();
    measure_once("request", || {
        trigger.trigger(ShutdownReason::Requested);
    });
    waiting.join().unwrap();
}

fn builder() -> CoordinatorBuilder {
    Coordinator::builder()
        .graceful_timeout(GRACE)
        .force_timeout(2 * GRACE)
}
