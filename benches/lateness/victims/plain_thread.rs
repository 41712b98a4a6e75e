//! A hand-written watchdog: a thread that sleeps, and exits.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{Setup, TIMED_OUT};

/// The thread is started before the load, which many programs neglect. It sleeps until a point in
/// time, and not for a length from whenever it first ran.
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
