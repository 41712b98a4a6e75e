//! A lock and a condition: std's, without poisoning.
//!
//! `parking_lot`'s would be smaller, and keep the threads that wait in one table of the
//! process. A child of `fork` inherits that table: its own threads get the stacks of the
//! threads in it, and lists in it become circles.

use std::sync::{PoisonError, TryLockError};
use std::thread;
use std::time::{Duration, Instant};

pub(crate) use std::sync::MutexGuard;

/// A wait that is long enough if the thread with the lock is about to release it, also if that
/// thread has lost its processor.
#[cfg(feature = "stacks")]
pub(crate) const SHORT_WAIT: Duration = Duration::from_millis(5);

/// A lock. A thread that panics while it has the lock leaves the value as it is.
#[derive(Debug, Default)]
pub(crate) struct Mutex<T>(std::sync::Mutex<T>);

impl<T> Mutex<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(std::sync::Mutex::new(value))
    }

    #[inline]
    pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `None` if another thread has the lock.
    pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
        match self.0.try_lock() {
            Ok(guard) => Some(guard),
            Err(TryLockError::Poisoned(error)) => Some(error.into_inner()),
            Err(TryLockError::WouldBlock) => None,
        }
    }

    /// Returns `None` if other threads have the lock for all of `time`.
    pub(crate) fn try_lock_within(&self, time: Duration) -> Option<MutexGuard<'_, T>> {
        let begun = Instant::now();
        loop {
            let locked = self.try_lock();
            if locked.is_some() || begun.elapsed() >= time {
                return locked;
            }
            thread::yield_now();
        }
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A condition that threads wait for.
#[derive(Debug, Default)]
pub(crate) struct Condvar(std::sync::Condvar);

impl Condvar {
    pub(crate) const fn new() -> Self {
        Self(std::sync::Condvar::new())
    }

    /// Waits for a notification. May return without one.
    pub(crate) fn wait<'a, T>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        self.0.wait(guard).unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for a notification until `until`. May return before either. Returns whether the
    /// time is over.
    pub(crate) fn wait_until<'a, T>(
        &self,
        guard: MutexGuard<'a, T>,
        until: Instant,
    ) -> (MutexGuard<'a, T>, bool) {
        let left = until.saturating_duration_since(Instant::now());
        let waited = self.0.wait_timeout(guard, left);
        let (guard, end) = waited.unwrap_or_else(PoisonError::into_inner);
        (guard, end.timed_out())
    }

    pub(crate) fn notify_one(&self) {
        self.0.notify_one();
    }

    pub(crate) fn notify_all(&self) {
        self.0.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lock_that_is_released_in_time_is_taken() {
        let lock = Mutex::new(1);
        thread::scope(|scope| {
            let held = lock.lock();
            let taken = scope.spawn(|| {
                let value = lock.try_lock_within(Duration::from_secs(60));
                value.map(|value| *value)
            });
            thread::sleep(Duration::from_millis(20));
            drop(held);
            assert_eq!(taken.join().ok(), Some(Some(1)));
        });
    }

    #[test]
    fn lock_that_is_kept_is_not_taken() {
        let lock = Mutex::new(());
        let _held = lock.lock();
        let begun = Instant::now();
        assert!(lock.try_lock_within(Duration::from_millis(20)).is_none());
        assert!(begun.elapsed() >= Duration::from_millis(20));
    }
}
