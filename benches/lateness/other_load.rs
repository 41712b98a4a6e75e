//! Load by other processes while a sample is taken.

use std::fs;
use std::mem::MaybeUninit;
use std::time::{Duration, Instant};

/// The processor time of other processes since a point in time.
#[derive(Debug)]
pub(crate) struct OtherLoad {
    machine: Duration,
    ours: Duration,
    begun: Instant,
}

impl OtherLoad {
    pub(crate) fn begin() -> Self {
        Self {
            machine: busy_of_machine(),
            ours: busy_of_this_process(),
            begun: Instant::now(),
        }
    }

    /// Returns that time in cores. Children count as this process once they are reaped.
    pub(crate) fn cores(&self) -> f64 {
        let machine = busy_of_machine().saturating_sub(self.machine);
        let ours = busy_of_this_process().saturating_sub(self.ours);
        machine.saturating_sub(ours).as_secs_f64() / self.begun.elapsed().as_secs_f64()
    }
}

/// The processor time of all processes, in nanoseconds if the kernel counts them, else from
/// `/proc/stat`, whose unit is hundredths of a second.
fn busy_of_machine() -> Duration {
    if let Ok(nanos) = fs::read_to_string("/sys/fs/cgroup/cpuacct/cpuacct.usage") {
        return Duration::from_nanos(nanos.trim().parse().unwrap());
    }
    let stat = fs::read_to_string("/proc/stat").unwrap();
    let fields = stat.lines().next().unwrap().split_whitespace().skip(1);
    let fields: Vec<u64> = fields.map(|field| field.parse().unwrap()).collect();
    // All except idle and waiting for a disk; the time of guests is in `user`.
    let idle = fields[3] + fields[4];
    let guests: u64 = fields[8..].iter().sum();
    Duration::from_millis((fields.iter().sum::<u64>() - idle - guests) * 10)
}

/// The processor time of this process, and of its children that have ended.
fn busy_of_this_process() -> Duration {
    usage_of(libc::RUSAGE_SELF) + usage_of(libc::RUSAGE_CHILDREN)
}

fn usage_of(whom: i32) -> Duration {
    let mut usage = MaybeUninit::<libc::rusage>::zeroed();
    // SAFETY: the pointer is valid for writes of an `rusage`.
    let done = unsafe { libc::getrusage(whom, usage.as_mut_ptr()) };
    assert_eq!(done, 0);
    // SAFETY: the call has filled it, and zeroes would do.
    let usage = unsafe { usage.assume_init() };
    let length = |time: libc::timeval| {
        Duration::from_secs(time.tv_sec as u64) + Duration::from_micros(time.tv_usec as u64)
    };
    length(usage.ru_utime) + length(usage.ru_stime)
}
