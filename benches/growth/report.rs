//! The hang report of a process with many threads: from when it is due to when it is written.

use std::path::PathBuf;
use std::time::Duration;
use std::{env, thread};

use deadstop::Shutdown;
use deadstop::report::{Progress, Sinks};

use crate::results::Results;
use crate::watched::{GRACE, now, watch};
use crate::{child, folder};

const SIZES: [usize; 3] = [10, 1_000, 5_000];
const PART: &str = "report";

pub(crate) fn measure(results: &mut Results, rounds: usize, is_quick: bool) {
    let sizes = if is_quick { &SIZES[..2] } else { &SIZES };
    let json = folder(PART).join("report.json");
    for _ in 0..rounds {
        for &size in sizes {
            let report = watch(child(PART, size), &json);
            let mut add =
                |what: &str, unit, value| results.add(PART, what, size as u64, unit, value);
            report.add_times(&mut add);
            add("threads that are only counted", "", report.unlisted);
            add("most resident memory", "MiB", report.most_resident);
        }
    }
}

/// A process with `threads` threads that wait, and a task that never returns.
pub(crate) fn hang(threads: usize) -> ! {
    let json = env::var_os("GROWTH_JSON").map(PathBuf::from).unwrap();
    let sinks = Sinks::new()
        .without_termination_message()
        .log(false)
        .json(json);
    let builder = Shutdown::builder().grace(GRACE).progress(Progress::Off);
    let shutdown = builder.sinks(sinks).install().unwrap();
    for _ in 0..threads {
        let thread = thread::Builder::new().stack_size(64 << 10);
        thread.spawn(park).unwrap();
    }
    let task = shutdown.task("never returns");
    let _handle = task.on_shutdown(|_| park()).unwrap();
    thread::sleep(Duration::from_millis(100));
    println!("{}", now());
    shutdown.finish_and_exit()
}

fn park() {
    loop {
        thread::park();
    }
}
