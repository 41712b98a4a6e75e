//! signal-hook's iterator, on a thread of its own.

use std::thread;

use ::signal_hook::iterator::Signals;

use super::Setup;
use crate::conditions;

pub(crate) fn arm(setup: &Setup) -> ! {
    let mut signals = Signals::new([libc::SIGTERM]).unwrap();
    let page = setup.page;
    thread::spawn(move || {
        for _ in signals.forever() {
            page.armed.stamp();
        }
    });
    setup.load();
    setup.begin();
    conditions::park()
}
