//! Notices when the virtual machine stands still.
//!
//! A thread is pinned to each processor. It naps, and notes each nap that took much longer
//! than it should. The threads run in real time, above all others, so no program delays
//! them: a long nap means that the processor itself did not run, or served interrupts for all
//! of that time. Where real time is not allowed there are no sentinels, and the output says
//! so.
//!
//! A nap costs some microseconds, so the sentinels take half a per cent of a processor.

use std::mem::MaybeUninit;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::{ptr, thread};

use crate::page::now;

const NAP: u64 = 1_000_000;

/// A nap that ends so much too late is noted. An idle processor needs a tenth of it to wake.
const LATE: u64 = 1_000_000;

/// A time in which a processor did not run, in nanoseconds of `CLOCK_MONOTONIC`.
#[derive(Clone, Copy, Debug)]
struct Gap {
    from: u64,
    to: u64,
}

#[derive(Debug)]
pub(crate) struct Sentinels {
    gaps: Arc<Mutex<Vec<Gap>>>,
    processors: usize,
}

impl Sentinels {
    /// Starts one for each processor that this process may use. `None` if they may not run in
    /// real time.
    pub(crate) fn start() -> Option<Self> {
        let gaps = Arc::default();
        let (started, starts) = channel();
        let processors = processors();
        for &processor in &processors {
            let (gaps, started) = (Arc::clone(&gaps), started.clone());
            thread::Builder::new()
                .name(format!("sentinel-{processor}"))
                .spawn(move || live(processor, &gaps, &started))
                .ok()?;
        }
        let are_started = processors.iter().all(|_| starts.recv() == Ok(true));
        are_started.then_some(Self {
            gaps,
            processors: processors.len(),
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.processors
    }

    /// Returns the longest time for which a processor stood still between two points in time, and
    /// forgets all gaps. Waits until each sentinel has had time to note its last one.
    pub(crate) fn longest_gap(&self, from: u64, to: u64) -> Option<u64> {
        thread::sleep(std::time::Duration::from_nanos(2 * NAP));
        let mut gaps = self.gaps.lock().unwrap_or_else(PoisonError::into_inner);
        let within = gaps.drain(..).filter_map(|gap| {
            let length = gap.to.min(to).checked_sub(gap.from.max(from))?;
            (length > 0).then_some(length)
        });
        within.max()
    }
}

fn live(processor: usize, gaps: &Mutex<Vec<Gap>>, started: &Sender<bool>) {
    let is_ready = pin_to(processor) && serve_first();
    // Fails only if the system refused another sentinel.
    let _ = started.send(is_ready);
    if !is_ready {
        return;
    }
    let mut due = now() + NAP;
    loop {
        sleep_until(due);
        let awake = now();
        if awake > due + LATE {
            let gap = Gap {
                from: due,
                to: awake,
            };
            gaps.lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(gap);
        }
        due = awake + NAP;
    }
}

/// The processors that this process may use.
fn processors() -> Vec<usize> {
    let mut set = MaybeUninit::<libc::cpu_set_t>::zeroed();
    // SAFETY: the pointer is valid for writes of a set; 0 is this thread.
    let done =
        unsafe { libc::sched_getaffinity(0, size_of::<libc::cpu_set_t>(), set.as_mut_ptr()) };
    assert_eq!(done, 0);
    // SAFETY: zeroes are an empty set, and the call has filled it.
    let set = unsafe { set.assume_init() };
    // SAFETY: each number is within the set.
    let is_in = |processor: &usize| unsafe { libc::CPU_ISSET(*processor, &set) };
    (0..libc::CPU_SETSIZE as usize).filter(is_in).collect()
}

fn pin_to(processor: usize) -> bool {
    // SAFETY: zeroes are an empty set.
    let mut set = unsafe { MaybeUninit::<libc::cpu_set_t>::zeroed().assume_init() };
    // SAFETY: the number is within the set.
    unsafe { libc::CPU_SET(processor, &mut set) };
    // SAFETY: the pointer is valid for reads of a set; 0 is this thread.
    unsafe { libc::sched_setaffinity(0, size_of::<libc::cpu_set_t>(), &raw const set) == 0 }
}

/// Makes this thread a real-time thread.
fn serve_first() -> bool {
    let priority = libc::sched_param { sched_priority: 99 };
    // SAFETY: the pointer is valid for reads; 0 is this thread.
    unsafe { libc::sched_setscheduler(0, libc::SCHED_FIFO, &raw const priority) == 0 }
}

fn sleep_until(due: u64) {
    let due = libc::timespec {
        tv_sec: (due / 1_000_000_000) as libc::time_t,
        tv_nsec: (due % 1_000_000_000) as libc::c_long,
    };
    // SAFETY: the first pointer is valid for reads; the second may be null. An interrupted nap
    // is a short one.
    unsafe {
        libc::clock_nanosleep(
            libc::CLOCK_MONOTONIC,
            libc::TIMER_ABSTIME,
            &raw const due,
            ptr::null_mut(),
        )
    };
}
