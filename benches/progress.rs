//! The cost of `TaskContext::progress` for a task, compared with a copy of the same text and
//! with a text protected by a lock. The bench fails if a call allocates.
//!
//! ```text
//! cargo bench --bench progress
//! ```

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    unsafe_code,
    reason = "a program, not the library; it counts allocations"
)]

#[path = "shared/arguments.rs"]
mod arguments;

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::hint::black_box;
use std::process;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use deadstop::report::Progress;
use deadstop::{Shutdown, TaskContext};

use arguments::CargoFlags;

/// Times `TaskContext::progress`, and fails if it allocates
#[derive(clap::Parser)]
#[command(bin_name = "cargo bench --bench progress --")]
struct Arguments {
    #[command(flatten)]
    cargo: CargoFlags,
}

const CALLS: u32 = 200_000;

/// The best of so many rounds is the cost of a call. The others contain other load.
const ROUNDS: usize = 25;

/// The lengths of the texts, in bytes.
const LENGTHS: [usize; 4] = [0, 16, 64, 128];

fn main() {
    let arguments: Arguments = arguments::read();
    if !arguments.cargo.wants_measurements() {
        return;
    }
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(60))
        .progress(Progress::Off)
        .install()
        .unwrap();
    let allocated = Arc::new(AtomicU64::new(0));
    let sum = Arc::clone(&allocated);
    shutdown
        .task("measure")
        .on_shutdown(move |cx| sum.store(measure(cx), Ordering::SeqCst))
        .unwrap();
    shutdown.finish();
    let allocated = allocated.load(Ordering::SeqCst);
    println!("{allocated} allocations by `progress`");
    process::exit(i32::from(allocated > 0));
}

/// Prints nanoseconds per call, and returns how often `progress` allocated.
fn measure(cx: &TaskContext) -> u64 {
    println!("bytes  progress  Mutex<String>  memcpy   (ns per call)");
    let mut allocated = 0;
    for length in LENGTHS {
        let text = "segment 12 of 40; ".repeat(8);
        let text = &text[..length];
        let locked = Mutex::new(String::new());
        let mut copy = vec![0; length];
        let before = ALLOCATED.get();
        let progress = best(|| cx.progress(black_box(text)));
        allocated += ALLOCATED.get() - before;
        let mutex = best(|| {
            let mut locked = locked.lock().unwrap();
            locked.clear();
            locked.push_str(black_box(text));
        });
        let memcpy = best(|| {
            copy.copy_from_slice(black_box(text.as_bytes()));
            black_box(&mut copy);
        });
        println!("{length:5}  {progress:8.1}  {mutex:13.1}  {memcpy:6.1}");
    }
    allocated
}

/// Nanoseconds per call, of the best round.
fn best(mut call: impl FnMut()) -> f64 {
    let mut best = f64::INFINITY;
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for _ in 0..CALLS {
            call();
        }
        best = best.min(start.elapsed().as_secs_f64() * 1e9 / f64::from(CALLS));
    }
    best
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

thread_local! {
    /// The number of allocations of this thread.
    static ALLOCATED: Cell<u64> = const { Cell::new(0) };
}

/// The system's allocator, counted.
struct Counting;

// SAFETY: all of it is the system's allocator, which may be asked from any
// thread, and keeps the contract of the trait. Counting changes nothing.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATED.set(ALLOCATED.get() + 1);
        // SAFETY: this function's contract is the same.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: this function's contract is the same, and every block is from
        // the system's allocator.
        unsafe { System.dealloc(block, layout) }
    }
}
