//! A child whose cleanup hangs, watched from its request to its end.
//!
//! The child prints when it requests its shutdown, in nanoseconds of `CLOCK_MONOTONIC`, which
//! processes share. Its hang report goes to standard error, whose last bytes are seen as they
//! come, and to a JSON file.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;
use std::{fs, thread};

use rustix::time::{ClockId, clock_gettime};
use serde_json::Value;

/// From the request to the deadline.
pub(crate) const GRACE: Duration = Duration::from_secs(5);

/// The report is due so long before the deadline: a tenth of the grace.
const BEFORE: Duration = Duration::from_millis(500);

/// A child's report, and its times.
pub(crate) struct Watched {
    /// From when the report was due to its first and its last byte on standard error, in
    /// nanoseconds.
    pub(crate) first: f64,
    pub(crate) last: f64,
    /// `true` if the last byte came before the deadline, and the file is whole.
    pub(crate) is_complete: bool,
    /// Threads that the report only counts.
    pub(crate) unlisted: f64,
    /// Frames that have a function's name, and those with a line too.
    pub(crate) named: f64,
    pub(crate) with_line: f64,
    /// The most memory that the process had, in MiB.
    pub(crate) most_resident: f64,
}

impl Watched {
    /// Adds when the report came, by a function that takes a name, a unit and a value.
    pub(crate) fn add_times(&self, add: &mut impl FnMut(&str, &'static str, f64)) {
        add("due to the first byte on standard error", "ns", self.first);
        add("due to the last byte on standard error", "ns", self.last);
        let is_complete = self.is_complete.into();
        add("complete before the deadline", "yes", is_complete);
    }
}

pub(crate) fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}

/// Starts the child, and waits for its end.
pub(crate) fn watch(mut command: Command, json: &Path) -> Watched {
    let _ = fs::remove_file(json);
    let mut child = command
        .env("GROWTH_JSON", json)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    let mut output = BufReader::new(child.stdout.take().unwrap());
    output.read_line(&mut line).unwrap();
    let Ok(begun) = line.trim().parse::<u64>() else {
        let said = std::io::read_to_string(child.stderr.take().unwrap());
        crate::fail(&format!("{command:?} said {line:?}, {said:?}"));
    };
    let mut error = child.stderr.take().unwrap();
    let reader = thread::spawn(move || {
        let (mut buffer, mut times) = ([0; 1 << 16], Vec::new());
        while error.read(&mut buffer).is_ok_and(|read| read > 0) {
            times.push(now());
        }
        times
    });
    let deadline = begun + GRACE.as_nanos() as u64;
    let due = deadline - BEFORE.as_nanos() as u64;
    // Just before the end, when all is read.
    thread::sleep(Duration::from_nanos(
        deadline.saturating_sub(now() + 30_000_000),
    ));
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let most = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let most = most.and_then(|most| most.trim().strip_suffix(" kB")?.trim().parse::<f64>().ok());
    let _ = child.wait();
    let times = reader.join().unwrap();
    let since_due = |at: Option<&u64>| at.map_or(f64::NAN, |at| *at as f64 - due as f64);
    let report = fs::read_to_string(json).unwrap_or_default();
    let report: Value = serde_json::from_str(&report).unwrap_or_default();
    let frames = || {
        let threads = report["threads"].as_array().into_iter().flatten();
        threads.flat_map(|thread| thread["stack"].as_array().into_iter().flatten())
    };
    let with = |key: &str| frames().filter(|frame| !frame[key].is_null()).count() as f64;
    Watched {
        first: since_due(times.first()),
        last: since_due(times.last()),
        is_complete: report["complete"] == true && times.last().is_some_and(|at| *at < deadline),
        unlisted: report["unlisted"]["threads"].as_f64().unwrap_or(f64::NAN),
        named: with("function"),
        with_line: with("site"),
        most_resident: most.unwrap_or(f64::NAN) / 1024.0,
    }
}
