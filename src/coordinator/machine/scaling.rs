//! Decides when the coordinator starts more task threads.

use std::time::Duration;

use deadstop_core::Nanos;

/// The longest shortage of threads without progress before more are started:
/// one, and twice as many each time that there was still none. Tasks that return at
/// once cost no threads, and a thousand that block have theirs after ten steps.
pub(in crate::coordinator) const STARTUP_DELAY: Duration = Duration::from_micros(200);

/// The longest shortage of threads while there is progress: tasks that
/// wait briefly for a disk or a peer need not wait for one another.
const BUSY_DELAY: Duration = Duration::from_millis(5);

/// State that is kept from sample to sample.
pub(in crate::coordinator) struct ThreadScaling {
    phase: u64,
    settled: u64,
    /// The number of threads to start at the next shortage; 0 if the system refuses them.
    step: usize,
    /// The time at which the next are due.
    due: Nanos,
    /// Since when threads have been short, and how many to start for that.
    short_since: Option<Nanos>,
    busy_step: usize,
}

/// The decision of a sample.
#[derive(Debug, Default, Eq, PartialEq)]
pub(in crate::coordinator) struct Decision {
    /// Nothing has happened for a while: this phase takes longer.
    pub(in crate::coordinator) is_slow: bool,
    /// The number of threads to start.
    pub(in crate::coordinator) more: usize,
}

impl ThreadScaling {
    pub(in crate::coordinator) fn new(now: Nanos) -> Self {
        Self {
            phase: 0,
            settled: 0,
            step: 1,
            due: now.saturating_add(STARTUP_DELAY),
            short_since: None,
            busy_step: 1,
        }
    }

    /// Notes that the system refuses threads: no other is started before the next phase.
    pub(in crate::coordinator) fn mark_refused(&mut self) {
        self.step = 0;
    }

    /// Returns the time at which the next sample is due.
    pub(in crate::coordinator) fn due(&self) -> Nanos {
        self.due
    }

    /// Returns `true` if a sample soon can start threads.
    pub(in crate::coordinator) fn has_steps(&self) -> bool {
        self.step > 0
    }

    /// Samples the progress: `phase` counts the phases that have begun, `settled` the
    /// tasks that have ended; `short` says whether work waits for a thread.
    pub(in crate::coordinator) fn sample(
        &mut self,
        phase: u64,
        settled: u64,
        now: Nanos,
        short: bool,
    ) -> Decision {
        let is_new_phase = std::mem::replace(&mut self.phase, phase) != phase;
        let has_settled = std::mem::replace(&mut self.settled, settled) != settled;
        let progress = is_new_phase || has_settled;
        let due = self.due <= now;
        if due || progress {
            self.due = now.saturating_add(STARTUP_DELAY);
        }
        if is_new_phase {
            self.step = 1;
            self.busy_step = 1;
        }
        if self.is_busy(now, short) {
            let more = self.busy_step;
            self.busy_step *= 2;
            return Decision {
                is_slow: false,
                more,
            };
        }
        if progress {
            self.step = self.step.min(1);
            return Decision::default();
        }
        if !due {
            return Decision::default();
        }
        let mut more = 0;
        if short {
            more = self.step;
            self.step *= 2;
        }
        Decision {
            is_slow: true,
            more,
        }
    }

    fn is_busy(&mut self, now: Nanos, short: bool) -> bool {
        if !short {
            self.short_since = None;
            return false;
        }
        let since = *self.short_since.get_or_insert(now);
        let is_busy = now.since(since) >= BUSY_DELAY;
        if is_busy {
            self.short_since = Some(now);
        }
        is_busy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The state, and a virtual clock.
    struct Samples {
        scaling: ThreadScaling,
        now: Nanos,
        phase: u64,
        settled: u64,
    }

    impl Samples {
        fn new() -> Self {
            let now = Nanos(1_000_000_000);
            Self {
                scaling: ThreadScaling::new(now),
                now,
                phase: 0,
                settled: 0,
            }
        }

        fn after(&mut self, time: Duration, short: bool) -> Decision {
            self.now = self.now.saturating_add(time);
            self.scaling
                .sample(self.phase, self.settled, self.now, short)
        }

        /// The same, and a task has ended meanwhile.
        fn after_one_more(&mut self, time: Duration, short: bool) -> Decision {
            self.settled += 1;
            self.after(time, short)
        }
    }

    const NANOSECOND: Duration = Duration::from_nanos(1);

    fn busy_and_short_of(more: usize) -> Decision {
        Decision {
            is_slow: false,
            more,
        }
    }

    fn slow_and_short_of(more: usize) -> Decision {
        Decision {
            is_slow: true,
            more,
        }
    }

    #[test]
    fn threads_double_while_there_is_no_progress() {
        let mut samples = Samples::new();
        assert_eq!(
            samples.after(STARTUP_DELAY - NANOSECOND, true),
            Decision::default()
        );
        assert_eq!(samples.after(NANOSECOND, true), slow_and_short_of(1));
        assert!(samples.scaling.due() == samples.now.saturating_add(STARTUP_DELAY));
        assert_eq!(
            samples.after(STARTUP_DELAY - NANOSECOND, true),
            Decision::default()
        );
        for more in [2, 4, 8] {
            assert_eq!(samples.after(STARTUP_DELAY, true), slow_and_short_of(more));
        }
    }

    #[test]
    fn no_threads_start_while_enough_are_idle() {
        let mut samples = Samples::new();
        for _ in 0..100 {
            assert_eq!(samples.after(STARTUP_DELAY, false), slow_and_short_of(0));
        }
        assert_eq!(samples.after(STARTUP_DELAY, true), slow_and_short_of(1));
    }

    #[test]
    fn progress_delays_the_next_thread_and_resets_the_step() {
        let mut samples = Samples::new();
        samples.after(STARTUP_DELAY, true);
        samples.after(STARTUP_DELAY, true);
        assert_eq!(
            samples.after_one_more(STARTUP_DELAY / 2, true),
            Decision::default()
        );
        assert_eq!(
            samples.after(STARTUP_DELAY - NANOSECOND, true),
            Decision::default()
        );
        assert_eq!(samples.after(NANOSECOND, true), slow_and_short_of(1));
    }

    #[test]
    fn next_phase_resets_the_step() {
        let mut samples = Samples::new();
        for _ in 0..3 {
            samples.after(STARTUP_DELAY, true);
        }
        samples.phase = 1;
        assert_eq!(samples.after(STARTUP_DELAY, true), Decision::default());
        assert_eq!(samples.after(STARTUP_DELAY, true), slow_and_short_of(1));
        assert_eq!(samples.after(STARTUP_DELAY, true), slow_and_short_of(2));
    }

    #[test]
    fn refused_threads_are_not_tried_before_the_next_phase() {
        let mut samples = Samples::new();
        samples.after(STARTUP_DELAY, true);
        assert!(samples.scaling.has_steps());
        samples.scaling.mark_refused();
        assert!(!samples.scaling.has_steps());
        assert_eq!(samples.after(STARTUP_DELAY, true), slow_and_short_of(0));
        assert_eq!(
            samples.after_one_more(STARTUP_DELAY, true),
            Decision::default()
        );
        assert!(!samples.scaling.has_steps());
        samples.phase = 1;
        assert_eq!(samples.after(STARTUP_DELAY, true), Decision::default());
        assert_eq!(samples.after(STARTUP_DELAY, true), slow_and_short_of(1));
    }

    #[test]
    fn phase_that_has_just_begun_is_not_slow_however_long_ago_the_last_sample_was() {
        let mut samples = Samples::new();
        samples.phase = 1;
        let an_hour = Duration::from_secs(3600);
        assert_eq!(samples.after(an_hour, true), Decision::default());
        assert_eq!(
            samples.after(STARTUP_DELAY - NANOSECOND, true),
            Decision::default()
        );
        assert_eq!(samples.after(NANOSECOND, true), slow_and_short_of(1));
    }

    #[test]
    fn lasting_shortage_starts_threads_although_there_is_progress() {
        let mut samples = Samples::new();
        let mut busy_stepped = |time| samples.after_one_more(time, true);
        assert_eq!(busy_stepped(STARTUP_DELAY), Decision::default());
        for more in [1, 2, 4] {
            assert_eq!(busy_stepped(BUSY_DELAY - NANOSECOND), Decision::default());
            assert_eq!(busy_stepped(NANOSECOND), busy_and_short_of(more));
        }
        samples.phase = 1;
        assert_eq!(
            samples.after_one_more(BUSY_DELAY, true),
            busy_and_short_of(1)
        );
    }

    #[test]
    fn idle_thread_resets_the_busy_delay() {
        let mut samples = Samples::new();
        samples.after_one_more(STARTUP_DELAY, true);
        samples.after_one_more(BUSY_DELAY - NANOSECOND, false);
        assert_eq!(
            samples.after_one_more(NANOSECOND, true),
            Decision::default()
        );
        let nearly = samples.after_one_more(BUSY_DELAY - NANOSECOND, true);
        assert_eq!(nearly, Decision::default());
        assert_eq!(
            samples.after_one_more(NANOSECOND, true),
            busy_and_short_of(1)
        );
    }
}
