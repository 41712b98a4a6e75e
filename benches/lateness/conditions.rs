//! Loads on the victim and on the machine while the deadline passes.
//!
//! The same loads are in `victims/bare.c`.

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error};
use std::hint;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use tokio::runtime::Handle;

use crate::calibrate::holder::take;

/// A column of the tables.
#[derive(Debug, PartialEq)]
pub(crate) struct Condition {
    pub(crate) name: &'static str,
    /// The victim's threads that compute forever.
    pub(crate) spinners: usize,
    /// The threads of another process in the same session that compute forever.
    pub(crate) foreign: usize,
    /// The victim's threads that allocate and free forever.
    pub(crate) allocators: usize,
    /// The cleanup blocks every thread of the victim's runtime.
    pub(crate) blocks_workers: bool,
    /// The victim's memory, every page of it touched.
    pub(crate) memory: Memory,
    /// From the beginning of the shutdown to the deadline. Longer for loads under which a thread
    /// can wait a tenth of a second for a processor.
    pub(crate) grace: Duration,
}

/// An amount of memory, and the kind of its pages.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Memory {
    /// Bytes, in pages of the usual size.
    Small(u64),
    /// Bytes, in huge pages.
    Huge(u64),
}

impl Memory {
    pub(crate) fn bytes(self) -> u64 {
        match self {
            Self::Small(bytes) | Self::Huge(bytes) => bytes,
        }
    }
}

const SHORT: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_millis(300);
const SECOND: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(3);

pub(crate) const IDLE: Condition = Condition {
    name: "idle",
    spinners: 0,
    foreign: 0,
    allocators: 0,
    blocks_workers: false,
    memory: Memory::Small(0),
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

/// For rows with a hang report, which is due a tenth of the grace before the deadline.
pub(crate) const REPORT: Condition = Condition {
    name: "a report is due",
    grace: LONG,
    ..IDLE
};

const MIB_10: Condition = with_memory("10 MiB", Memory::Small(10 << 20), SHORT);
const GIB_1: Condition = with_memory("1 GiB", Memory::Small(1 << 30), LONG);
const GIB_4: Condition = with_memory("4 GiB", Memory::Small(4 << 30), SECOND);
const GIB_12: Condition = with_memory("12 GiB", Memory::Small(12 << 30), LONGEST);
const GIB_4_HUGE: Condition = with_memory("4 GiB in huge pages", Memory::Huge(4 << 30), SECOND);

/// The grace is several times what the process takes to release its memory, also if its pages
/// count as small ones, as they do until the kernel has looked at them.
const fn with_memory(name: &'static str, memory: Memory, grace: Duration) -> Condition {
    Condition {
        name,
        memory,
        grace,
        ..IDLE
    }
}

/// The conditions of the short picture.
pub(crate) const FEW: [&Condition; 4] = [&IDLE, &SPINNERS_64, &FOREIGN_64, &BLOCKED];

/// All conditions, in the order of the tables.
pub(crate) const ALL: [&Condition; 12] = [
    &IDLE,
    &SPINNERS_2,
    &SPINNERS_64,
    &FOREIGN_64,
    &ALLOCATION,
    &BLOCKED,
    &REPORT,
    &MIB_10,
    &GIB_1,
    &GIB_4,
    &GIB_12,
    &GIB_4_HUGE,
];

impl Condition {
    /// Returns `true` if the condition is in the table of ends.
    pub(crate) fn is_of_ends(&self) -> bool {
        !self.is_of_memory() && *self != REPORT
    }

    pub(crate) fn is_of_memory(&self) -> bool {
        self.memory.bytes() > 0
    }

    pub(crate) fn named(name: &str) -> Option<&'static Self> {
        ALL.into_iter().find(|condition| condition.name == name)
    }

    /// Starts the threads of this process, and waits until each has run.
    pub(crate) fn start(&self) {
        match self.memory {
            Memory::Small(0) => {}
            Memory::Small(bytes) => take(bytes as usize, libc::MADV_NOHUGEPAGE),
            Memory::Huge(bytes) => take(bytes as usize, libc::MADV_HUGEPAGE),
        }
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

/// Blocks every worker of a runtime forever, with what looks like a task. Returns at once.
pub(crate) fn block_workers(runtime: &Handle) {
    // Twice as many as there are workers: one may take two off the queue.
    for _ in 0..2 * runtime.metrics().num_workers() {
        runtime.spawn(async { park() });
    }
}

/// Waits forever.
pub(crate) fn park() -> ! {
    loop {
        thread::park();
    }
}

/// Computes forever.
pub(crate) fn spin() -> ! {
    loop {
        hint::black_box(());
    }
}

/// Allocates 16 MiB in blocks of many sizes, touches every page, frees them, and repeats.
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
