//! The faults, and their names.

use std::time::Duration;

/// A way to get stuck, or to fail, that a process meets in real life.
///
/// As text, in `DEADSTOP_FAULT` and in what is printed, it is called as the
/// second column says. None of them does harm beyond the process: what they
/// hold (a pipe, a thread, a child) ends with it.
///
/// | fault | as text | where the thread is, says Linux 6.18 |
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
/// use deadstop::fault::Fault;
///
/// assert_eq!("self-deadlock".parse(), Ok(Fault::SelfDeadlock));
/// assert_eq!("slow(3s)".parse(), Ok(Fault::Slow(Duration::from_secs(3))));
/// assert_eq!(Fault::Slow(Duration::from_millis(1500)).to_string(), "slow(1500ms)");
/// assert!("nap".parse::<Fault>().is_err());
/// ```
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Fault {
    /// Allocates while the allocator's lock is held by somebody who never lets
    /// go. From then on every thread that allocates or frees is stuck too.
    ///
    /// It needs a [`StuckAllocator`](super::StuckAllocator) as the program's
    /// `#[global_allocator]`, without which `install` refuses it.
    AllocatorLock,
    /// Writes to a pipe that is full and that nobody reads.
    BlockedPipeWrite,
    /// Reads from a pipe to which nobody writes.
    BlockedRead,
    /// Waits for a child process that never ends. The child holds none of the
    /// process's files, and is killed with it.
    ChildProcess,
    /// Panics.
    Panic,
    /// Waits for a lock that its own thread holds.
    SelfDeadlock,
    /// Sleeps for ever.
    Sleep,
    /// Returns, after this time.
    Slow(Duration),
    /// Runs for ever: an endless loop.
    Spin,
    /// Prints to standard error, whose lock is held by a thread that never lets
    /// go.
    StderrLock,
    /// Prints to standard output, whose lock is held by a thread that never
    /// lets go.
    StdoutLock,
}

/// All that have a name and nothing else, by their names.
pub(super) const NAMED: [(&str, Fault); 10] = [
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
