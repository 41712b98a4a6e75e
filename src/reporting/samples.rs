//! Samples of hung tasks' processor time, which show whether they make progress.

use std::ffi::c_int;
use std::time::Duration;

use deadstop_core::render::{Shares, Still};
use deadstop_core::{MAX_STACKS, Nanos};

/// The samples of up to [`MAX_STACKS`] threads.
pub(super) struct Samples {
    threads: [Sampled; MAX_STACKS],
    still: [Still; MAX_STACKS],
    len: usize,
}

#[derive(Clone, Copy)]
struct Sampled {
    cpu: Duration,
    /// At the last share.
    share_cpu: Duration,
    share_at: Nanos,
}

/// Between samples that are nearer, a share would say nothing.
const SHORTEST: Duration = Duration::from_millis(20);

impl Samples {
    pub(super) const fn none() -> Self {
        // Zeros. As an expression it is a loop, which is unrolled.
        const NONE: Samples = Samples {
            threads: [Sampled {
                cpu: Duration::ZERO,
                share_cpu: Duration::ZERO,
                share_at: Nanos(0),
            }; MAX_STACKS],
            still: [Still {
                tid: 0,
                since: Nanos(0),
                last: Nanos(0),
                samples: 0,
                quiet: 0,
                shares: Shares::none(),
            }; MAX_STACKS],
            len: 0,
        };
        NONE
    }

    /// Returns since when each of the threads has not moved.
    pub(super) fn still(&self) -> &[Still] {
        &self.still[..self.len]
    }

    /// Takes a sample of `threads`, and drops those that are not among them.
    #[cold]
    pub(super) fn update(
        &mut self,
        threads: &[c_int],
        now: Nanos,
        cpu: impl Fn(c_int) -> Option<Duration>,
    ) {
        let mut kept = Self::none();
        for &tid in threads.iter().take(MAX_STACKS) {
            let Some(cpu) = cpu(tid) else {
                continue;
            };
            let (sampled, still) = self.next(tid, cpu, now);
            kept.still[kept.len] = still;
            kept.threads[kept.len] = sampled;
            kept.len += 1;
        }
        *self = kept;
    }

    /// The next sample of a thread.
    #[inline(never)] // Not in an unrolled loop.
    fn next(&self, tid: c_int, cpu: Duration, now: Nanos) -> (Sampled, Still) {
        let known = self.still().iter().position(|still| still.tid == tid);
        match known {
            Some(index) => self.again(index, cpu, now),
            None => first(tid, cpu, now),
        }
    }

    /// The next sample of the thread at `index`.
    fn again(&self, index: usize, cpu: Duration, now: Nanos) -> (Sampled, Still) {
        let (mut sampled, mut still) = (self.threads[index], self.still[index]);
        if cpu != sampled.cpu {
            (still.since, still.quiet) = (now, 0);
        }
        sampled.cpu = cpu;
        still.last = now;
        still.samples = still.samples.saturating_add(1);
        still.quiet = still.quiet.saturating_add(1);
        let time = now.since(sampled.share_at);
        // Otherwise the next share is of both.
        if time >= SHORTEST {
            still
                .shares
                .add(cpu.saturating_sub(sampled.share_cpu), time);
            (sampled.share_cpu, sampled.share_at) = (cpu, now);
        }
        (sampled, still)
    }

    /// Takes note of processor time that a report has cost the threads: the
    /// answer to a request for a stack is no movement.
    #[cold]
    pub(super) fn forgive(&mut self, cpu: impl Fn(c_int) -> Option<Duration>) {
        let len = self.len;
        for (still, thread) in self.still[..len].iter().zip(&mut self.threads) {
            let cpu = cpu(still.tid).unwrap_or(thread.cpu);
            thread.share_cpu += cpu.saturating_sub(thread.cpu);
            thread.cpu = cpu;
        }
    }
}

/// The first sample of a thread.
fn first(tid: c_int, cpu: Duration, now: Nanos) -> (Sampled, Still) {
    let sampled = Sampled {
        cpu,
        share_cpu: cpu,
        share_at: now,
    };
    let still = Still {
        tid,
        since: now,
        last: now,
        samples: 1,
        quiet: 1,
        shares: Shares::none(),
    };
    (sampled, still)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Nanos {
        Nanos(seconds * 1_000_000_000)
    }

    #[test]
    fn thread_that_uses_no_time_is_still_since_its_first_sample() {
        let mut samples = Samples::none();
        for second in 1..4 {
            samples.update(&[7], at(second), |_| Some(Duration::from_secs(5)));
        }
        let still = samples.still()[0];
        assert_eq!((still.tid, still.since.0, still.samples), (7, at(1).0, 3));
    }

    #[test]
    fn thread_that_used_time_is_still_since_then() {
        let mut samples = Samples::none();
        samples.update(&[7, 8], at(1), |_| Some(Duration::ZERO));
        samples.update(&[7, 8], at(2), |tid| {
            Some(Duration::from_nanos(u64::from(tid == 7)))
        });
        samples.update(&[8, 7], at(3), |tid| {
            Some(Duration::from_nanos(u64::from(tid == 7)))
        });
        let still = samples.still().iter();
        let still: Vec<_> = still.map(|s| (s.tid, s.since.0, s.quiet)).collect();
        assert_eq!(still, [(8, at(1).0, 3), (7, at(2).0, 2)]);
    }

    #[test]
    fn shares_are_of_the_time_between_samples() {
        let mut samples = Samples::none();
        let seconds = [0, 1, 1, 2, 4, 4];
        let cpu = [0, 1000, 1000, 1250, 1250, 1250].map(Duration::from_millis);
        for (second, cpu) in seconds.into_iter().zip(cpu) {
            samples.update(&[7], at(second), |_| Some(cpu));
        }
        assert!(samples.still()[0].shares.iter().eq([100, 25, 0]));
    }

    #[test]
    fn shares_are_the_last_sixteen() {
        let mut samples = Samples::none();
        for second in 0..40 {
            let cpu = Duration::from_millis(second * second);
            samples.update(&[7], at(second), |_| Some(cpu));
        }
        let shares: Vec<_> = samples.still()[0].shares.iter().collect();
        assert_eq!((shares.len(), shares[0], shares[15]), (16, 4, 7));
    }

    #[test]
    fn time_used_by_a_report_is_not_counted_as_movement() {
        let mut samples = Samples::none();
        samples.update(&[7], at(1), |_| Some(Duration::ZERO));
        samples.forgive(|_| Some(Duration::from_micros(40)));
        samples.update(&[7], at(2), |_| Some(Duration::from_micros(40)));
        assert_eq!(samples.still()[0].since.0, at(1).0);
    }

    #[test]
    fn threads_of_tasks_that_returned_and_of_other_tasks_are_dropped() {
        let mut samples = Samples::none();
        samples.update(&[7], at(1), |_| Some(Duration::ZERO));
        samples.update(&[8], at(2), |_| Some(Duration::ZERO));
        samples.update(&[7, 8], at(3), |tid| (tid == 8).then_some(Duration::ZERO));
        assert_eq!(samples.still().len(), 1);
        assert_eq!(samples.still()[0].since.0, at(2).0);
    }
}
