//! A hand-written watchdog: a thread that sleeps, and exits.

use std::sync::mpsc;
use std::thread;
use std::time::Instant;

use super::{Stage, TIMED_OUT};

/// The thread is started before the load, which most do not think of, and it
/// sleeps until a point in time, not for a length from whenever it ran.
pub(crate) fn end(stage: &Stage) -> ! {
    let (tell, told) = mpsc::channel::<Instant>();
    let page = stage.page;
    thread::spawn(move || {
        let deadline: Instant = told.recv().unwrap();
        thread::sleep(deadline.saturating_duration_since(Instant::now()));
        page.ended.stamp();
        // SAFETY: takes an integer.
        unsafe { libc::_exit(TIMED_OUT) }
    });
    let bystander = stage.bystander();
    stage.load();
    stage.begin();
    tell.send(Instant::now() + stage.grace()).unwrap();
    stage.blocking_cleanup(bystander)
}
