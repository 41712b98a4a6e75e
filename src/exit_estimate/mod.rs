//! How long the process will take to go, for one that must be gone by its
//! deadline.
//!
//! `_exit` begins at once, but the kernel gives memory back page by page, and
//! closes descriptors one by one. `deadstop-gauge` looks at what the process has
//! when the watchdog is armed and as the end nears, and has the end begin
//! earlier by that much. No other thread waits for it: if it hangs over a
//! file of `/proc`, the last estimate stands.
//!
//! ```text
//! holdings (what the process has) ──▶ teardown (what that takes) ──▶ the watchdog's lead
//! ```
//!
//! # Orderings
//!
//! `WANTED` is a flag, and nothing is passed on with it. It is set before the watchdog
//! can be armed, which the thread waits for by the deadline's count of changes.

mod holdings;
mod teardown;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::InstallError;
use crate::process::WATCH;
use crate::sys::standard_error;
use crate::threads;
use deadstop_core::Nanos;
use deadstop_core::buffer::TextBuffer;

use self::holdings::{Held, Holdings};

pub use self::teardown::Teardown;

#[cfg(deadstop_fuzzing)]
pub(crate) use self::holdings::read_text as read;

/// How long before the end it stops looking: an estimate that comes later moves
/// what is under way.
const LAST_LOOK: Duration = Duration::from_millis(5);

/// How long it may take to look at the huge pages, for each GiB there is, before
/// it is known. An estimate that is under way keeps the process from going. Measured: 11 to 15 ms of processor time, in small pages.
const WALK: Duration = Duration::from_millis(50);

/// This part of the estimate is added to it: an estimate is exceeded as often as
/// not.
const MARGIN: u32 = 10;

/// And this, whatever the process has: the watchdog has to get its turn, and so
/// has the parent that waits for the end. Measured: up to 1.7 ms from the deadline to
/// when an idle process of 10 MiB was seen gone, of which it took 0.4 to go.
const TURNS: Duration = Duration::from_millis(2);

/// How often it looks at most.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether the watchdog that is installed now asked for it: an `install` that
/// failed later may have left the thread behind.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Whether it was said that the estimate is capped.
static WARNED: AtomicBool = AtomicBool::new(false);

/// Says whether the thread is to do anything.
pub(crate) fn want(wanted: bool) {
    WANTED.store(wanted, Ordering::Release);
}

/// Starts `deadstop-gauge`.
pub(crate) fn start(teardown: Teardown) -> Result<(), InstallError> {
    let holdings = Holdings::open();
    threads::spawn("deadstop-gauge", move || live(&holdings, &teardown))
}

/// The thread's life.
fn live(holdings: &Holdings, teardown: &Teardown) {
    deadstop_core::sys::request_prompt_wakeups();
    let deadline = WATCH.deadline();
    // Bytes in huge pages, as of the last look at them.
    let mut huge = 0;
    // How long that look took.
    let mut walk = None;
    loop {
        let seen = deadline.change_count();
        let wanted = WANTED.load(Ordering::Acquire);
        if deadline.get().is_none() || !wanted {
            deadline.wait_for_change(seen, None);
            continue;
        }
        // The quick look first: the other one waits for a lock of the kernel's
        // that a stuck thread may hold.
        let held = holdings.look(huge);
        exit_early_by(lead(teardown.takes(&held)));
        let now = deadstop_core::now();
        if has_time_to_walk(now, deadline.exit_at(), walk, &held) {
            huge = holdings.huge();
            walk = Some(deadstop_core::now().since(now));
            exit_early_by(lead(teardown.takes(&held.with_huge(huge))));
        }
        // The count only now: what is said above is among the changes.
        let seen = deadline.change_count();
        let next = next_look(deadstop_core::now(), deadline.exit_at());
        deadline.wait_for_change(seen, next);
    }
}

/// Makes the exit begin `lead` before the deadline, or half of the grace if that
/// is less: an estimate must not cost the cleanup.
fn exit_early_by(lead: Duration) {
    let grace = WATCH.deadline().grace().unwrap_or(Duration::MAX);
    let (length, is_capped) = capped(lead, grace);
    if is_capped && !WARNED.swap(true, Ordering::AcqRel) {
        let mut line = TextBuffer::<192>::new();
        line.text("deadstop: the exit is estimated to take ")
            .seconds(lead)
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
    crate::process::TRIGGERED.advance();
}

/// Returns the length by which the exit begins early, and whether it is capped.
fn capped(lead: Duration, grace: Duration) -> (Duration, bool) {
    let most = grace / 2;
    (lead.min(most), lead > most)
}

/// How long before the deadline the end begins, for what takes so long.
fn lead(takes: Duration) -> Duration {
    takes.saturating_add(takes / MARGIN).saturating_add(TURNS)
}

/// Whether a look at the huge pages is over before the end begins. The last one
/// took `walk`, if there was one.
fn has_time_to_walk(now: Nanos, exit: Option<Nanos>, walk: Option<Duration>, held: &Held) -> bool {
    let most = match walk {
        Some(walk) => walk.saturating_mul(2),
        None => teardown::of_memory(WALK, held.small.saturating_add(held.huge)),
    };
    let over = now.saturating_add(most.saturating_add(LAST_LOOK));
    exit.is_some_and(|exit| over < exit)
}

/// When to look again: half-way to the end, and not in its last moments.
fn next_look(now: Nanos, exit: Option<Nanos>) -> Option<Nanos> {
    let left = exit?.since(now);
    let next = (left / 2).max(PAUSE);
    (next + LAST_LOOK < left).then(|| now.saturating_add(next))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Nanos = Nanos(1_000_000_000);

    #[test]
    fn exit_begins_earlier_by_the_estimate_a_tenth_and_2_ms() {
        let takes = Duration::from_millis(100);
        assert_eq!(lead(takes), Duration::from_millis(112));
        assert_eq!(lead(Duration::MAX), Duration::MAX);
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
    fn no_look_is_under_way_as_the_end_begins() {
        let held = Held {
            small: 1 << 30,
            ..Held::default()
        };
        let in_time = |before: u64, walk: Option<Duration>| {
            let now = Nanos(SECOND.0 - before * 1_000_000);
            has_time_to_walk(now, Some(SECOND), walk, &held)
        };
        // The first is judged by the size: 50 ms, and 5 at the end.
        assert!(in_time(56, None));
        assert!(!in_time(55, None));
        // Those after it by the last: twice as long at most.
        let walk = Some(Duration::from_millis(20));
        assert!(in_time(46, walk));
        assert!(!in_time(45, walk));
        assert!(!has_time_to_walk(SECOND, None, None, &held));
    }
}
