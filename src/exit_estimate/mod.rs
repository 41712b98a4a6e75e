//! Estimates how long the kernel will take to release the process, for a process that
//! must have disappeared by its deadline.
//!
//! The kernel frees memory page by page, and closes descriptors one by one. The thread
//! `deadstop-usage` reads the usage when the watchdog is armed and again as the deadline
//! comes near, and makes the exit begin that much earlier. No other thread waits for it:
//! if a read of `/proc` hangs, the last estimate stays in force.
//!
//! ```text
//! usage (memory, threads, descriptors) ──▶ teardown (time to release it) ──▶ early exit
//! ```
//!
//! # Orderings
//!
//! `WANTED` is a flag, and nothing is passed on with it. It is set before the watchdog
//! can be armed, which the thread waits for by the deadline's count of changes.

mod teardown;
mod usage;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::InstallError;
use crate::process::WATCH;
use crate::sys::standard_error;
use crate::threads;
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;

use self::usage::{Usage, UsageFiles};

pub use self::teardown::Teardown;

#[cfg(deadstop_fuzzing)]
pub(crate) use self::usage::read_text as read;

/// The stack of `deadstop-usage`: less than half is used.
const STACK: usize = 64 * 1024;

/// No read begins later than this before the exit: an estimate would then come after it.
const LAST_READ: Duration = Duration::from_millis(5);

/// Assumed time to read the huge pages of one GiB, until it was measured. A read that is
/// in progress delays the exit. Measured: 11 to 15 ms of processor time, in small pages.
const WALK_PER_GIB: Duration = Duration::from_millis(50);

/// The exit begins earlier by this fraction of the estimate too, a quarter: half of all exits
/// take longer than estimated, and a virtual machine is not always as fast. Measured: the same
/// process with 1 GiB took 95 to 160 ms; the constants from half an hour before said 93.
const MARGIN: u32 = 4;

/// The exit begins earlier by this length too, until the scheduler runs the watchdog and
/// the parent that waits. Measured: up to 1.7 ms from the deadline until the parent saw the
/// end of an idle process of 10 MiB, of which the release took 0.4 ms.
const SCHEDULING: Duration = Duration::from_millis(2);

/// Shortest time between two reads.
const PAUSE: Duration = Duration::from_millis(20);

/// Set if the installed watchdog needs the estimate. An `install` that failed may have left the
/// thread.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Set once the warning that the estimate is capped was written.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Sets whether the installed watchdog needs the estimate.
pub(crate) fn want(wanted: bool) {
    WANTED.store(wanted, Ordering::Release);
}

/// Starts the thread `deadstop-usage` for a builder that asks for it. The code is linked into
/// those programs alone.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Estimator {
    teardown: Teardown,
    start: fn(Teardown) -> Result<(), InstallError>,
}

impl Estimator {
    pub(crate) fn new(teardown: Teardown) -> Self {
        Self { teardown, start }
    }

    pub(crate) fn start(self) -> Result<(), InstallError> {
        (self.start)(self.teardown)
    }
}

fn start(teardown: Teardown) -> Result<(), InstallError> {
    let files = UsageFiles::open();
    threads::spawn("deadstop-usage", STACK, move || run(&files, &teardown))
}

/// Reads the usage until the exit, and updates the estimate.
fn run(files: &UsageFiles, teardown: &Teardown) {
    deadstop_core::sys::request_prompt_wakeups();
    let deadline = WATCH.deadline();
    // Bytes in huge pages, when last read.
    let mut huge = 0;
    // The length of that read.
    let mut walk = None;
    loop {
        let seen = deadline.change_count();
        let wanted = WANTED.load(Ordering::Acquire);
        if deadline.get().is_none() || !wanted {
            deadline.wait_for_change(seen, None);
            continue;
        }
        // The fast read first: the other one waits for a kernel lock that a stuck thread
        // may hold.
        let usage = files.read(huge);
        exit_early_by(with_margin(teardown.takes(&usage)));
        let now = deadstop_core::now();
        if has_time_to_walk(now, deadline.exit_at(), walk, &usage) {
            huge = files.read_huge();
            walk = Some(deadstop_core::now().since(now));
            exit_early_by(with_margin(teardown.takes(&usage.with_huge(huge))));
        }
        // Read the count after the calls above, which change it too.
        let seen = deadline.change_count();
        let next = next_read(deadstop_core::now(), deadline.exit_at());
        deadline.wait_for_change(seen, next);
    }
}

/// Makes the exit begin `early_by` before the deadline, or half of the grace if that
/// is less: an estimate must not cost the cleanup.
fn exit_early_by(early_by: Duration) {
    let grace = WATCH.deadline().grace().unwrap_or(Duration::MAX);
    let (length, is_capped) = capped(early_by, grace);
    if is_capped && !WARNED.swap(true, Ordering::AcqRel) {
        let mut line = TextBuffer::<192>::new();
        line.text("deadstop: the exit is estimated to take ")
            .seconds(early_by)
            .text(", more than half of the grace of ")
            .seconds(grace)
            .text("; it begins ")
            .seconds(length)
            .text(" before the deadline and may end after it\n");
        standard_error::write_line(line.as_bytes());
    }
    WATCH.exit_early_by(length);
    // The coordinator counts budgets and reserves to where the exit begins.
    #[cfg(feature = "shutdown")]
    crate::process::wake_for_trigger();
}

/// Returns the length by which the exit begins early, and whether it is capped.
fn capped(early_by: Duration, grace: Duration) -> (Duration, bool) {
    let most = grace / 2;
    (early_by.min(most), early_by > most)
}

/// Returns the time from the begin of an exit to the deadline: the estimate, and a margin.
fn with_margin(takes: Duration) -> Duration {
    takes
        .saturating_add(takes / MARGIN)
        .saturating_add(SCHEDULING)
}

/// Returns `true` if a read of the huge pages ends before the exit begins. The last one took
/// `walk`, if there was one.
fn has_time_to_walk(
    now: Nanos,
    exit: Option<Nanos>,
    walk: Option<Duration>,
    usage: &Usage,
) -> bool {
    let most = match walk {
        Some(walk) => walk.saturating_mul(2),
        None => teardown::of_memory(WALK_PER_GIB, usage.small.saturating_add(usage.huge)),
    };
    let over = now.saturating_add(most.saturating_add(LAST_READ));
    exit.is_some_and(|exit| over < exit)
}

/// Returns the time of the next read: half-way to the exit, and not in the last 5 ms before it.
fn next_read(now: Nanos, exit: Option<Nanos>) -> Option<Nanos> {
    let left = exit?.since(now);
    let next = (left / 2).max(PAUSE);
    (next + LAST_READ < left).then(|| now.saturating_add(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = Nanos(1_000_000_000);

    #[test]
    fn exit_begins_earlier_by_the_estimate_a_quarter_and_2_ms() {
        let takes = Duration::from_millis(100);
        assert_eq!(with_margin(takes), Duration::from_millis(127));
        assert_eq!(with_margin(Duration::MAX), Duration::MAX);
    }

    #[test]
    fn exit_begins_at_most_half_a_grace_early() {
        let seconds = Duration::from_secs;
        assert_eq!(capped(seconds(1), seconds(3)), (seconds(1), false));
        assert_eq!(
            capped(seconds(8), seconds(3)),
            (Duration::from_millis(1500), true)
        );
    }

    #[test]
    fn no_read_is_in_progress_when_the_exit_begins() {
        let usage = Usage {
            small: 1 << 30,
            ..Usage::default()
        };
        let in_time = |before: u64, walk: Option<Duration>| {
            let now = Nanos(SECOND.0 - before * 1_000_000);
            has_time_to_walk(now, Some(SECOND), walk, &usage)
        };
        // The first is judged by the size: 50 ms, and 5 at the end.
        assert!(in_time(56, None));
        assert!(!in_time(55, None));
        // Later reads are judged by the last one: twice as long at most.
        let walk = Some(Duration::from_millis(20));
        assert!(in_time(46, walk));
        assert!(!in_time(45, walk));
        assert!(!has_time_to_walk(SECOND, None, None, &usage));
    }
}
