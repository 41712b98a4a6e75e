//! The pool whose job the calling thread runs.

use std::cell::Cell;

thread_local! {
    /// The pool's address, or zero.
    static POOL: Cell<usize> = const { Cell::new(0) };
}

/// Marks the thread as one of the pool at `address`.
pub(super) fn set(address: usize) {
    POOL.set(address);
}

/// Returns `true` if the thread runs a job of the pool at `address`.
pub(super) fn is(address: usize) -> bool {
    POOL.try_with(Cell::get).is_ok_and(|pool| pool == address)
}

/// Runs a job of the pool at `address`. A job of another pool may be under way on this thread.
pub(super) fn run<R>(address: usize, job: impl FnOnce() -> R) -> R {
    let outer = POOL.try_with(|pool| pool.replace(address)).ok();
    let result = job();
    if let Some(outer) = outer {
        POOL.set(outer);
    }
    result
}
