//! The order of tasks in a report.

use core::ffi::c_int;

use crate::roster::{Polls, Roster, TaskBuffer, TaskReading, TaskStatus};
use crate::sys::Nanos;

impl Roster {
    /// Calls `each` with every task that has not returned, the culprits first:
    /// those that were abandoned, and then those that have run longest.
    pub(crate) fn each_unfinished(&self, mut each: impl FnMut(&TaskReading<'_>)) {
        let rank = |status: TaskStatus| {
            status
                .is_unfinished()
                .then_some(status != TaskStatus::Abandoned)
        };
        self.in_order(rank, &mut each);
    }

    /// Calls `each` with every task that has not returned: first those that the coordinator
    /// waits for, and then those that were abandoned; the oldest first.
    pub(crate) fn each_unfinished_abandoned_last(&self, mut each: impl FnMut(&TaskReading<'_>)) {
        let rank = |status: TaskStatus| {
            status
                .is_unfinished()
                .then_some(status == TaskStatus::Abandoned)
        };
        self.in_order(rank, &mut each);
    }

    /// Calls `each` with every task that is over and was kept for the record,
    /// in the order in which they began.
    pub(crate) fn each_finished(&self, mut each: impl FnMut(&TaskReading<'_>)) {
        let rank = |status: TaskStatus| (!status.is_unfinished()).then_some(false);
        self.in_order(rank, &mut each);
    }

    /// Calls `each` with every heartbeat that is late.
    pub(crate) fn each_stall(&self, mut each: impl FnMut(&TaskReading<'_>)) {
        self.visit_stalls(&mut each);
    }

    #[inline(never)] // Once for all callers, as `in_order`.
    fn visit_stalls(&self, each: &mut dyn FnMut(&TaskReading<'_>)) {
        let mut buffer = TaskBuffer::new();
        for slot in self.stalls.slots() {
            if let Some(stall) = slot.read(&mut buffer) {
                each(&stall);
            }
        }
    }

    /// Copies the threads of the tasks that have not returned into `into`, in the order of
    /// the report, as many as it has room for. Returns how many.
    pub fn hung_threads(&self, into: &mut [c_int]) -> usize {
        let mut len = 0_usize;
        self.each_unfinished(|task| {
            if let Some(slot) = into.get_mut(len).filter(|_| task.tid > 0) {
                *slot = task.tid;
                len = len.saturating_add(1);
            }
        });
        len
    }

    /// Copies the threads that poll the future of a task which has not returned into
    /// `into`, as many as it has room for. Returns how many.
    pub fn pollers(&self, into: &mut [c_int]) -> usize {
        let mut len = 0_usize;
        self.each_unfinished(|task| {
            if let Polls::Last {
                tid,
                is_polled: true,
                ..
            } = task.polls
            {
                if let Some(slot) = into.get_mut(len) {
                    *slot = tid;
                    len = len.saturating_add(1);
                }
            }
        });
        len
    }

    /// Calls `each` with the tasks that have a rank, in the order of their
    /// ranks and then of their starts.
    #[inline(never)] // A report goes through the tasks in 14 places, 1 KB each.
    fn in_order(
        &self,
        rank: fn(TaskStatus) -> Option<bool>,
        each: &mut dyn FnMut(&TaskReading<'_>),
    ) {
        let mut buffer = TaskBuffer::new();
        let mut last = None;
        loop {
            // The next one after the last: a table of 64 is walked 64 times at
            // most, and nothing need be kept or sorted.
            let mut next: Option<(bool, Nanos, usize)> = None;
            for (index, slot) in self.running.slots().enumerate() {
                let Some((status, started)) = slot.peek() else {
                    continue;
                };
                let Some(rank) = rank(status) else {
                    continue;
                };
                let key = (rank, started, index);
                let is_after_last = last.is_none_or(|last| key > last);
                if is_after_last && next.is_none_or(|next| key < next) {
                    next = Some(key);
                }
            }
            let Some(key) = next else {
                return;
            };
            last = next;
            let slot = self.running.slots().nth(key.2);
            // It may have ended meanwhile, or be another task's.
            let task = slot.and_then(|slot| slot.read(&mut buffer));
            if let Some(task) = task.filter(|task| rank(task.status).is_some()) {
                each(&task);
            }
        }
    }
}

/// Calls `found` with the task that is on thread `tid` and has not returned.
pub(crate) fn task_of(
    roster: &Roster,
    tid: c_int,
    buffer: &mut TaskBuffer,
    found: impl FnOnce(&TaskReading<'_>),
) {
    for slot in roster.running.slots() {
        let is_on = slot
            .peek()
            .is_some_and(|(status, _)| status.is_unfinished());
        if !is_on || slot.thread() != tid {
            continue;
        }
        if let Some(task) = slot.read(buffer) {
            found(&task);
            return;
        }
    }
}
