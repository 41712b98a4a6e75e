//! Processor time of each thread since the trigger.
//!
//! The culprit of a hang in Node or Java is usually the thread that has computed ever
//! since. A compiler thread of the JVM has used more processor time, but before.
//!
//! # Orderings
//!
//! `deadstop-report` alone writes and reads.

use core::ffi::c_int;
use core::sync::atomic::{AtomicI32, AtomicU64, Ordering};
use core::time::Duration;

use deadstop_core::sys::cpu_time;
use deadstop_core::{Nanos, now};

use crate::sys::directory;

/// Threads that are remembered. Of others the last 20 ms are known.
const THREADS: usize = 512;

/// The processor times at the trigger.
#[derive(Debug)]
pub(crate) struct Shares {
    at: AtomicU64,
    threads: [(AtomicI32, AtomicU64); THREADS],
}

/// The shares of this process.
pub(crate) static SHARES: Shares = Shares {
    at: AtomicU64::new(0),
    threads: [const { (AtomicI32::new(0), AtomicU64::new(0)) }; THREADS],
};

impl Shares {
    /// Takes the processor time of each thread.
    pub(crate) fn begin(&self, at: Nanos) {
        self.at.store(at.0, Ordering::Relaxed);
        let mut free = self.threads.iter();
        directory::numbers(c"/proc/self/task", |tid| {
            let (Some(cpu), Some((id, before))) = (cpu_time(tid), free.next()) else {
                return;
            };
            before.store(nanos(cpu), Ordering::Relaxed);
            id.store(tid, Ordering::Relaxed);
        });
        // Left over from the parent of a fork.
        for (id, _) in free {
            id.store(0, Ordering::Relaxed);
        }
    }

    /// Returns the part of a processor that a thread has used since, in per cent.
    /// A thread that has started since counts from zero. `None` if it is gone.
    pub(crate) fn since(&self, tid: c_int) -> Option<u8> {
        let cpu = nanos(cpu_time(tid)?);
        let mut threads = self.threads.iter();
        let before = threads.find(|(id, _)| id.load(Ordering::Relaxed) == tid);
        let before = before.map_or(0, |(_, before)| before.load(Ordering::Relaxed));
        let length = now().since(Nanos(self.at.load(Ordering::Relaxed)));
        let used = cpu.saturating_sub(before).saturating_mul(100);
        let share = used.checked_div(nanos(length))?;
        Some(u8::try_from(share.min(100)).unwrap_or(100))
    }
}

fn nanos(length: Duration) -> u64 {
    u64::try_from(length.as_nanos()).unwrap_or(u64::MAX)
}
