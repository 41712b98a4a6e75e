//! A sticky wake-up for a loop of the application's.

use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use deadstop_core::{EventCount, now};

const CLEAR: u32 = 0;
const WOKEN: u32 = 1;
const DISABLED: u32 = 2;

/// A wake-up that is not lost: if it comes before the wait, the next wait returns at once and
/// consumes it. A Kafka consumer's `wakeup` behaves the same.
///
/// [Signal handlers and children of `fork`](crate::guide::calls).
///
/// # Examples
///
/// ```
/// use std::sync::Arc;
/// use std::time::Duration;
/// use deadstop::drain::Wakeup;
///
/// let wakeup = Arc::new(Wakeup::new());
/// wakeup.wake();
/// wakeup.wake();
/// assert!(wakeup.wait_timeout(Duration::ZERO)); // consumed
/// assert!(!wakeup.wait_timeout(Duration::ZERO));
/// ```
pub struct Wakeup {
    state: AtomicU32,
    changes: EventCount,
}

impl Wakeup {
    /// Creates a value without a pending wake-up.
    pub const fn new() -> Self {
        Self {
            state: AtomicU32::new(CLEAR),
            changes: EventCount::new(),
        }
    }

    /// Wakes the waiting thread, or the next thread that waits. Never blocks.
    ///
    /// Async-signal-safe.
    pub fn wake(&self) {
        let woken = self
            .state
            .compare_exchange(CLEAR, WOKEN, Ordering::AcqRel, Ordering::Acquire);
        if woken.is_ok() {
            self.changes.advance();
        }
    }

    /// Consumes a wake-up. Returns `true` if there was one.
    pub fn take(&self) -> bool {
        self.state
            .compare_exchange(WOKEN, CLEAR, Ordering::AcqRel, Ordering::Acquire)
            .is_ok()
    }

    /// Blocks the thread until there is a wake-up, and consumes it, or until `timeout` is over.
    /// Returns `true` if there was one.
    pub fn wait_timeout(&self, timeout: Duration) -> bool {
        let until = now().saturating_add(timeout);
        loop {
            let seen = self.changes.read();
            if self.take() {
                return true;
            }
            if now() >= until {
                return false;
            }
            self.changes.wait_past(seen, Some(until));
        }
    }

    /// Ignores later wake-ups, and drops a pending one. Use it before closing a client.
    pub fn disable(&self) {
        self.state.store(DISABLED, Ordering::Release);
    }
}

impl Default for Wakeup {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Wakeup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match self.state.load(Ordering::Acquire) {
            CLEAR => "clear",
            WOKEN => "woken",
            _ => "disabled",
        };
        f.debug_tuple("Wakeup").field(&state).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;

    /// Only bounds a failing run.
    const PATIENCE: Duration = Duration::from_secs(30);

    #[test]
    fn no_wake_up_is_lost_before_during_and_after_the_wait() {
        let wakeup = Arc::new(Wakeup::new());
        let back = Arc::new(Wakeup::new());
        let (waits, answers) = (Arc::clone(&wakeup), Arc::clone(&back));
        let waiter = std::thread::spawn(move || {
            for _ in 0..10_000 {
                assert!(waits.wait_timeout(PATIENCE));
                answers.wake();
            }
        });
        for _ in 0..10_000 {
            wakeup.wake();
            assert!(back.wait_timeout(PATIENCE));
        }
        waiter.join().expect("it was woken each time");
    }

    #[test]
    fn disabled_wake_up_wakes_no_wait() {
        let wakeup = Wakeup::new();
        wakeup.wake();
        wakeup.disable();
        wakeup.wake();
        assert!(!wakeup.wait_timeout(Duration::from_millis(1)));
    }
}
