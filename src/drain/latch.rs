//! A one-shot event that threads and futures wait for.
//!
//! ```text
//! clear ──set──▶ set
//! ```
//!
//! # Orderings
//!
//! `is_set` is stored with `Release` and read with `Acquire`: what the setter wrote
//! before is visible to a waiter. A future stores its waker under the lock and then
//! looks again; the setter stores first and then takes the wakers under the same
//! lock, so that one of the two sees the other.

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Waker};

use deadstop_core::{EventCount, Nanos, now};

use crate::contain::contain;
use crate::lock::Mutex;

/// A one-shot event that threads and futures wait for.
pub(crate) struct Latch {
    is_set: AtomicBool,
    changes: EventCount,
    wakers: Mutex<Wakers>,
}

#[derive(Default)]
struct Wakers {
    next: u64,
    waiting: HashMap<u64, Waker>,
}

impl Latch {
    pub(crate) fn new() -> Self {
        Self {
            is_set: AtomicBool::new(false),
            changes: EventCount::new(),
            wakers: Mutex::new(Wakers::default()),
        }
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }

    /// Sets the latch and wakes every waiter. Returns whether it was clear.
    pub(crate) fn set(&self) -> bool {
        let first = !self.is_set.swap(true, Ordering::AcqRel);
        if first {
            self.changes.advance();
            // A waker is the application's code: no lock is held while it runs.
            let waiting = std::mem::take(&mut self.wakers.lock().waiting);
            for waker in waiting.into_values() {
                // A waker that panics must not cost the others theirs.
                let _ = contain(|| waker.wake());
            }
        }
        first
    }

    /// Blocks the thread until the latch is set or the clock reads `until`. Returns
    /// whether the latch is set.
    pub(crate) fn wait(&self, until: Option<Nanos>) -> bool {
        loop {
            let seen = self.changes.read();
            if self.is_set() {
                return true;
            }
            if until.is_some_and(|until| until <= now()) {
                return false;
            }
            self.changes.wait_past(seen, until);
        }
    }

    /// Polls the latch for the future whose registration is `key`.
    pub(crate) fn poll(&self, key: &mut Option<u64>, context: &Context<'_>) -> Poll<()> {
        if self.is_set() {
            return Poll::Ready(());
        }
        // Cloning and dropping a waker runs the application's code: not under the lock.
        let waker = context.waker().clone();
        let replaced = {
            let mut wakers = self.wakers.lock();
            let key = *key.get_or_insert_with(|| {
                wakers.next += 1;
                wakers.next
            });
            wakers.waiting.insert(key, waker)
        };
        drop(replaced);
        if self.is_set() {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }

    /// Removes the registration of a future that is dropped.
    pub(crate) fn forget(&self, key: Option<u64>) {
        let waker = key.and_then(|key| self.wakers.lock().waiting.remove(&key));
        drop(waker);
    }
}

impl Default for Latch {
    fn default() -> Self {
        Self::new()
    }
}

/// A future that resolves when a latch is set.
pub(crate) struct WaitLatch<L: AsRef<Latch>> {
    latch: L,
    key: Option<u64>,
}

impl<L: AsRef<Latch>> WaitLatch<L> {
    pub(crate) const fn new(latch: L) -> Self {
        Self { latch, key: None }
    }

    pub(crate) fn latch(&self) -> &Latch {
        self.latch.as_ref()
    }
}

impl<L: AsRef<Latch> + Unpin> Future for WaitLatch<L> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        this.latch.as_ref().poll(&mut this.key, context)
    }
}

impl<L: AsRef<Latch>> Drop for WaitLatch<L> {
    fn drop(&mut self) {
        self.latch.as_ref().forget(self.key);
    }
}

impl AsRef<Self> for Latch {
    fn as_ref(&self) -> &Self {
        self
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use super::*;

    #[test]
    fn thread_that_waits_is_woken_by_set() {
        let latch = Arc::new(Latch::new());
        let waits = Arc::clone(&latch);
        let waiter = std::thread::spawn(move || waits.wait(None));
        assert!(latch.set());
        assert!(!latch.set());
        assert!(waiter.join().expect("the waiter returns"));
    }

    #[test]
    fn wait_returns_false_when_its_time_is_over() {
        let until = now().saturating_add(Duration::from_millis(5));
        assert!(!Latch::new().wait(Some(until)));
        assert!(now() >= until);
    }

    #[test]
    fn panicking_waker_does_not_affect_other_wakers() {
        struct Panics;
        impl std::task::Wake for Panics {
            fn wake(self: Arc<Self>) {
                panic!("a waker panics");
            }
        }
        let latch = Arc::new(Latch::new());
        let panics = Waker::from(Arc::new(Panics));
        let mut keys = [None; 8];
        for key in &mut keys {
            assert!(latch.poll(key, &Context::from_waker(&panics)).is_pending());
        }
        let sets = Arc::clone(&latch);
        let setter = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(50));
            sets.set()
        });
        futures::executor::block_on(WaitLatch::new(latch));
        assert!(setter.join().expect("it does not panic"));
    }

    #[test]
    fn future_is_woken_and_dropped_future_leaves_no_waker() {
        let latch = Arc::new(Latch::new());
        let dropped = WaitLatch::new(Arc::clone(&latch));
        let mut dropped = Box::pin(dropped);
        let mut context = Context::from_waker(Waker::noop());
        assert!(dropped.as_mut().poll(&mut context).is_pending());
        drop(dropped);
        assert!(latch.wakers.lock().waiting.is_empty());
        let sets = Arc::clone(&latch);
        let setter = std::thread::spawn(move || sets.set());
        futures::executor::block_on(WaitLatch::new(latch));
        assert!(setter.join().expect("the setter returns"));
    }
}
