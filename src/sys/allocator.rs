//! An allocator whose lock can be taken and never given back.
//!
//! # Orderings
//!
//! Flags, with which nothing is passed on. The allocator is asked too often for more
//! than a plain load: a thread that sees late that the lock is held is stuck at the
//! next time.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Whether a [`StuckAllocator`] was ever asked for anything.
static IN_USE: AtomicBool = AtomicBool::new(false);

static HELD: AtomicBool = AtomicBool::new(false);

/// An allocator that [`Fault::AllocatorLock`](crate::fault::Fault::AllocatorLock)
/// can hang; until then it is the one it wraps.
///
/// What a stuck allocator does to a process is what a thread does to it that is
/// interrupted in the middle of `malloc` and never goes on: whoever allocates or
/// frees from then on waits for ever. That cannot be brought about from outside
/// the allocator and be sure to work: which lock is held, and whose, is a matter
/// of luck. So a program that wants the fault tried lets this stand in front of
/// its allocator. Memory that C code asks for by itself does not come past it.
///
/// # Examples
///
/// ```
/// use deadstop::fault::StuckAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: StuckAllocator = StuckAllocator::system();
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct StuckAllocator<A = System>(A);

impl StuckAllocator {
    /// In front of the system's allocator.
    pub const fn system() -> Self {
        Self(System)
    }
}

impl<A> StuckAllocator<A> {
    /// In front of `allocator`.
    pub const fn around(allocator: A) -> Self {
        Self(allocator)
    }
}

/// Whether the program's allocator is one: it cannot have come this far without
/// allocating.
pub(crate) fn is_in_use() -> bool {
    IN_USE.load(Ordering::Relaxed)
}

/// From here on, whoever allocates or frees waits for ever.
pub(crate) fn hold_lock() {
    HELD.store(true, Ordering::SeqCst);
}

/// Passes, or never does. It takes no memory either way.
#[inline]
fn take_lock() {
    if HELD.load(Ordering::Relaxed) {
        wait_for_ever();
    }
    if !IN_USE.load(Ordering::Relaxed) {
        IN_USE.store(true, Ordering::Relaxed);
    }
}

#[cold]
fn wait_for_ever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(86_400));
    }
}

// SAFETY: all of it is the wrapped allocator, which keeps the contract of the
// trait. Waiting first changes nothing.
unsafe impl<A: GlobalAlloc> GlobalAlloc for StuckAllocator<A> {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        take_lock();
        // SAFETY: this function's contract is the same.
        unsafe { self.0.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        take_lock();
        // SAFETY: this function's contract is the same, and every block is from
        // the wrapped allocator.
        unsafe { self.0.dealloc(block, layout) };
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        take_lock();
        // SAFETY: this function's contract is the same.
        unsafe { self.0.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        take_lock();
        // SAFETY: this function's contract is the same, and every block is from
        // the wrapped allocator.
        unsafe { self.0.realloc(block, layout, size) }
    }
}
