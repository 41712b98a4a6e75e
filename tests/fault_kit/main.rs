//! The fault kit, on a program like a user's: every fault strikes where it is
//! planted, by the environment and by code, and the program ends as it should.
//!
//! Each hang has a control: the same, in a program whose grace never ends, is
//! still there long after. The harness that is used here is the kit's own.

#![expect(
    unsafe_code,
    reason = "blocks a signal, which victims are not to inherit"
)]

mod endless_child;
mod ends;
mod errors;
mod hangs;
mod places;
mod victims;

use std::time::{Duration, Instant};

use deadstop::Signal;
use deadstop::fault::{Death, Fault, Victim, VictimBuilder};

/// Long enough for the hang report to be there in time under load: it comes a
/// tenth of this before the deadline.
const GRACE: Duration = Duration::from_secs(3);

/// A grace that no test waits for.
const LONG: Duration = Duration::from_secs(20);

/// How long what should have happened is waited for.
const PATIENCE: Duration = Duration::from_secs(15);

const TASK: &str = "flush the log";

fn app(grace: Duration) -> VictimBuilder {
    Victim::command(env!("CARGO_BIN_EXE_app")).arg(grace.as_millis().to_string())
}

fn endless_app() -> VictimBuilder {
    Victim::command(env!("CARGO_BIN_EXE_app")).arg("endless")
}

/// Starts a victim, and has it begin to stop.
fn stopping(app: VictimBuilder) -> Victim {
    let mut victim = app.start().expect("the app starts");
    let ready = victim.wait_for_line("ready", PATIENCE);
    ready.expect("the app gets ready");
    let sent = victim.signal(Signal::Terminate);
    sent.expect("the app is there");
    victim
}

/// Runs a victim from its request to its end.
fn stopped(app: VictimBuilder) -> Death {
    let death = stopping(app).wait(PATIENCE);
    death.expect("the app ends")
}

/// What an app says that cannot be installed.
fn refused(app: VictimBuilder) -> Death {
    let mut victim = app.start().expect("the app starts");
    let death = victim.wait(PATIENCE).expect("the app ends");
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
