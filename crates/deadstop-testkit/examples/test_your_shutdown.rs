//! Tests a program's shutdown: plants faults in it and checks how it ends.
//!
//! ```text
//! cargo run -p deadstop-testkit --example test_your_shutdown             the tests: ends with 0
//! cargo run -p deadstop-testkit --example test_your_shutdown -- --serve  the program itself
//! ```
//!
//! In your package, the program is `src/main.rs`, and the tests are a file in
//! `tests/` whose victim is `env!("CARGO_BIN_EXE_app")`. Here both are one
//! program, which starts itself as its victim.

#![expect(clippy::print_stdout, reason = "it talks to the user")]

use std::error::Error;
use std::process::ExitCode;

fn main() -> Result<ExitCode, Box<dyn Error>> {
    match std::env::args().any(|argument| argument == "--serve") {
        true => app::main(),
        false => test::main(),
    }
}

/// The program under test.
mod app {
    use super::*;

    use std::time::Duration;

    use deadstop::{Phase, Shutdown};

    pub(super) fn main() -> Result<ExitCode, Box<dyn Error>> {
        // In your package these two lines stand under `#[cfg(feature = ...)]`.
        deadstop_testkit::enable();
        deadstop_testkit::declare(["flush the log", "close the database"]);
        // By default a tenth of the grace is kept for this phase, and a hung flush
        // would be abandoned before the deadline.
        let close = Phase::CLOSE.reserve(Duration::ZERO);
        let shutdown = Shutdown::builder().grace(grace()?).phase(close).install()?;
        shutdown
            .task("flush the log")
            .phase(Phase::FLUSH)
            .on_shutdown(|_| println!("the log is flushed"))?;
        shutdown
            .task("close the database")
            .budget(Duration::from_millis(200))
            .on_shutdown(|_| println!("the database is closed"))?;
        println!("ready");
        Ok(shutdown.wait())
    }

    /// Returns the configured grace, by default two seconds.
    fn grace() -> Result<Duration, Box<dyn Error>> {
        let seconds = std::env::var("APP_GRACE_SECONDS");
        let seconds = seconds.as_deref().unwrap_or("2").parse()?;
        Ok(Duration::from_secs(seconds))
    }
}

/// The tests.
mod test {
    use super::*;

    use std::time::Duration;

    use deadstop::Signal;
    use deadstop_testkit::{Death, Fault, Victim, VictimBuilder};

    /// The app's default grace.
    const GRACE: Duration = Duration::from_secs(2);

    /// The bound of every wait. Not a measurement: it bounds the time of a test
    /// that fails.
    const TIMEOUT: Duration = Duration::from_secs(15);

    pub(super) fn main() -> Result<ExitCode, Box<dyn Error>> {
        println!("nothing hangs: the app ends with 0");
        stop(app()?)?.assert_status(0);

        let hangs = [
            Fault::BlockedPipeWrite,
            Fault::ChildProcess,
            Fault::SelfDeadlock,
            Fault::Spin,
            Fault::StdoutLock,
        ];
        // All at the same time: they only hang.
        let stuck = hangs.map(|fault| stopping(app()?.plant("flush the log", fault)));
        for (fault, stuck) in hangs.into_iter().zip(stuck) {
            println!("the log hangs ({fault}): 124 after {GRACE:?}, and the report names it");
            let death = stuck?.wait(TIMEOUT)?;
            death
                .assert_status(124)
                .assert_not_before(GRACE)
                .assert_names("flush the log");
            println!("  {:.1?} late, this time", death.lateness(GRACE));
        }

        println!(
            "the database hangs: its task is abandoned after its budget, and the app ends with 1"
        );
        let death = stop(app()?.plant("close the database", Fault::Sleep))?;
        death.assert_status(1);
        assert!(death.stdout().contains("the log is flushed"), "{death}");

        println!("the database panics: the app ends with 1");
        stop(app()?.plant("close the database", Fault::Panic))?.assert_status(1);

        println!("the log is slow but in time: the app ends with 0");
        let slow = Fault::Slow(GRACE / 4);
        stop(app()?.plant("flush the log", slow))?
            .assert_status(0)
            .assert_not_before(GRACE / 4);

        println!("the control: with an hour of grace, the app is still running");
        let patient = app()?.env("APP_GRACE_SECONDS", "3600");
        let mut victim = stopping(patient.plant("flush the log", Fault::Spin))?;
        let alive = victim.wait(3 * GRACE).expect_err("it is stuck");
        println!("  alive after {:.1?}", alive.waited());

        println!("all tests passed");
        Ok(ExitCode::SUCCESS)
    }

    /// In a test of a package: `Victim::command(env!("CARGO_BIN_EXE_app"))`.
    fn app() -> Result<VictimBuilder, Box<dyn Error>> {
        Ok(Victim::command(std::env::current_exe()?).arg("--serve"))
    }

    /// Starts the app and asks it to stop once it is ready.
    fn stopping(app: VictimBuilder) -> Result<Victim, Box<dyn Error>> {
        let mut app = app.start()?;
        app.wait_for_line("ready", TIMEOUT)?;
        app.signal(Signal::TERM)?;
        Ok(app)
    }

    /// Starts the app, asks it to stop, and waits for its end.
    fn stop(app: VictimBuilder) -> Result<Death, Box<dyn Error>> {
        Ok(stopping(app)?.wait(TIMEOUT)?)
    }
}
