//! The test kit on a program like a user's: every fault strikes where it is
//! planted, by the environment and by code, and the program ends as expected.
//!
//! Each hang has a control: the same fault in a program whose grace never ends
//! is still running long after. The tests use the kit's own harness.

#![expect(
    unsafe_code,
    reason = "blocks a signal, which victims must not inherit"
)]

mod endless_child;
mod ends;
mod errors;
mod hangs;
mod places;
mod set_user_id;
mod victims;

use std::time::{Duration, Instant};

use deadstop::Signal;
use deadstop_testkit::{Death, Fault, Victim, VictimBuilder};

/// Long enough for the hang report under load: it is written a tenth of this
/// before the deadline.
const GRACE: Duration = Duration::from_secs(3);

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// The bound of every wait.
const TIMEOUT: Duration = Duration::from_secs(15);

const TASK: &str = "flush the log";

fn app(grace: Duration) -> VictimBuilder {
    Victim::command(env!("CARGO_BIN_EXE_testkit_app")).arg(grace.as_millis().to_string())
}

fn endless_app() -> VictimBuilder {
    Victim::command(env!("CARGO_BIN_EXE_testkit_app")).arg("endless")
}

/// Starts a victim and asks it to stop.
fn stopping(app: VictimBuilder) -> Victim {
    let mut victim = app.start().expect("the app starts");
    let ready = victim.wait_for_line("ready", TIMEOUT);
    ready.expect("the app gets ready");
    let sent = victim.signal(Signal::TERM);
    sent.expect("the app is there");
    victim
}

/// Starts a victim, asks it to stop, and waits for its end.
fn stopped(app: VictimBuilder) -> Death {
    let death = stopping(app).wait(TIMEOUT);
    death.expect("the app ends")
}

/// Runs a program whose `install` fails.
fn refused(app: VictimBuilder) -> Death {
    let mut victim = app.start().expect("the app starts");
    let death = victim.wait(TIMEOUT).expect("the app ends");
    death.assert_status(2);
    death
}

fn says(death: &Death, line: &str) -> bool {
    death.stdout().lines().any(|said| said == line)
}

fn assert_hung(death: &Death, task: &str) {
    death
        .assert_status(124)
        .assert_not_before(GRACE)
        .assert_names(task);
}
