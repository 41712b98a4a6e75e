//! Bytes of the heap, and blocks, that each registered thing takes.

use std::alloc::{GlobalAlloc, Layout, System};
use std::future::Future;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use deadstop::Shutdown;
use deadstop::report::Progress;

use crate::child;
use crate::results::Results;

const PART: &str = "memory";

/// Counts bytes and blocks that are allocated.
struct Counting;

static BYTES: AtomicUsize = AtomicUsize::new(0);
static BLOCKS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: each call is passed on as it is. Counting changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        BLOCKS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        BYTES.fetch_sub(layout.size(), Ordering::Relaxed);
        BLOCKS.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: as the caller's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

pub(crate) fn measure(results: &mut Results) {
    let output = child(PART, 0).stdin(Stdio::null()).output().unwrap();
    let figures = String::from_utf8_lossy(&output.stdout).into_owned();
    for line in figures.lines() {
        let [what, size, bytes, blocks] = line.split(';').collect::<Vec<_>>()[..] else {
            crate::fail(line);
        };
        let size = size.parse().unwrap();
        results.add(PART, what, size, "bytes", bytes.parse().unwrap());
        results.add(
            PART,
            format!("{what}: blocks"),
            size,
            "",
            blocks.parse().unwrap(),
        );
    }
    if figures.is_empty() {
        crate::fail(&String::from_utf8_lossy(&output.stderr));
    }
}

/// Prints the memory that each takes, without its handle, which the caller keeps.
pub(crate) fn count() {
    let builder = Shutdown::builder()
        .signals([])
        .grace(Duration::from_secs(60));
    let shutdown = builder.progress(Progress::Off).install().unwrap();
    for size in [100, 10_000] {
        each("task (named \"task 12345\")", size, |n| {
            let task = shutdown.task(format!("task {n:05}"));
            task.on_shutdown(move |_| assert_ne!(std::hint::black_box(n), usize::MAX))
                .unwrap()
        });
        each("scope (named \"scope 12345\")", size, |n| {
            shutdown.scope(&format!("scope {n:05}"))
        });
        let gate = shutdown.gate(format!("requests {size}")).open().unwrap();
        each("gate entry", size, |_| gate.enter().unwrap());
        each("named gate entry", size, |_| {
            gate.enter_named("GET /").unwrap()
        });
        each("future that waits for the request", size, |_| {
            let mut requested = Box::pin(shutdown.requested());
            let mut context = Context::from_waker(Waker::noop());
            assert!(Pin::new(&mut requested).poll(&mut context).is_pending());
            requested
        });
    }
    each("heartbeat", 50, |n| {
        let builder = shutdown.heartbeat(format!("loop {n:05}"));
        builder.every(Duration::from_secs(60)).start().unwrap()
    });
    std::process::exit(0);
}

fn each<T>(what: &str, size: usize, make: impl Fn(usize) -> T) {
    // The first call also allocates what all of them share.
    let first = make(0);
    let mut kept = Vec::with_capacity(size);
    let (bytes, blocks) = (
        BYTES.load(Ordering::Relaxed),
        BLOCKS.load(Ordering::Relaxed),
    );
    for n in 1..=size {
        kept.push(make(n));
    }
    let of_each = |after: &AtomicUsize, before: usize| {
        after.load(Ordering::Relaxed).wrapping_sub(before) as f64 / size as f64
    };
    let (bytes, blocks) = (of_each(&BYTES, bytes), of_each(&BLOCKS, blocks));
    println!("{what};{size};{bytes:.1};{blocks:.2}");
    drop((first, kept));
}
