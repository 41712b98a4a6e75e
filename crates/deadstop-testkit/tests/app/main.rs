//! A program like a user's, in which the tests plant faults.
//!
//! ```text
//! app GRACE_MS|endless [NAME=FAULT ...]
//! ```
//!
//! The program prints `ready` and stops on `SIGTERM` or Ctrl-C. Its arguments are faults that it
//! plants by code. With `APP_DECLARES` it declares the names of its tasks and its point.

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;
use std::time::Duration;

use deadstop::report::Progress;
use deadstop::{Phase, Shutdown};
use deadstop_testkit::{self as testkit, Fault, StuckAllocator};
use log::{Level, LevelFilter, Log, Metadata, Record};

#[global_allocator]
static ALLOCATOR: StuckAllocator = StuckAllocator::system();

/// Longer than a report keeps, with a two-byte character where it is cut and a
/// character that is escaped.
const LONG_NAME: &str =
    "say \"goodbye\" to each of the peers on the lists, one by one: Zoë, Zoë, Zoë";

const POINT: &str = "the store is half closed";

fn main() -> Result<ExitCode, Box<dyn Error>> {
    log::set_logger(&StderrLog).expect("the only logger");
    log::set_max_level(LevelFilter::Warn);
    testkit::enable();
    let mut arguments = std::env::args().skip(1);
    let grace = match arguments.next().as_deref() {
        Some("endless") => Duration::MAX,
        Some(millis) => Duration::from_millis(millis.parse()?),
        None => return Err("usage: app GRACE_MS|endless [NAME=FAULT ...]".into()),
    };
    for argument in arguments {
        let (name, fault) = argument.split_once('=').ok_or("NAME=FAULT")?;
        testkit::plant(name, fault.parse::<Fault>()?);
    }
    if std::env::var_os("APP_DECLARES").is_some() {
        testkit::declare(["flush the log", "/store/close", "be brief", LONG_NAME]);
        testkit::declare([POINT]);
    }
    let shutdown = match Shutdown::builder()
        .grace(grace)
        // A hung flush lasts until the deadline.
        .phase(Phase::CLOSE.reserve(Duration::ZERO))
        // Standard error then contains messages about faults only.
        .progress(Progress::Off)
        .log_platform(false)
        .install()
    {
        Ok(shutdown) => shutdown,
        Err(error) => {
            say(&format!("not installed: {error}"));
            return Ok(ExitCode::from(2));
        }
    };
    shutdown
        .task("flush the log")
        .phase(Phase::FLUSH)
        .on_shutdown(|_| say("flushed"))?;
    shutdown.scope("store").task("close").on_shutdown(|_| {
        testkit::point(POINT);
        say("closed");
    })?;
    shutdown
        .task("be brief")
        .budget(Duration::from_millis(100))
        .on_shutdown(|_| say("was brief"))?;
    shutdown
        .task(LONG_NAME)
        .on_shutdown(|_| say("said goodbye"))?;
    say("ready");
    let code = shutdown.wait();
    if let Some(report) = shutdown.report() {
        for fault in report.missed_faults() {
            say(&format!("missed {fault}"));
        }
        for task in report.tasks() {
            say(&format!("task {:?} {}", task.name(), task.outcome()));
        }
    }
    Ok(code)
}

fn say(line: &str) {
    // One write: lines of several threads do not mix.
    let said = io::stdout().write_all(format!("{line}\n").as_bytes());
    said.expect("the test reads");
}

struct StderrLog;

impl Log for StderrLog {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn log(&self, record: &Record<'_>) {
        if record.level() <= Level::Warn {
            let line = format!("{}: {}\n", record.level(), record.args());
            let _ = io::stderr().write_all(line.as_bytes());
        }
    }

    fn flush(&self) {}
}
