//! What a victim, and the machine, are busy with as the deadline comes.
//!
//! The same loads are in `victims/bare.c`.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

/// A column of the tables.
#[derive(Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) name: &'static str,
    /// Threads of the victim's that compute for ever.
    pub(crate) spinners: usize,
    /// Threads of another process, of the same session, that do so.
    pub(crate) foreign: usize,
    /// Threads of the victim's that allocate and free for ever.
    pub(crate) allocators: usize,
    /// The cleanup blocks every thread of the victim's runtime.
    pub(crate) blocks_workers: bool,
    /// From the beginning of the shutdown to the deadline. Longer where a thread
    /// can wait a tenth of a second for its turn.
    pub(crate) grace: Duration,
}

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_millis(300);

pub(crate) const IDLE: Condition = Condition {
    name: "idle",
    spinners: 0,
    foreign: 0,
    allocators: 0,
    blocks_workers: false,
    grace: SHORT,
};

pub(crate) const SPINNERS_2: Condition = Condition {
    name: "2 spinners",
    spinners: 2,
    ..IDLE
};

pub(crate) const SPINNERS_64: Condition = Condition {
    name: "64 spinners",
    spinners: 64,
    grace: LONG,
    ..IDLE
};

pub(crate) const FOREIGN_64: Condition = Condition {
    name: "64 in another process",
    foreign: 64,
    grace: LONG,
    ..IDLE
};

pub(crate) const ALLOCATION: Condition = Condition {
    name: "allocation",
    allocators: 2,
    ..IDLE
};

pub(crate) const BLOCKED: Condition = Condition {
    name: "workers blocked",
    blocks_workers: true,
    ..IDLE
};

/// In the order of the tables.
pub(crate) const ALL: [&Condition; 6] = [
    &IDLE,
    &SPINNERS_2,
    &SPINNERS_64,
    &FOREIGN_64,
    &ALLOCATION,
    &BLOCKED,
];

impl Condition {
    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|condition| condition.name == name)
    }

    /// Starts the threads of this process, and waits until each has run.
    pub(crate) fn start(&self) {
        crowd(self.spinners, spin);
        crowd(self.allocators, allocate);
    }
}

/// Starts `count` threads, and waits until each has run.
pub(crate) fn crowd(count: usize, life: fn() -> !) {
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    RUNNING.store(0, Ordering::SeqCst);
    for _ in 0..count {
        thread::spawn(move || {
            RUNNING.fetch_add(1, Ordering::SeqCst);
            life()
        });
    }
    while RUNNING.load(Ordering::SeqCst) < count {
        thread::sleep(Duration::from_millis(1));
    }
}

/// Blocks every worker of a runtime for ever, with what looks like a task.
/// Returns at once.
pub(crate) fn block_workers(runtime: &Handle) {
    // Twice as many as there are workers: one may take two off the queue.
    for _ in 0..2 * runtime.metrics().num_workers() {
        runtime.spawn(async { park() });
    }
}

/// Waits for ever.
pub(crate) fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Computes for ever.
pub(crate) fn spin() -> ! {
    loop {
        hint::black_box(());
    }
}

/// Allocates 16 MiB in blocks of many sizes, touches every page of it, frees it,
/// and again.
fn allocate() -> ! {
    const TOGETHER: usize = 16 << 20;
    const LARGEST: usize = 1 << 20;
    const PAGE: usize = 4096;

    let mut blocks = Vec::new();
    loop {
        let (mut size, mut taken) = (48, 0);
        while taken < TOGETHER {
            let layout = Layout::array::<u8>(size).unwrap();
            // SAFETY: the size is not zero.
            let block = unsafe { alloc(layout) };
            if block.is_null() {
                handle_alloc_error(layout);
            }
            for at in (0..size).step_by(PAGE) {
                // SAFETY: `at` lies within the block.
                let byte = unsafe { block.add(at) };
                // SAFETY: within the block, which is ours.
                unsafe { byte.write_volatile(1) };
            }
            blocks.push((block, layout));
            taken += size;
            size = if size < LARGEST { size * 3 / 2 } else { 48 };
        }
        for (block, layout) in blocks.drain(..) {
            // SAFETY: allocated above with this layout, and freed once.
            unsafe { dealloc(block, layout) };
        }
    }
}
