//! Constants from which the time of an exit is estimated.

use std::time::Duration;

use super::usage::Usage;

/// The time that the kernel takes to release a process's resources: the constants of
/// [`exit_early`](crate::WatchdogBuilder::exit_early).
///
/// The defaults were measured on a virtual machine with Linux 6.18 on an AMD EPYC. Other
/// machines are faster: one with an Intel Xeon takes 28 ms for a GiB in pages of 4 KiB, and not
/// 92. With the defaults, a process on that machine exits too early. `cargo run --release
/// --example calibrate` measures the constants of your machine.
///
/// The estimate is the sum of these times, each multiplied by its number. It does not include
/// uninterruptible waits for a disk.
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop::Watchdog;
/// use deadstop::protection::Teardown;
///
/// let watchdog = Watchdog::builder()
///     .grace(Duration::from_secs(10))
///     .exit_early(true)
///     .teardown(Teardown::new().gibibyte(Duration::from_millis(60)))
///     .install()?;
/// # Ok::<(), deadstop::InstallError>(())
/// ```
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[must_use = "constants are nothing until a builder gets them"]
pub struct Teardown {
    process: Duration,
    gibibyte: Duration,
    huge_gibibyte: Duration,
    thread: Duration,
    descriptor: Duration,
}

impl Teardown {
    /// Returns the defaults: 0.3 ms for any process, 92 ms for a GiB in pages of 4 KiB, 4 ms
    /// for a GiB in huge pages, 14 µs for a thread, 0.7 µs for a descriptor.
    pub const fn new() -> Self {
        Self {
            process: Duration::from_micros(300),
            gibibyte: Duration::from_millis(92),
            huge_gibibyte: Duration::from_millis(4),
            thread: Duration::from_micros(14),
            descriptor: Duration::from_nanos(700),
        }
    }

    /// Sets the time that every process takes, whatever it uses.
    pub const fn process(mut self, takes: Duration) -> Self {
        self.process = takes;
        self
    }

    /// Sets the time for a GiB of memory in pages of the usual size.
    pub const fn gibibyte(mut self, takes: Duration) -> Self {
        self.gibibyte = takes;
        self
    }

    /// Sets the time for a GiB of memory in huge pages.
    pub const fn huge_gibibyte(mut self, takes: Duration) -> Self {
        self.huge_gibibyte = takes;
        self
    }

    /// Sets the time for a thread.
    pub const fn thread(mut self, takes: Duration) -> Self {
        self.thread = takes;
        self
    }

    /// Sets the time for an open descriptor.
    pub const fn descriptor(mut self, takes: Duration) -> Self {
        self.descriptor = takes;
        self
    }

    /// Returns the time to release all of `usage`.
    pub(super) fn takes(&self, usage: &Usage) -> Duration {
        let each = |takes: Duration, number: u64| {
            let nanos = takes.as_nanos().saturating_mul(number.into());
            Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
        };
        [
            self.process,
            of_memory(self.gibibyte, usage.small),
            of_memory(self.huge_gibibyte, usage.huge),
            each(self.thread, usage.threads),
            each(self.descriptor, usage.descriptors),
        ]
        .into_iter()
        .fold(Duration::ZERO, Duration::saturating_add)
    }
}

/// Returns the time for `bytes`, if a GiB takes `gibibyte`.
pub(super) fn of_memory(gibibyte: Duration, bytes: u64) -> Duration {
    let nanos = gibibyte.as_nanos().saturating_mul(bytes.into()) >> 30;
    Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
}

impl Default for Teardown {
    /// As [`new`](Self::new).
    fn default() -> Self {
        Self::new()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_part_counts() {
        let usage = Usage {
            small: 2 << 30,
            huge: 1 << 30,
            threads: 100,
            descriptors: 1000,
        };
        let takes = Teardown::new().takes(&usage);
        assert_eq!(
            takes,
            Duration::from_micros(300 + 184_000 + 4_000 + 1_400 + 700)
        );
        assert_eq!(
            Teardown::new().takes(&Usage::default()),
            Duration::from_micros(300)
        );
    }

    #[test]
    fn estimate_saturates() {
        let usage = Usage {
            small: u64::MAX,
            huge: u64::MAX,
            threads: u64::MAX,
            descriptors: u64::MAX,
        };
        let longest = Teardown::new().gibibyte(Duration::MAX).takes(&usage);
        assert!(longest >= Duration::from_nanos(u64::MAX));
    }
}
