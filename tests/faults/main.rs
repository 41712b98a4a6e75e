//! Every way we know for a process to get stuck, tried on real processes.
//!
//! Each fault is run twice. Watched, the process must end at its deadline and
//! in the way the table says; unwatched, it must still be there long after, or
//! the fault was never a fault and the first run proved nothing.
//!
//! A new fault is one entry in a table of `tests/fixtures/victim` and one line
//! in the table below. `DEADSTOP_NO_SKIPS` makes a test fail that the system
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

faults! {
    atexit_never_returns => OURS,
    atexit_would_never_return => OURS,
    chrooted => OURS,
    dead_allocator => OURS,
    deadlock => OURS,
    deadlock_rearmed => OURS,
    every_call_refused => FAULT,
    every_call_refused_frozen => KILLED,
    every_core_spins => OURS,
    exit_group_refused => KILLED,
    exit_never_returns => OURS,
    fork_then_hang => OURS,
    handler_never_returns => OURS,
    leader_exits => OURS,
    loader_lock_held => OURS,
    logger_lock_held => OURS,
    many_threads_exit => OURS,
    no_one_can_be_woken => KILLED,
    no_timer => OURS,
    panic_hook_never_returns => OURS,
    pid_1 => OURS,
    pid_1_watchdog_frozen => AS_IF_KILLED,
    sigabrt_handler_never_returns => OURS,
    signals_blocked => OURS,
    signals_ignored => OURS,
    sixty_four_threads_spin => OURS,
    stderr_full => OURS,
    stderr_lock_held => OURS,
    stdio_closed => OURS,
    stdout_lock_held => OURS,
    stopped => KILLED,
    thread_local_drop_never_returns => OURS,
    threads_refused => OURS,
    unprivileged => OURS,
    unprivileged_sixty_four_threads_spin => OURS,
    vforked_child_never_execs => OURS,
    watchdog_frozen => KILLED,
}

/// It leaves the second line its time, and needs nothing of it.
#[test]
fn the_timer_stands_back_behind_the_watchdog() {
    for fault in ["every_call_refused_frozen", "stopped", "watchdog_frozen"] {
        let death = Victim::watched(fault, GRACE).wait();
        assert_eq!(death.end, KILLED, "{death:?}");
        assert!(death.after >= GRACE + BEHIND, "early: {death:?}");
    }
}
