//! ctrlc: its closure gives cleanup the grace, and then exits.

use std::thread;

use super::Stage;
use crate::conditions::{self, Condition};
use crate::page::Page;

pub(crate) fn end(stage: &Stage) -> ! {
    let (page, condition): (&'static Page, &'static Condition) = (stage.page, stage.condition);
    let handler = move || {
        let stage = Stage { page, condition };
        thread::sleep(stage.grace());
        stage.end()
    };
    ::ctrlc::set_handler(handler).unwrap();
    let bystander = stage.bystander();
    stage.load();
    stage.begin();
    // SAFETY: takes an integer.
    unsafe { libc::raise(libc::SIGINT) };
    stage.blocking_cleanup(bystander)
}

pub(crate) fn arm(stage: &Stage) -> ! {
    let page = stage.page;
    ::ctrlc::set_handler(move || page.armed.stamp()).unwrap();
    stage.load();
    stage.begin();
    conditions::park()
}
