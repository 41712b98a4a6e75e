//! deadstop, with the names of the calls that others are measured by.

use std::hint::black_box;

use deadstop::report::Progress;
use deadstop::{Cause, Shutdown, TaskContext, Watchdog};

use super::bare::Bare;
use super::{GRACE, ROUNDS, measure, measure_both, measure_once, settle};

pub(super) fn watchdog() {
    let watchdog = Watchdog::builder().grace(GRACE).install().unwrap();
    let bare = Bare::install();
    settle();
    // The second of the two finds warm caches, so they take turns at that.
    let arm = || measure_once("arm, first", || watchdog.arm());
    let set = || measure_once("bare, first", || bare.arm());
    match std::process::id() % 2 {
        0 => {
            arm();
            settle();
            set();
        }
        _ => {
            set();
            settle();
            arm();
        }
    }
    settle();
    measure_both(
        ["arm, again", "bare, again"],
        2_000,
        || watchdog.arm(),
        || bare.arm(),
    );
}

pub(super) fn shutdown() {
    let shutdown = install();
    settle();
    measure("is_requested", 100_000, || {
        black_box(black_box(&shutdown).is_requested());
    });
    let mut tasks = Vec::with_capacity(ROUNDS * 1_000);
    measure("register", 1_000, || {
        tasks.push(shutdown.task("close").on_shutdown(|_| {}).unwrap());
    });
    let mut registered = tasks.iter();
    measure("cancel", 1_000, || {
        assert!(registered.next().unwrap().cancel());
    });
    shutdown.task("say").on_shutdown(say).unwrap();
    shutdown.finish();
}

fn say(cx: &TaskContext) {
    measure("progress", 10_000, || {
        cx.progress(black_box("segment 12 of 40"));
    });
}

pub(super) fn request() {
    let shutdown = install();
    shutdown.task("close").on_shutdown(|_| {}).unwrap();
    settle();
    measure_once("request", || {
        shutdown.request(Cause::requested("measured"));
    });
    shutdown.wait();
}

fn install() -> Shutdown {
    let builder = Shutdown::builder().grace(GRACE).progress(Progress::Off);
    builder.install().unwrap()
}
