//! The end of child processes: `deadstop-child` looks for them and puts them on the kill
//! list, of which the watchdog kills each at the deadline.
//!
//! The thread shares nothing with the report's thread, whose write may block for good.

use core::ffi::c_int;
use core::time::Duration;

use deadstop_core::kill_path::KillList;
use deadstop_core::sys::open_pidfd;
use deadstop_core::{Nanos, now};

use crate::descendants::Descendants;
use crate::sys::descriptor;
use crate::sys::descriptor_table::DescriptorTable;
use crate::sys::raise::{self, sleep_until};

/// The shortest pause between two looks.
const PAUSE: Duration = Duration::from_millis(1);
/// The time after the deadline for which it goes on, if the watchdog is late.
const LATE: Duration = Duration::from_millis(250);

/// Looks for children from `first` to the deadline `at`, and lists them. A child that a
/// process forks in its last moments would outlive it, so the looks come ever closer, down
/// to one in a millisecond.
pub(crate) fn list(first: Nanos, at: Nanos, kills: &'static KillList) {
    let mut descendants = Descendants::none();
    let mut table = DescriptorTable::shared();
    sleep_until(first);
    while now() < at.saturating_add(LATE) {
        table.leave_if_full();
        descendants.find(|child| add(kills, child, at, &table));
        let rest = at.since(now()).checked_div(4).unwrap_or(PAUSE);
        sleep_until(now().saturating_add(rest.max(PAUSE)));
    }
}

fn add(kills: &'static KillList, child: c_int, at: Nanos, table: &DescriptorTable) {
    // The descriptor stays open until the process ends: the program may reap the child,
    // and its number may be given to another process.
    let Ok(pidfd) = open_pidfd(child) else {
        return;
    };
    // The watchdog uses the table of the process. If this thread has another, it kills by
    // number: the kernel gives out all other numbers before it reuses one.
    let listed = Some(pidfd).filter(|_| !table.is_own());
    // The watchdog has closed the list, and is about to end the process.
    if kills.add(child, listed, false).is_none() && now() >= at {
        raise::kill(pidfd);
    }
    if table.is_own() {
        descriptor::close(pidfd);
    }
}
