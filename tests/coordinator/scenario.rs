//! Functions that every scenario uses: start, end, failure, and the shutdown.

use std::io::{self, Write};
use std::panic;
use std::process::ExitCode;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use deadstop::report::ShutdownReport;
use deadstop::{Cause, Shutdown, ShutdownBuilder, WhenDone};

use crate::system;

/// Exit status of a scenario whose assertions all held.
pub(crate) const PASSED: i32 = 42;
/// Exit status after an assertion failed.
const FAILED: i32 = 43;

/// A grace period that is longer than any scenario.
pub(crate) const LONG_GRACE: Duration = Duration::from_secs(8);

/// `true` while an exit of the process must wait until the scenario ends.
static HOLDS_EXIT: AtomicBool = AtomicBool::new(true);
static RETURN: OnceLock<ExitCode> = OnceLock::new();

/// The payload of a planned panic that is not a text.
pub(crate) struct PlannedPanic;

/// Prepares the process. Afterwards, an assertion that fails ends the process.
///
/// If no thread waits for the shutdown, the coordinator ends the process after the last task.
/// This may be before the scenario's last assertion. An exit therefore waits for the scenario,
/// unless the scenario calls [`allow_exit`].
pub(crate) fn begin() {
    system::die_with_parent();
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let planned = text.is_some_and(|text| text.starts_with("planned"));
        if !planned && !payload.is::<PlannedPanic>() {
            let _ = writeln!(io::stderr(), "{info}");
            system::exit_at_once(FAILED);
        }
    }));
    system::at_exit(hold_exit);
    print_line(&format!("installed {}", system::now()));
}

extern "C" fn hold_exit() {
    while HOLDS_EXIT.load(Ordering::Acquire) {
        sleep_ms(5);
    }
}

/// Ends a scenario after its last assertion.
pub(crate) fn end() -> ExitCode {
    match RETURN.get() {
        Some(code) => *code,
        // `_exit` also ends threads that wait in an exit handler.
        None => system::exit_at_once(PASSED),
    }
}

/// Lets the process exit before the scenario ends.
pub(crate) fn allow_exit() {
    HOLDS_EXIT.store(false, Ordering::Release);
}

/// Lets the process exit, and blocks the calling thread.
pub(crate) fn allow_exit_and_block() -> ! {
    allow_exit();
    hang();
}

/// Has `main` return `code`.
pub(crate) fn return_from_main(code: ExitCode) {
    allow_exit();
    assert!(RETURN.set(code).is_ok(), "the code is set once");
}

/// Returns a builder with a long grace period and no signals.
pub(crate) fn builder() -> ShutdownBuilder {
    Shutdown::builder()
        .grace(LONG_GRACE)
        .signals([])
        .when_done(WhenDone::Exit)
}

pub(crate) fn install() -> Shutdown {
    install_as(builder())
}

pub(crate) fn install_as(builder: ShutdownBuilder) -> Shutdown {
    builder.install().expect("install succeeds")
}

/// Returns the cause of most shutdowns in these tests.
pub(crate) fn some_cause() -> Cause {
    Cause::requested("the scenario")
}

/// Requests the shutdown, waits for it, and returns its report.
pub(crate) fn run(shutdown: &Shutdown) -> ShutdownReport {
    assert!(shutdown.request(some_cause()), "this is the first request");
    wait_for_report(shutdown)
}

/// Waits for the end of the shutdown, and returns its report.
pub(crate) fn wait_for_report(shutdown: &Shutdown) -> ShutdownReport {
    shutdown.wait();
    shutdown.report().expect("the shutdown has ended")
}

/// Panics. The panic does not count as a failed assertion.
pub(crate) fn panic_as_planned() -> ! {
    panic!("planned");
}

/// Blocks for ever.
pub(crate) fn hang() -> ! {
    loop {
        thread::park();
    }
}

pub(crate) fn sleep_ms(time: u64) {
    thread::sleep(ms(time));
}

pub(crate) const fn ms(time: u64) -> Duration {
    Duration::from_millis(time)
}

/// Prints a measured time for the test to check.
pub(crate) fn print_figure(name: &str, figure: Duration) {
    print_line(&format!("{name} {}", figure.as_micros()));
}

/// Prints a line with one write.
pub(crate) fn print_line(line: &str) {
    let line = format!("{line}\n");
    let written = io::stdout().write_all(line.as_bytes());
    written.expect("the test reads the output");
}
