//! How long the process will take to go, for one that is to be gone by its
//! deadline.
//!
//! `_exit` begins at once, but the kernel gives memory back page by page, and
//! closes descriptors one by one. `deadstop-gauge` looks at what the process has
//! when the watchdog is armed and as the end nears, and has the end begin
//! earlier by that much. It waits for nobody who needs it: if it hangs over a
//! file of `/proc`, the last estimate stands.
//!
//! ```text
//! holdings (what the process has) ──▶ teardown (what that takes) ──▶ the watchdog's lead
//! ```

mod holdings;
mod teardown;

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use crate::error::InstallError;
use crate::installation::{self, WATCH};
use crate::kill_path::{self, Nanos};

use self::holdings::Holdings;

pub use self::teardown::Teardown;

#[cfg(deadstop_fuzzing)]
pub(crate) use self::holdings::read_text as read;

/// How long before the end it stops looking: an estimate that comes later moves
/// what is under way.
const LAST_LOOK: Duration = Duration::from_millis(5);

/// How often it looks at most.
const PAUSE: Duration = Duration::from_millis(20);

/// Whether the watchdog that is installed now asked for it: an `install` that
/// failed later may have left the thread behind.
static WANTED: AtomicBool = AtomicBool::new(false);

/// Says whether the thread is to do anything.
pub(crate) fn want(wanted: bool) {
    WANTED.store(wanted, Ordering::Release);
}

/// Starts `deadstop-gauge`.
pub(crate) fn start(teardown: Teardown) -> Result<(), InstallError> {
    let holdings = Holdings::open();
    installation::spawn("deadstop-gauge", move || live(&holdings, &teardown))
}

/// The thread's life.
fn live(holdings: &Holdings, teardown: &Teardown) {
    kill_path::settle();
    let deadline = WATCH.deadline();
    // Bytes in huge pages, as of the last look at them.
    let mut huge = 0;
    loop {
        let seen = deadline.changes();
        let wanted = WANTED.load(Ordering::Acquire);
        let Some(exit) = deadline.exit().filter(|_| wanted) else {
            deadline.wait_change(seen, None);
            continue;
        };
        // The quick look first: the other one waits for a lock of the kernel's
        // that a stuck thread may hold.
        let held = holdings.look(huge);
        WATCH.lead(teardown.takes(&held));
        if kill_path::now().saturating_add(LAST_LOOK) < exit {
            huge = holdings.huge();
            WATCH.lead(teardown.takes(&held.with_huge(huge)));
        }
        // The count only now: what is said above is among the changes.
        let seen = deadline.changes();
        let next = next_look(kill_path::now(), deadline.exit());
        deadline.wait_change(seen, next);
    }
}

/// When to look again: half-way to the end, and not in its last moments.
fn next_look(now: Nanos, exit: Option<Nanos>) -> Option<Nanos> {
    let left = exit?.since(now);
    let next = (left / 2).max(PAUSE);
    (next + LAST_LOOK < left).then(|| now.saturating_add(next))
}
