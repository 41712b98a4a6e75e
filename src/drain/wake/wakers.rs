//! Ready-made wakers for [`Shutdown::waker`](crate::Shutdown::waker).
//!
//! | blocked in | waker |
//! | --- | --- |
//! | `accept`, `read` or `write` on a socket, UDP's `recv` | [`socket`] |
//! | `read` on a pipe, `poll` with one | [`pipe`] |
//! | `poll` or `epoll_wait` with an eventfd, `mio` | [`eventfd`] |
//! | a channel's `recv` | [`dropping`] the last sender |
//! | `Condvar::wait` | [`condvar`] |
//! | `thread::park` | [`parked`] |
//!
//! No waker can wake a thread that waits for a mutex, for a `join`, for standard input, or in a
//! C library that has no call to wake it. There is no waker that sends a signal to the thread:
//! a signal that arrives just before the blocking call is lost, and the kernel restarts most
//! calls.

use std::sync::{Arc, Condvar, Mutex};
use std::thread::Thread;

#[cfg(unix)]
pub use super::descriptor_wakers::{eventfd, pipe, socket};

/// A callback that unblocks a thread.
pub type Wake = Box<dyn Fn() + Send + Sync>;

/// Returns a waker that drops a value: the last sender of a channel, so that its receivers
/// see it disconnected.
pub fn dropping<T: Send + 'static>(value: T) -> impl Fn() + Send + Sync {
    let value = Mutex::new(Some(value));
    move || {
        let taken = value.lock().map_or(None, |mut value| value.take());
        drop(taken);
    }
}

/// Returns a waker that sets the flag under its lock and notifies every waiter.
///
/// The flag and the condition variable are `std`'s; the waiting thread must check the flag
/// before each wait.
pub fn condvar(pair: Arc<(Mutex<bool>, Condvar)>) -> impl Fn() + Send + Sync {
    move || {
        let (flag, waiters) = &*pair;
        *flag
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner) = true;
        waiters.notify_all();
    }
}

/// Returns a waker that unparks a thread. A wake-up before `park` is not lost.
pub fn parked(thread: Thread) -> impl Fn() + Send + Sync {
    move || thread.unpark()
}
