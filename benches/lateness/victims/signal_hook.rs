//! signal-hook's iterator, on a thread of its own.

use std::thread;

use ::signal_hook::iterator::Signals;

use super::Stage;
use crate::conditions;

pub(crate) fn arm(stage: &Stage) -> ! {
    let mut signals = Signals::new([libc::SIGTERM]).unwrap();
    let page = stage.page;
    thread::spawn(move || {
        for _ in signals.forever() {
            page.armed.stamp();
        }
    });
    stage.load();
    stage.begin();
    conditions::park()
}
