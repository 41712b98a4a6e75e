//! Two samples of every thread's processor time.

use core::cmp::Reverse;
use core::ffi::c_int;
use core::time::Duration;

use super::heap_sort::heap_sort_by_key;
use super::is_over;
use crate::sizes::MAX_SAMPLED_THREADS;
use crate::sys::{self, Nanos};

/// The number of samples between two checks of the time.
const BATCH: usize = 64;

/// The reason why a thread is listed, and thereby its position.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Rank {
    /// It runs a task: its position among the tasks.
    Task(u8),
    Main,
    Other,
}

/// The samples of one thread.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CpuSample {
    pub(crate) tid: c_int,
    pub(crate) rank: Rank,
    at: Nanos,
    /// Its processor time at the last sample; `None` if it is gone.
    pub(crate) cpu: Option<Duration>,
    pub(crate) busy: Option<u8>,
}

/// Samples of up to [`MAX_SAMPLED_THREADS`] threads.
#[derive(Debug)]
pub(crate) struct CpuSamples {
    samples: [CpuSample; MAX_SAMPLED_THREADS],
    len: usize,
}

impl CpuSamples {
    pub(crate) const fn empty() -> Self {
        Self {
            samples: [CpuSample {
                tid: 0,
                rank: Rank::Other,
                at: Nanos(0),
                cpu: None,
                busy: None,
            }; MAX_SAMPLED_THREADS],
            len: 0,
        }
    }

    pub(crate) fn clear(&mut self) {
        self.len = 0;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.len == MAX_SAMPLED_THREADS
    }

    pub(crate) fn get(&self, n: usize) -> Option<CpuSample> {
        self.samples.get(..self.len)?.get(n).copied()
    }

    /// Returns `true` if `tid` is among the first threads, whose rank is not
    /// [`Rank::Other`].
    pub(crate) fn is_expected(&self, tid: c_int) -> bool {
        let expected = self.samples.iter().take(self.len);
        let mut expected = expected.take_while(|sample| sample.rank != Rank::Other);
        expected.any(|sample| sample.tid == tid)
    }

    /// Adds a thread. Threads of rank [`Rank::Other`] must come last.
    pub(crate) fn add(&mut self, tid: c_int, rank: Rank) {
        if let Some(sample) = self.samples.get_mut(self.len) {
            *sample = CpuSample {
                tid,
                rank,
                at: Nanos(0),
                cpu: None,
                busy: None,
            };
            self.len = self.len.saturating_add(1);
        }
    }

    /// Takes the first sample of each thread.
    pub(crate) fn sample_first(&mut self, until: Nanos) {
        for sample in self.within(until) {
            sample.at = sys::now();
            sample.cpu = sys::cpu_time(sample.tid);
        }
    }

    /// Takes the second sample, and computes how busy each thread was in between.
    pub(crate) fn sample_again(&mut self, until: Nanos) {
        for sample in self.within(until) {
            let Some(before) = sample.cpu else {
                continue;
            };
            let now = sys::now();
            sample.cpu = sys::cpu_time(sample.tid);
            sample.busy = sample
                .cpu
                .and_then(|cpu| per_cent(cpu.saturating_sub(before), now.since(sample.at)));
        }
    }

    /// Sorts the threads in the order of the list.
    pub(crate) fn sort(&mut self) {
        let samples = self.samples.get_mut(..self.len).unwrap_or(&mut []);
        heap_sort_by_key(samples, |sample| {
            (sample.rank, Reverse(sample.busy), sample.tid)
        });
    }

    /// Returns the threads until the time is up.
    fn within(&mut self, until: Nanos) -> impl Iterator<Item = &mut CpuSample> {
        let samples = self.samples.get_mut(..self.len).unwrap_or(&mut []);
        let batches = samples.chunks_mut(BATCH);
        batches.take_while(move |_| !is_over(until)).flatten()
    }
}

/// Returns `part` of `whole` in percent, rounded to the nearest, at most 100.
fn per_cent(part: Duration, whole: Duration) -> Option<u8> {
    let whole = whole.as_nanos();
    let hundredfold = part.as_nanos().saturating_mul(100);
    let rounded = hundredfold.saturating_add(whole.wrapping_div(2));
    let busy = rounded.checked_div(whole)?;
    Some(u8::try_from(busy.min(100)).unwrap_or(100))
}
