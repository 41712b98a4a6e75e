//! A hand-written watchdog: a thread that sleeps, and exits.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{Setup, TIMED_OUT};

/// The thread is started before the load, which most do not think of, and it
/// sleeps until a point in time, not for a length from whenever it ran.
pub(crate) fn end(setup: &Setup) -> ! {
    let (tell, told) = mpsc::channel::<Instant>();
    let page = setup.page;
    thread::spawn(move || {
        let deadline: Instant = told.recv().unwrap();
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        page.ended.stamp();
        // SAFETY: takes an integer.
        unsafe { libc::_exit(TIMED_OUT) }
    });
    let bystander = setup.bystander();
    setup.load();
    setup.begin();
    tell.send(Instant::now() + setup.grace()).unwrap();
    setup.blocking_cleanup(bystander)
}
