//! Parts of every scenario: its failure, its end, and its shutdown.

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

/// All was as it should be. Nothing else in a scenario ends with it.
pub(crate) const SEEN: i32 = 42;
/// An assertion failed.
const BROKEN: i32 = 43;

/// A grace that no scenario uses up.
pub(crate) const LONG: Duration = Duration::from_secs(8);

/// Set if an exit must wait for the scenario's last observation.
static HOLDS_EXIT: AtomicBool = AtomicBool::new(true);
static RETURN: OnceLock<ExitCode> = OnceLock::new();

/// The payload of a planned panic that is not a text.
pub(crate) struct Planned;

/// Prepares the process: from here on an assertion that fails ends it.
///
/// A coordinator without a waiter ends the process when all is done, which
/// may be before the scenario has looked. So its exit is held, unless the
/// scenario is [about that](let_it_end).
pub(crate) fn begin() {
    system::die_with_parent();
    panic::set_hook(Box::new(|info| {
        let payload = info.payload();
        let text = payload
            .downcast_ref::<&str>()
            .copied()
            .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let planned = text.is_some_and(|text| text.starts_with("planned"));
        if !planned && !payload.is::<Planned>() {
            let _ = writeln!(io::stderr(), "{info}");
            system::exit_at_once(BROKEN);
        }
    }));
    system::at_exit(hold_exit);
    say(&format!("installed {}", system::now()));
}

extern "C" fn hold_exit() {
    while HOLDS_EXIT.load(Ordering::Acquire) {
        sleep_ms(5);
    }
}

/// Ends a scenario that has seen all that it should.
pub(crate) fn end() -> ExitCode {
    match RETURN.get() {
        Some(code) => *code,
        // Past threads that are held in an exit.
        None => system::exit_at_once(SEEN),
    }
}

/// Lets the process end by itself.
pub(crate) fn let_it_end() {
    HOLDS_EXIT.store(false, Ordering::Release);
}

/// Lets the process end by itself, and does nothing more in `main`.
pub(crate) fn look_away() -> ! {
    let_it_end();
    hang();
}

/// Has `main` return `code`.
pub(crate) fn return_from_main(code: ExitCode) {
    let_it_end();
    assert!(RETURN.set(code).is_ok(), "main returns once");
}

/// A builder with a long grace that handles no signals.
pub(crate) fn builder() -> ShutdownBuilder {
    Shutdown::builder()
        .grace(LONG)
        .signals([])
        .when_done(WhenDone::Exit)
}

pub(crate) fn install() -> Shutdown {
    install_as(builder())
}

pub(crate) fn install_as(builder: ShutdownBuilder) -> Shutdown {
    builder.install().expect("nothing is in the way")
}

/// The cause of most shutdowns here.
pub(crate) fn why() -> Cause {
    Cause::requested("the scenario")
}

/// Begins the shutdown, and waits for it.
pub(crate) fn run(shutdown: &Shutdown) -> ShutdownReport {
    assert!(shutdown.request(why()), "the first request");
    reported(shutdown)
}

/// Waits for a shutdown, and returns what it reports.
pub(crate) fn reported(shutdown: &Shutdown) -> ShutdownReport {
    shutdown.wait();
    shutdown.report().expect("it is over")
}

/// Panics as the scenario says.
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

/// Prints a figure for the test to judge.
pub(crate) fn say_figure(name: &str, figure: Duration) {
    say(&format!("{name} {}", figure.as_micros()));
}

/// Prints a line, in one piece.
pub(crate) fn say(line: &str) {
    let line = format!("{line}\n");
    let said = io::stdout().write_all(line.as_bytes());
    said.expect("the test reads");
}
