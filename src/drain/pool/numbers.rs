//! The numbers of each pool, for the metrics: copies in atomics, since a reader of the
//! metrics must not wait for the lock of a pool.
//!
//! # Orderings
//!
//! Relaxed: each number is of its own, and a reader may see one earlier than another.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::handover::Observe;
use super::machine::Machine;
use crate::drain::listed::List;

/// The pools of this process.
static POOLS: List<Numbers> = List::empty();

/// The numbers of a pool at one moment.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PoolNumbers {
    pub(crate) name: &'static str,
    pub(crate) threads: u64,
    pub(crate) running: u64,
    pub(crate) queued: u64,
    /// Jobs that are over, by what became of them.
    pub(crate) outcomes: [(&'static str, u64); 4],
}

/// The copies of a pool's numbers.
#[derive(Default)]
pub(super) struct Numbers {
    name: Box<str>,
    is_gone: AtomicBool,
    threads: AtomicU64,
    running: AtomicU64,
    queued: AtomicU64,
    completed: AtomicU64,
    panicked: AtomicU64,
    rejected: AtomicU64,
    dropped: AtomicU64,
}

impl Numbers {
    /// Lists a pool, in the place of one with its name that is gone.
    pub(super) fn list(name: &str) -> &'static Self {
        let gone = POOLS.iter().find(|numbers| {
            *numbers.name == *name && numbers.is_gone.swap(false, Ordering::AcqRel)
        });
        gone.unwrap_or_else(|| {
            let numbers = Box::leak(Box::new(Self {
                name: name.into(),
                ..Self::default()
            }));
            POOLS.add(numbers);
            numbers
        })
    }

    /// Takes the pool off the list.
    pub(super) fn remove(&self) {
        self.is_gone.store(true, Ordering::Release);
    }
}

impl<J> Observe<J> for &'static Numbers {
    /// Copies the numbers.
    fn observe(&self, machine: &Machine<J>) {
        let counts = &machine.counts;
        let set = |to: &AtomicU64, value: u64| to.store(value, Ordering::Relaxed);
        set(&self.threads, machine.alive() as u64);
        set(&self.running, machine.running() as u64);
        set(&self.queued, machine.queued().len() as u64);
        set(&self.completed, counts.completed);
        set(&self.panicked, counts.panicked);
        set(&self.rejected, counts.rejected);
        set(&self.dropped, counts.dropped);
    }
}

/// Returns the numbers of each pool. Allocates nothing and waits for no other thread.
pub(crate) fn pools() -> impl Iterator<Item = PoolNumbers> {
    let get = |word: &AtomicU64| word.load(Ordering::Relaxed);
    POOLS
        .iter()
        .filter(|numbers| !numbers.is_gone.load(Ordering::Acquire))
        .map(move |numbers| PoolNumbers {
            name: &numbers.name,
            threads: get(&numbers.threads),
            running: get(&numbers.running),
            queued: get(&numbers.queued),
            outcomes: [
                (
                    "done",
                    get(&numbers.completed).saturating_sub(get(&numbers.panicked)),
                ),
                ("panicked", get(&numbers.panicked)),
                ("rejected", get(&numbers.rejected)),
                ("dropped", get(&numbers.dropped)),
            ],
        })
}
