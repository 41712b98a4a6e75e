//! The faults and their names.

use std::time::Duration;

/// A way to hang or to fail that processes meet in production.
///
/// The second column is its name in `DEADSTOP_FAULT` and in printed text. No
/// fault does harm beyond the process: what it holds (a pipe, a thread, a child)
/// ends with the process.
///
/// | fault | as text | the kernel function that the thread waits in (Linux 6.18) |
/// | --- | --- | --- |
/// | [`AllocatorLock`](Self::AllocatorLock) | `allocator-lock` | sleeps in `hrtimer_nanosleep` |
/// | [`BlockedPipeWrite`](Self::BlockedPipeWrite) | `blocked-pipe-write` | sleeps in `anon_pipe_write` |
/// | [`BlockedRead`](Self::BlockedRead) | `blocked-read` | sleeps in `anon_pipe_read` |
/// | [`ChildProcess`](Self::ChildProcess) | `child-process` | sleeps in `do_wait` |
/// | [`Panic`](Self::Panic) | `panic` | - |
/// | [`SelfDeadlock`](Self::SelfDeadlock) | `self-deadlock` | sleeps in `futex_do_wait` |
/// | [`Sleep`](Self::Sleep) | `sleep` | sleeps in `hrtimer_nanosleep` |
/// | [`Slow`](Self::Slow) | `slow(1500ms)` | sleeps in `hrtimer_nanosleep` |
/// | [`Spin`](Self::Spin) | `spin` | runs |
/// | [`StderrLock`](Self::StderrLock) | `stderr-lock` | sleeps in `futex_do_wait` |
/// | [`StdoutLock`](Self::StdoutLock) | `stdout-lock` | sleeps in `futex_do_wait` |
///
/// # Examples
///
/// ```
/// use std::time::Duration;
/// use deadstop_testkit::Fault;
///
/// assert_eq!("self-deadlock".parse(), Ok(Fault::SelfDeadlock));
/// assert_eq!("slow(3s)".parse(), Ok(Fault::Slow(Duration::from_secs(3))));
/// assert_eq!(Fault::Slow(Duration::from_millis(1500)).to_string(), "slow(1500ms)");
/// assert!("nap".parse::<Fault>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Allocates while the allocator's lock is held for good. From then on every
    /// thread that allocates or frees hangs too.
    ///
    /// `install` refuses it unless the program's `#[global_allocator]` is a
    /// [`StuckAllocator`](crate::StuckAllocator).
    AllocatorLock,
    /// Writes to a full pipe that has no reader.
    BlockedPipeWrite,
    /// Reads from a pipe that stays empty.
    BlockedRead,
    /// Waits for a child process that never ends. The child holds none of the
    /// process's files, and the kernel kills it with the process.
    ChildProcess,
    /// Panics.
    Panic,
    /// Waits for a lock that the same thread holds.
    SelfDeadlock,
    /// Sleeps for ever.
    Sleep,
    /// Returns after this time.
    Slow(Duration),
    /// Runs for ever: an endless loop.
    Spin,
    /// Prints to standard error, whose lock another thread never releases.
    StderrLock,
    /// Prints to standard output, whose lock another thread never releases.
    StdoutLock,
}

/// The faults without a parameter, sorted by name.
pub(super) const NAMED_FAULTS: [(&str, Fault); 10] = [
    ("allocator-lock", Fault::AllocatorLock),
    ("blocked-pipe-write", Fault::BlockedPipeWrite),
    ("blocked-read", Fault::BlockedRead),
    ("child-process", Fault::ChildProcess),
    ("panic", Fault::Panic),
    ("self-deadlock", Fault::SelfDeadlock),
    ("sleep", Fault::Sleep),
    ("spin", Fault::Spin),
    ("stderr-lock", Fault::StderrLock),
    ("stdout-lock", Fault::StdoutLock),
];
