//! The calling thread's kernel id, read once per thread.

use std::cell::Cell;

thread_local! {
    static TID: Cell<i32> = const { Cell::new(0) };
}

/// Returns the calling thread's kernel id. The first call of a thread makes a system
/// call; the others read a thread-local variable.
pub(crate) fn current() -> i32 {
    let cached = TID.try_with(Cell::get).unwrap_or(0);
    if cached != 0 {
        return cached;
    }
    let tid = deadstop_core::tid();
    // Fails in a thread that is being destroyed.
    let _ = TID.try_with(|cache| cache.set(tid));
    tid
}
