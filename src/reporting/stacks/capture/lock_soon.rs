//! The reporter's way to take a lock: it must not wait, but the other thread may be about to
//! release it.

use std::thread;

use crate::lock::{Mutex, MutexGuard};

/// The number of tries. The lock is free at the second one, unless the thread that has it
/// lost its processor.
const TRIES: u32 = 100;

/// Takes a lock that another thread never has for longer than it takes to write a name or
/// exchange a value. `None` if it has it for longer.
pub(super) fn lock_soon<T>(lock: &Mutex<T>) -> Option<MutexGuard<'_, T>> {
    for _ in 0..TRIES {
        if let Some(guard) = lock.try_lock() {
            return Some(guard);
        }
        thread::yield_now();
    }
    None
}
