//! Progress while many tasks run: the processor time of deadstop's threads.

use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};
use std::{fs, thread};

use deadstop::Shutdown;
use deadstop::report::Progress;

use crate::results::Results;
use crate::{child, fail};

const SIZES: [usize; 4] = [10, 100, 1_000, 10_000];
const PART: &str = "progress";

/// The time for which all tasks run.
const LENGTH: Duration = Duration::from_secs(4);

/// The threads of deadstop that run then.
const THREADS: [&str; 3] = ["deadstop-log", "deadstop-run", "deadstop-report"];

pub(crate) fn measure(results: &mut Results, rounds: usize, is_quick: bool) {
    let sizes = if is_quick { &SIZES[..3] } else { &SIZES };
    for _ in 0..rounds {
        for &size in sizes {
            let mut command = child(PART, size);
            command.stdin(Stdio::null());
            let output = command.output().unwrap();
            let error = String::from_utf8_lossy(&output.stderr);
            let lines = error.lines().filter(|line| line.starts_with("deadstop: "));
            let mut add =
                |what: &str, unit, value| results.add(PART, what, size as u64, unit, value);
            add("lines on standard error", "", lines.count() as f64);
            let figures = String::from_utf8_lossy(&output.stdout).into_owned();
            let mut count = 0;
            for line in figures.lines() {
                let (what, nanos) = line.rsplit_once(": ").unwrap();
                add(what, "ns", nanos.parse().unwrap());
                count += 1;
            }
            if count == 0 {
                fail(&format!("{:?}: {error}", output.status));
            }
        }
    }
}

/// Runs `tasks` tasks at once, each of which says how far it is once and then waits.
pub(crate) fn run_tasks(tasks: usize) {
    let builder = Shutdown::builder().grace(Duration::from_secs(120));
    let shutdown = builder.progress(Progress::Stderr).install().unwrap();
    let running = Arc::new(AtomicUsize::new(0));
    let gate = Arc::new((Mutex::new(false), Condvar::new()));
    for n in 0..tasks {
        let (running, gate) = (Arc::clone(&running), Arc::clone(&gate));
        let task = shutdown.task(format!("task {n}"));
        let added = task.on_shutdown(move |cx| {
            cx.progress("waits");
            running.fetch_add(1, Ordering::SeqCst);
            let (is_open, opened) = &*gate;
            let mut guard = is_open.lock().unwrap_or_else(PoisonError::into_inner);
            while !*guard {
                guard = opened.wait(guard).unwrap_or_else(PoisonError::into_inner);
            }
        });
        added.unwrap();
    }
    let own = THREADS.map(find_thread);
    let begun = Instant::now();
    shutdown.request(deadstop::Cause::requested("the bench"));
    while running.load(Ordering::SeqCst) < tasks {
        assert!(
            begun.elapsed() < Duration::from_secs(60),
            "they do not start"
        );
        thread::sleep(Duration::from_millis(1));
    }
    println!("until all run: {}", begun.elapsed().as_nanos());
    let before = own.map(|thread| thread.map_or(0, processor_time));
    thread::sleep(LENGTH);
    for ((name, thread), before) in THREADS.iter().zip(own).zip(before) {
        let used = thread.map_or(0, processor_time).saturating_sub(before);
        let per_second = used as f64 / LENGTH.as_secs_f64();
        println!("{name} per second: {per_second:.0}");
    }
    let released = Instant::now();
    *gate.0.lock().unwrap_or_else(PoisonError::into_inner) = true;
    gate.1.notify_all();
    shutdown.wait();
    println!(
        "from their return to the end: {}",
        released.elapsed().as_nanos()
    );
}

/// The number of the thread with this name, which the kernel cuts to 15 bytes.
fn find_thread(name: &str) -> Option<u64> {
    let threads = fs::read_dir("/proc/self/task").unwrap();
    let mut numbers = threads.filter_map(|it| it.ok()?.file_name().to_str()?.parse().ok());
    numbers.find(|tid| {
        let comm = fs::read_to_string(format!("/proc/self/task/{tid}/comm"));
        comm.is_ok_and(|comm| comm.trim() == &name[..name.len().min(15)])
    })
}

/// Nanoseconds on a processor.
fn processor_time(tid: u64) -> u64 {
    let path = format!("/proc/self/task/{tid}/schedstat");
    let text = fs::read_to_string(path).unwrap_or_default();
    let first = text
        .split_whitespace()
        .next()
        .and_then(|it| it.parse().ok());
    first.unwrap_or(0)
}
