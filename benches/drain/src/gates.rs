//! Entering and leaving, on 1, 2 and 8 threads.

use std::hint::black_box;
use std::sync::Barrier;
use std::thread;
use std::time::Instant;

use deadstop::drain::Gate;
use tokio_util::task::TaskTracker;

use crate::Results;

const ENTRIES: u32 = 400_000;

pub(crate) fn round(gate: Gate, results: &mut Results) {
    let tracker = TaskTracker::new();
    for threads in [1, 2, 8] {
        let what = format!("enter, {threads} threads");
        let nanos = measure(threads, || drop(black_box(gate.enter())));
        results.add(&what, "deadstop", nanos);
        let nanos = measure(threads, || drop(black_box(tracker.token())));
        results.add(&what, "TaskTracker", nanos);
    }
    let named = || drop(black_box(gate.enter_named("GET /orders/7")));
    results.add("enter named, 1 threads", "deadstop", measure(1, named));
}

/// Returns wall nanoseconds per entry and thread.
fn measure(threads: u32, enter: impl Fn() + Sync) -> f64 {
    let barrier = Barrier::new(threads as usize + 1);
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|_| {
                scope.spawn(|| {
                    barrier.wait();
                    for _ in 0..ENTRIES {
                        enter();
                    }
                })
            })
            .collect();
        barrier.wait();
        let begun = Instant::now();
        for thread in running {
            thread.join().expect("it only counts");
        }
        begun.elapsed().as_nanos() as f64 / f64::from(ENTRIES * threads)
    })
}
