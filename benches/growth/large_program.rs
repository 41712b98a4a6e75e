//! A program whose task hangs four calls deep. The bench links much debug information in.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, hint, thread};

use deadstop::Shutdown;
use deadstop::report::{Progress, Sinks};

fn main() {
    let json = env::var_os("GROWTH_JSON").map(PathBuf::from).unwrap();
    let sinks = Sinks::new().without_termination_message().log(false).json(json);
    let builder = Shutdown::builder().grace(Duration::from_secs(5));
    let shutdown = builder.progress(Progress::Off).sinks(sinks).install().unwrap();
    let task = shutdown.task("never returns");
    let _handle = task.on_shutdown(|_| first(hint::black_box(1))).unwrap();
    thread::sleep(Duration::from_millis(100));
    println!("{}", now());
    shutdown.finish_and_exit()
}

#[inline(never)]
fn first(n: u64) {
    second(n + 1);
    hint::black_box(n);
}

#[inline(never)]
fn second(n: u64) {
    third(n + 1);
    hint::black_box(n);
}

#[inline(never)]
fn third(n: u64) {
    loop {
        thread::park();
        hint::black_box(n);
    }
}

fn now() -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is valid for writes.
    unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC, &raw mut time) };
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
