//! ctrlc: its closure gives cleanup the grace, and then exits.

use std::thread;

use super::Setup;
use crate::conditions::{self, Condition};
use crate::page::Page;

pub(crate) fn end(setup: &Setup) -> ! {
    let (page, condition): (&'static Page, &'static Condition) = (setup.page, setup.condition);
    let handler = move || {
        let setup = Setup { page, condition };
        thread::sleep(setup.grace());
        setup.end()
    };
    ::ctrlc::set_handler(handler).unwrap();
    let bystander = setup.bystander();
    setup.load();
    setup.begin();
    // SAFETY: takes an integer.
    unsafe { libc::raise(libc::SIGINT) };
    setup.blocking_cleanup(bystander)
}

pub(crate) fn arm(setup: &Setup) -> ! {
    let page = setup.page;
    ::ctrlc::set_handler(move || page.armed.stamp()).unwrap();
    setup.load();
    setup.begin();
    conditions::park()
}
