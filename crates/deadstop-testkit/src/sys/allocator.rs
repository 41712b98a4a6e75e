//! An allocator whose lock can be held for good.
//!
//! # Orderings
//!
//! The flags carry no data. The allocator is called too often for more than a
//! plain load: a thread that sees late that the lock is held hangs at its next
//! call.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

/// Set once a [`StuckAllocator`] was called.
static IN_USE: AtomicBool = AtomicBool::new(false);

static HELD: AtomicBool = AtomicBool::new(false);

/// An allocator that [`Fault::AllocatorLock`](crate::Fault::AllocatorLock) can
/// hang. Until then it forwards to the allocator that it wraps.
///
/// It reproduces a thread that is stopped inside `malloc` for good: every thread
/// that allocates or frees from then on hangs. That cannot be caused reliably
/// from outside the allocator, so a program that tests this fault wraps its
/// allocator. Memory that C code allocates does not go through it.
///
/// # Examples
///
/// ```
/// use deadstop_testkit::StuckAllocator;
///
/// #[global_allocator]
/// static ALLOCATOR: StuckAllocator = StuckAllocator::system();
/// # fn main() {}
/// ```
#[derive(Debug)]
pub struct StuckAllocator<A = System>(A);

impl StuckAllocator {
    /// Wraps the system's allocator.
    pub const fn system() -> Self {
        Self(System)
    }
}

impl<A> StuckAllocator<A> {
    /// Wraps `allocator`.
    pub const fn around(allocator: A) -> Self {
        Self(allocator)
    }
}

/// Returns `true` if the program's allocator is a [`StuckAllocator`]: a program that calls this
/// has allocated before.
pub(crate) fn is_in_use() -> bool {
    IN_USE.load(Ordering::Relaxed)
}

/// Makes every thread that allocates or frees from now on hang.
pub(crate) fn hold_lock() {
    HELD.store(true, Ordering::SeqCst);
}

/// Returns, or hangs if the lock is held. Allocates nothing.
#[inline]
fn take_lock() {
    if HELD.load(Ordering::Relaxed) {
        hang_forever();
    }
    if !IN_USE.load(Ordering::Relaxed) {
        IN_USE.store(true, Ordering::Relaxed);
    }
}

#[cold]
fn hang_forever() -> ! {
    loop {
        thread::sleep(Duration::from_secs(86_400));
    }
}

// SAFETY: every method forwards to the wrapped allocator, which keeps the
// contract of the trait. Hanging first does not break it.
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
