//! A fixed table of running, pending or finished tasks, or of stalled heartbeats.
//!
//! The coordinator and the tasks write it; the report is rendered from it. It is a table
//! of atomics because a report cannot take a lock that the stuck task may hold. A full
//! table drops entries and counts them.

use core::ffi::c_int;
use core::slice;
use core::time::Duration;

use super::slot::{Entry, Slot, SlotRef, key};
use super::task_status::TaskStatus;
use crate::atomic::{AtomicU32, Ordering};
use crate::sys::Nanos;

/// A finished task that took less is not kept: it delayed no other task.
const MIN_KEPT_LENGTH: Duration = Duration::from_millis(1);

/// Up to `N` tasks, and a count of the tasks without a slot.
#[derive(Debug)]
pub struct Table<const N: usize> {
    slots: [Slot; N],
    unlisted: AtomicU32,
}

impl<const N: usize> Table<N> {
    pub(super) const fn empty() -> Self {
        Self {
            slots: [const { Slot::empty() }; N],
            unlisted: AtomicU32::new(0),
        }
    }

    /// Adds a task. `None` if the table is full: the task is then only counted.
    pub fn add(&'static self, entry: &Entry<'_>) -> Option<SlotRef> {
        // Mostly the first slot is free: the loop is in line.
        let free = || {
            (0..)
                .zip(&self.slots)
                .find(|(_, slot)| slot.claim(Slot::is_free))
        };
        let over = || {
            (0..)
                .zip(&self.slots)
                .find(|(_, slot)| slot.claim(Slot::is_over))
        };
        match free().or_else(over) {
            Some((index, slot)) => Some(SlotRef {
                slot,
                listed: slot.fill(entry),
                index,
            }),
            None => {
                self.unlisted.fetch_add(1, Ordering::Relaxed);
                None
            }
        }
    }

    /// Writes to the first slot, and changes nothing. The memory of a static table is there only once
    /// it is written: a first task would otherwise wait for a page.
    pub fn touch(&self) {
        if let Some(slot) = self.slots.first() {
            slot.touch();
        }
    }

    /// Returns the reference whose [key](SlotRef::key) is `key`. `None` if there is no such
    /// slot.
    pub fn slot(&'static self, key: u64) -> Option<SlotRef> {
        let index = (key >> u32::BITS) as u32;
        Some(SlotRef {
            slot: self.slots.get(index as usize)?,
            listed: key as u32,
            index,
        })
    }

    /// Returns the maximum number of tasks in the table.
    pub const fn capacity(&self) -> usize {
        N
    }

    /// Counts `tasks` without listing them.
    pub fn count_unlisted(&self, tasks: usize) {
        self.unlisted.fetch_add(tasks as u32, Ordering::Relaxed);
    }

    /// Subtracts `tasks` from the count of unlisted ones.
    pub fn uncount_unlisted(&self, tasks: usize) {
        self.unlisted.fetch_sub(tasks as u32, Ordering::Relaxed);
    }

    /// Removes a task, or subtracts it from the count if it has no slot.
    pub fn remove(&self, task: Option<SlotRef>) {
        match task {
            Some(task) => task.slot.free(),
            None => {
                self.unlisted.fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// Records that a task has ended at `at`. The entry is kept for the report if
    /// the task failed or took at least 1 ms.
    pub fn finish(&self, task: Option<SlotRef>, at: Nanos, failed: bool) {
        match task {
            Some(task) if failed || at.since(task.slot.started()) >= MIN_KEPT_LENGTH => {
                task.slot.end(at, failed);
            }
            task => self.remove(task),
        }
    }

    pub(super) fn reset_after_fork(&self) {
        for slot in self.slots() {
            slot.reset_after_fork();
        }
        self.unlisted.store(0, Ordering::Relaxed);
    }

    /// Counts the tasks that have not returned: those that the coordinator waits for, and
    /// those that it has abandoned.
    pub fn count_unfinished(&self) -> (u32, u32) {
        let mut counts = (self.unlisted(), 0_u32);
        for (status, _) in self.slots.iter().filter_map(Slot::peek) {
            match status {
                TaskStatus::Running => counts.0 = counts.0.saturating_add(1),
                TaskStatus::Abandoned => counts.1 = counts.1.saturating_add(1),
                _ => {}
            }
        }
        counts
    }

    /// Returns the [key](SlotRef::key) and the thread of each entry that was not marked
    /// or finished; the thread is 0 if it has none. Allocates nothing and waits for no
    /// other thread.
    pub fn threads(&self) -> impl Iterator<Item = (u64, c_int)> {
        let indexed = (0..).zip(&self.slots);
        indexed.filter_map(|(index, slot)| {
            let (listed, tid) = slot.listed()?;
            Some((key(index, listed), tid))
        })
    }

    #[inline(never)] // A loop of a known length is unrolled: 1 KB in each of ten functions.
    pub(crate) fn slots(&self) -> slice::Iter<'_, Slot> {
        self.slots.iter()
    }

    pub(crate) fn unlisted(&self) -> u32 {
        self.unlisted.load(Ordering::Relaxed)
    }
}
