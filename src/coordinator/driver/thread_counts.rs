//! The number of task threads that have no work, and how many of them are woken.

/// Maximum number of idle threads to keep.
const MAX_IDLE_THREADS: usize = 8;

/// The counts of task threads that have no work.
#[derive(Default)]
pub(super) struct ThreadCounts {
    /// Threads without work, those that are about to run for the first time included.
    idle: usize,
    /// Idle threads that wait for work.
    waiting: usize,
    /// The waiting threads that were woken and have not taken the lock since.
    woken: usize,
    is_retired: bool,
}

impl ThreadCounts {
    pub(super) fn idle(&self) -> usize {
        self.idle
    }

    /// Counts a thread that has no work from here on.
    pub(super) fn add_idle(&mut self) {
        self.idle += 1;
    }

    /// Counts out a thread that has work from here on, or ends.
    pub(super) fn remove_idle(&mut self) {
        self.idle -= 1;
    }

    /// Returns `true` if an idle thread must end: there are too many, or no work comes any more.
    pub(super) fn must_end(&self) -> bool {
        self.is_retired || self.idle > MAX_IDLE_THREADS
    }

    /// Makes the threads end once they are idle.
    pub(super) fn retire(&mut self) {
        self.is_retired = true;
    }

    pub(super) fn is_retired(&self) -> bool {
        self.is_retired
    }

    /// Notes that an idle thread waits for work from here on.
    pub(super) fn begin_waiting(&mut self) {
        self.waiting += 1;
    }

    /// Notes that a thread waits no longer.
    pub(super) fn end_waiting(&mut self) {
        self.waiting -= 1;
        self.woken = self.woken.saturating_sub(1);
    }

    /// Returns `true` if the caller must wake one waiting thread: there is one, and none is on its
    /// way. That thread wakes the next if there is more work.
    pub(super) fn wakes_one(&mut self) -> bool {
        let wakes = self.woken == 0 && self.waiting > 0;
        self.woken += usize::from(wakes);
        wakes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waiting(threads: usize) -> ThreadCounts {
        let mut counts = ThreadCounts::default();
        for _ in 0..threads {
            counts.add_idle();
            counts.begin_waiting();
        }
        counts
    }

    #[test]
    fn one_waiting_thread_is_woken_at_a_time() {
        let mut counts = waiting(2);
        assert!(counts.wakes_one());
        assert!(!counts.wakes_one(), "one is on its way");
        counts.end_waiting();
        assert!(counts.wakes_one());
        counts.end_waiting();
        assert!(!counts.wakes_one(), "none waits");
    }

    #[test]
    fn idle_threads_above_the_maximum_end() {
        let mut counts = waiting(MAX_IDLE_THREADS);
        assert!(!counts.must_end());
        counts.add_idle();
        assert!(counts.must_end());
        counts.remove_idle();
        assert!(!counts.must_end());
    }

    #[test]
    fn retired_threads_end() {
        let mut counts = waiting(1);
        counts.retire();
        assert!(counts.must_end());
    }
}
