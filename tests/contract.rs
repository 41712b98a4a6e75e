//! The public names that programs compile against, in the form in which the
//! documentation shows them. Nothing here runs: it is a test that it compiles.

#![cfg(all(
    feature = "shutdown",
    feature = "signals",
    feature = "report",
    feature = "platform"
))]
#![expect(dead_code, reason = "compiled, never called")]

use std::error::Error;
use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{Duration, Instant};

use deadstop::{
    Cause, CleanExit, InstallError, Panics, Phase, RegisterError, SecondSignal, Shutdown, Signal,
    TaskContext, TaskHandle, Watchdog, WhenDone,
};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn assert_clone_and_send<T: Clone + Send>() {}

fn level_1() -> std::result::Result<Watchdog, InstallError> {
    let watchdog = Watchdog::builder()
        .grace(Duration::from_secs(10))
        .exit_status(124)
        .arm_on([Signal::TERM, Signal::INT])
        .report(true)
        .backup_after(Duration::from_millis(100))
        .install()?;
    watchdog.arm();
    watchdog.arm_within(Duration::ZERO);
    let _: Option<Instant> = watchdog.deadline();
    let _ = watchdog.protection();
    Ok(watchdog)
}

fn level_2() -> Result<()> {
    let d = Duration::from_secs(1);
    let shutdown = Shutdown::builder()
        .grace(Duration::from_secs(25))
        .signals([Signal::TERM, Signal::INT])
        .second_signal(SecondSignal::EndFromTerminal)
        .panics(Panics::Shutdown)
        .clean_exit(CleanExit::Success)
        .when_done(WhenDone::Wait)
        .phase(
            Phase::new("replicate")
                .after(Phase::DRAIN)
                .budget(d)
                .reserve(d),
        )
        .install()?;

    let registered: std::result::Result<TaskHandle, RegisterError> = shutdown
        .task("flush the log")
        .phase(Phase::FLUSH)
        .budget(Duration::from_secs(3))
        .on_shutdown(move |_cx| std::io::Result::Ok(()));
    let handle = registered?;
    shutdown.task("drain").on_shutdown_async(|cx| async move {
        cx.progress("3 left");
    })?;
    let _: bool = handle.cancel();

    let _: bool = shutdown.request(Cause::requested("admin endpoint"));
    let _: bool = shutdown.is_requested();
    shutdown.requested().wait();
    let _: bool = shutdown.requested().wait_timeout(d);
    shutdown.reached(Phase::UNBIND).wait();
    let _: ExitCode = shutdown.ended().wait();
    let _: ExitCode = shutdown.wait();
    let _: ExitCode = shutdown.finish();
    let _: Option<deadstop::report::ShutdownReport> = shutdown.report();
    shutdown.status_report();
    Ok(())
}

async fn level_2_async(shutdown: Shutdown) -> ExitCode {
    shutdown.requested().await;
    shutdown.reached(Phase::DRAIN).await;
    shutdown.ended().await
}

fn ends_1(shutdown: &Shutdown) -> ! {
    shutdown.wait_and_exit()
}

fn ends_2(shutdown: &Shutdown) -> ! {
    shutdown.finish_and_exit()
}

fn choices() {
    let _ = [
        SecondSignal::EndFromTerminal,
        SecondSignal::End,
        SecondSignal::Ignore,
    ];
    let _ = [WhenDone::Wait, WhenDone::Exit];
    let _ = [
        CleanExit::Success,
        CleanExit::SignalStatus,
        CleanExit::Reraise,
        CleanExit::Immediate,
    ];
    let _ = Signal::from(15);
    let _: i32 = Signal::TERM.number();
}

fn platform(shutdown: &Shutdown) {
    let _ = deadstop::platform::detect();
    let _ = Shutdown::builder().grace_from_platform(Duration::from_secs(25));
    let _ = Shutdown::builder().grace_from_env("SHUTDOWN_GRACE", Duration::from_secs(25));
    for finding in deadstop::platform::check(shutdown) {
        let _ = (finding.level, finding.certain, finding.text, finding.fix);
    }
}

fn drain(shutdown: &Shutdown) -> Result<()> {
    use deadstop::drain::{Drain, GateClosed, GateGuard, WhenFull};

    let gate = shutdown
        .gate("http requests")
        .keep_accepting(Duration::from_secs(5))
        .open()?;
    let guard: std::result::Result<GateGuard, GateClosed> = gate.enter();
    drop(guard?);
    drop(gate.enter_named("GET /orders/7")?);
    let _ = gate.in_flight();
    let _: bool = gate.should_close();

    let pool = shutdown
        .pool("mailer")
        .threads(10)
        .queue(100)
        .keep_alive(Duration::from_secs(60))
        .when_full(WhenFull::CallerRuns)
        .on_shutdown(Drain::Finish)
        .budget(Duration::from_secs(30))
        .start()?;
    pool.execute(|| ()).map_err(|_| "rejected")?;
    let job = pool.submit(|| 1).map_err(|_| "rejected")?;
    let _ = job.cancel();
    pool.close();
    let _: bool = pool.await_termination(Duration::from_secs(1));
    let _ = pool.stop();
    Ok(())
}

fn drain_more(shutdown: &Shutdown) -> Result<()> {
    struct Client;
    impl Client {
        fn wakeup(&self) {}
        fn close(&self) {}
    }
    shutdown
        .resource("orders client", Client)
        .waker(|c| c.wakeup())
        .close(|c| c.close())?;
    shutdown.keep("uploader").spawn(move |_cx| ())?;
    shutdown.task("consumer").join(std::thread::spawn(|| ()))?;
    let _child = shutdown.child("ffmpeg", Command::new("ffmpeg"))?;
    shutdown.remove_file("/run/app.pid")?;
    Ok(())
}

#[cfg(feature = "health")]
fn health(shutdown: &Shutdown) -> Result<()> {
    let beat = shutdown
        .heartbeat("consumer loop")
        .every(Duration::from_secs(5))
        .on_stall(deadstop::health::OnStall::Shutdown)
        .start()?;
    beat.tick();
    let _slow = beat.expect(Duration::from_secs(60));
    drop(beat.pause());
    let started: std::result::Result<deadstop::health::Health, deadstop::health::HealthError> =
        shutdown
            .health()
            .bind("127.0.0.1:8086")
            .check("database", || true)
            .start();
    started?.set_ready();
    Ok(())
}

#[test]
fn task_context_can_be_cloned_and_sent() {
    assert_clone_and_send::<TaskContext>();
}

/// The rows of "What callers can rely on" name their tests; a test that is renamed or
/// removed takes its row with it.
#[test]
fn each_promise_of_the_crate_docs_names_a_test_that_exists() {
    fn read(folder: &Path, all: &mut String) {
        for entry in fs::read_dir(folder).expect("the folder is there") {
            let path = entry.expect("it can be listed").path();
            if path.is_dir() {
                read(&path, all);
            } else if path.extension().is_some_and(|it| it == "rs") {
                all.push_str(&fs::read_to_string(path).expect("it is text"));
            }
        }
    }

    let docs = include_str!("../src/lib.rs");
    let (_, table) = docs
        .split_once("| question | answer | test |")
        .expect("the table");
    let rows = table
        .lines()
        .skip(2)
        .take_while(|line| line.starts_with("//! |"));
    let mut tests = String::new();
    read(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"),
        &mut tests,
    );
    let mut count = 0;
    for row in rows {
        let name = row.rsplit('`').nth(1).expect("a name in the last column");
        // A test, or a fault of the victim, which `tests/faults` runs under its name.
        let is_there = tests.contains(&format!("fn {name}()"))
            || tests.contains(&format!("    (\"{name}\", "));
        assert!(is_there, "no test is called `{name}`: {row}");
        count += 1;
    }
    assert!(count >= 15, "{count} rows");
}
