//! The numbers of each pool, for the metrics: copies in atomics, since a reader of the
//! metrics must not wait for a lock of a pool.
//!
//! # Orderings
//!
//! Relaxed: each number is of its own, and a reader may see one earlier than another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crossbeam_utils::CachePadded;

use super::machine::{Machine, RunQueue};
use crate::drain::listed::List;

/// The pools of this process. A name that is listed stays: a reader may be at it.
static POOLS: List<Arc<Numbers>> = List::empty();

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

/// The copies of a pool's numbers. Each lock has a cache line of its own for its own.
#[derive(Default)]
pub(super) struct Numbers {
    name: Box<str>,
    is_gone: AtomicBool,
    machine: CachePadded<OfMachine>,
    run_queue: CachePadded<OfRunQueue>,
}

/// Copied under the machine's lock.
#[derive(Default)]
struct OfMachine {
    threads: AtomicU64,
    accepted: AtomicU64,
    rejected: AtomicU64,
    dropped: AtomicU64,
    completed: AtomicU64,
    panicked: AtomicU64,
}

/// Copied under the run queue's lock.
#[derive(Default)]
struct OfRunQueue {
    taken: AtomicU64,
    ended: AtomicU64,
    completed: AtomicU64,
    panicked: AtomicU64,
}

impl Numbers {
    /// Lists a pool, in the place of one with its name that is gone, or in a free place. If
    /// there is neither, nothing of the pool is left once it is gone.
    pub(super) fn list(name: &str) -> Arc<Self> {
        let gone = POOLS.iter().find(|numbers| {
            *numbers.name == *name && numbers.is_gone.swap(false, Ordering::AcqRel)
        });
        gone.cloned().unwrap_or_else(|| {
            let numbers = Arc::new(Self {
                name: name.into(),
                ..Self::default()
            });
            if POOLS.has_place() {
                POOLS.add(Box::leak(Box::new(Arc::clone(&numbers))));
            }
            numbers
        })
    }

    /// Takes the pool off the list.
    pub(super) fn remove(&self) {
        self.is_gone.store(true, Ordering::Release);
    }

    pub(super) fn copy_machine<J>(&self, machine: &Machine<J>) {
        let (to, counts) = (&self.machine, &machine.counts);
        set(&to.threads, machine.alive() as u64);
        set(&to.accepted, machine.accepted());
        set(&to.rejected, counts.rejected);
        set(&to.dropped, counts.dropped);
        set(&to.completed, counts.caller_ran);
        set(&to.panicked, counts.caller_panicked);
    }

    pub(super) fn copy_run_queue<J>(&self, run_queue: &RunQueue<J>) {
        let (to, progress) = (&self.run_queue, run_queue.progress());
        set(&to.taken, progress.taken);
        set(&to.ended, progress.ended);
        set(&to.completed, run_queue.completed);
        set(&to.panicked, run_queue.panicked);
    }

    fn read(this: &'static Arc<Self>) -> PoolNumbers {
        let (machine, run_queue) = (&this.machine, &this.run_queue);
        // Smaller ones first: they only grow.
        let ended = get(&run_queue.ended);
        let taken = get(&run_queue.taken);
        let panicked = get(&machine.panicked) + get(&run_queue.panicked);
        let completed = get(&machine.completed) + get(&run_queue.completed);
        PoolNumbers {
            name: &this.name,
            threads: get(&machine.threads),
            running: taken.saturating_sub(ended),
            queued: get(&machine.accepted).saturating_sub(taken),
            outcomes: [
                ("done", completed.saturating_sub(panicked)),
                ("panicked", panicked),
                ("rejected", get(&machine.rejected)),
                ("dropped", get(&machine.dropped)),
            ],
        }
    }
}

fn get(word: &AtomicU64) -> u64 {
    word.load(Ordering::Relaxed)
}

fn set(to: &AtomicU64, value: u64) {
    to.store(value, Ordering::Relaxed);
}

/// Returns the numbers of each pool. Allocates nothing and waits for no other thread.
pub(crate) fn pools() -> impl Iterator<Item = PoolNumbers> {
    POOLS
        .iter()
        .filter(|numbers| !numbers.is_gone.load(Ordering::Acquire))
        .map(Numbers::read)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::drain::LISTED;

    /// As pools of tenants that come and go.
    #[test]
    fn pools_that_are_gone_leave_no_more_than_the_list_holds() {
        let left = (0..3 * LISTED).map(|number| {
            let numbers = Numbers::list(&format!("tenant {number}"));
            let left = Arc::downgrade(&numbers);
            numbers.remove();
            left
        });
        let left: Vec<_> = left.collect();
        let left = left.iter().filter(|numbers| numbers.strong_count() > 0);
        assert!(left.count() <= LISTED);
        let again = Numbers::list("tenant 0");
        assert!(!again.is_gone.load(Ordering::Relaxed));
        again.remove();
    }
}
