//! Every way we know for a process to get stuck, tried on real processes.
//!
//! Each fault is run twice. Watched, the process must end at its deadline and
//! in the way the list says; unwatched, it must still be there long after, or
//! the fault was never a fault and the first run proved nothing.
//!
//! A new fault is one entry in a table of `tests/fixtures/victim` and one line
//! in `list.rs`. `DEADSTOP_NO_SKIPS` makes a test fail that the system
//! would have it skip.

#[path = "../harness/mod.rs"]
mod harness;

use harness::{BEHIND, End, GRACE, Victim};

/// The second line of defence, with our status and no timer to help it out.
const OURS: End = End::Status(124);
/// The third, or the second where its exit is refused.
const KILLED: End = End::Signal(libc::SIGKILL);
/// The third, where the kernel shields the process from `SIGKILL`.
const AS_IF_KILLED: End = End::Status(137);
/// What is left to the second where every call is refused.
const FAULT: End = End::Signal(libc::SIGILL);

macro_rules! faults {
    ($($fault:ident => $end:ident,)*) => {$(
        mod $fault {
            use super::*;

            #[test]
            fn ends_at_the_deadline() {
                let victim = Victim::watched(stringify!($fault), GRACE);
                if victim.is_refused() {
                    return;
                }
                let death = victim.wait();
                assert_eq!(death.end, $end, "{death:?}");
                assert!(death.after >= GRACE, "early: {death:?}");
            }

            #[test]
            fn is_stuck_without_a_watchdog() {
                let victim = Victim::unwatched(stringify!($fault), GRACE);
                assert!(victim.is_refused() || victim.lives_for(3 * GRACE));
            }
        }
    )*};
}

include!("list.rs");

/// It leaves the second line its time, and needs nothing of it.
#[test]
fn the_timer_stands_back_behind_the_watchdog() {
    for fault in ["every_call_refused_frozen", "stopped", "watchdog_frozen"] {
        let death = Victim::watched(fault, GRACE).wait();
        assert_eq!(death.end, KILLED, "{death:?}");
        assert!(death.after >= GRACE + BEHIND, "early: {death:?}");
    }
}
