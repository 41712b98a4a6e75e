//! Model of the kernel.

use std::ffi::c_int;
use std::sync::OnceLock;
use std::time::Duration;

use crate::lazy::{Mutex, Ordering};

#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(crate) struct Nanos(pub(crate) u64);

impl Nanos {
    pub(crate) fn saturating_add(self, length: Duration) -> Self {
        Self(self.0.saturating_add(length.as_nanos() as u64))
    }

    pub(crate) fn saturating_sub(self, length: Duration) -> Self {
        Self(self.0.saturating_sub(length.as_nanos() as u64))
    }

    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

/// A count, and the queue of waiting threads, which the kernel locks while it reads the count.
/// A wait ends by a wake-up only, so that a lost one is found.
pub(crate) struct EventCount {
    count: crate::lazy::AtomicU32,
    queue: OnceLock<Queue>,
}

impl std::fmt::Debug for EventCount {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("EventCount")
    }
}

struct Queue {
    lock: loom::sync::Mutex<()>,
    woken: loom::sync::Condvar,
}

impl EventCount {
    pub(crate) const fn new() -> Self {
        Self {
            count: crate::lazy::AtomicU32::new(0),
            queue: OnceLock::new(),
        }
    }

    pub(crate) fn read(&self) -> u32 {
        self.queue();
        self.count.load(Ordering::Acquire)
    }

    pub(crate) fn advance(&self) {
        self.count.fetch_add(1, Ordering::Release);
        let queue = self.queue();
        drop(queue.lock.lock().expect("not poisoned"));
        queue.woken.notify_all();
    }

    pub(crate) fn wait_past(&self, seen: u32, until: Option<Nanos>) {
        assert!(until.is_none(), "no clock runs here");
        let queue = self.queue();
        let locked = queue.lock.lock().expect("not poisoned");
        if self.count.load(Ordering::Relaxed) == seen {
            // A spurious wake-up is possible; the waiter looks again.
            drop(queue.woken.wait(locked).expect("not poisoned"));
        }
    }

    fn queue(&self) -> &Queue {
        self.queue.get_or_init(|| Queue {
            lock: loom::sync::Mutex::new(()),
            woken: loom::sync::Condvar::new(),
        })
    }
}

loom::lazy_static! {
    /// The kernel's side of the timer, of which each model has one.
    pub(super) static ref TIMER: Kernel = Kernel(Mutex::new(None));
}

/// The kernel sets a timer under a lock.
pub(super) struct Kernel(Mutex<Option<Nanos>>);

impl Kernel {
    pub(super) fn set_to(&self) -> Option<Nanos> {
        *self.0.lock()
    }
}

#[derive(Debug)]
pub(super) struct Timer;

#[derive(Clone, Copy)]
pub(super) enum Target {
    Process,
    Thread { signal: c_int, tid: c_int },
}

impl Target {
    pub(super) fn free_signal(_handler: extern "C" fn(c_int)) -> Option<c_int> {
        None
    }
}

impl Timer {
    pub(super) const fn absent() -> Self {
        Self
    }

    pub(super) fn is_present(&self) -> bool {
        true
    }

    pub(super) fn create(&self, _target: Target) -> Result<(), c_int> {
        Ok(())
    }

    pub(super) fn reset_after_fork(&self) {}

    pub(super) fn set(&self, at: Nanos) {
        *TIMER.0.lock() = Some(at);
    }
}

#[derive(Clone, Copy)]
pub(super) struct SignalSet;

impl SignalSet {
    pub(super) const EMPTY: Self = Self;

    pub(super) fn with(self, _signal: c_int) -> Self {
        self
    }
}

loom::lazy_static! {
    /// The children that were killed, and those that were reaped before.
    pub(super) static ref KILLS: Kills = Kills(Mutex::new(Vec::new()));
}

/// The events of child processes, in order.
pub(super) struct Kills(Mutex<Vec<ChildEvent>>);

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum ChildEvent {
    Killed { pid: c_int, pidfd: Option<c_int> },
    Reaped { pid: c_int },
}

impl Kills {
    pub(super) fn note(&self, event: ChildEvent) {
        self.0.lock().push(event);
    }

    pub(super) fn all(&self) -> Vec<ChildEvent> {
        self.0.lock().clone()
    }
}

#[derive(Clone, Copy)]
pub(super) struct KillTarget {
    pub(super) pid: c_int,
    pub(super) pidfd: Option<c_int>,
    pub(super) inode: u64,
    pub(super) kills_group: bool,
}

impl KillTarget {
    pub(super) fn kill(self) {
        let Self { pid, pidfd, .. } = self;
        KILLS.note(ChildEvent::Killed { pid, pidfd });
    }
}

pub(super) fn inode_of(_descriptor: c_int) -> u64 {
    0
}

pub(super) fn yield_now() {
    loom::thread::yield_now();
}
