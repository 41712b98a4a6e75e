//! Futures that wait for the request on common runtimes, and runtimes that hang.
//!
//! A process has one shutdown, so this program starts itself again for each case, with `case
//! NAME`. A case exits with [`PASSED`] if its assertions held. The watchdog ends a case whose
//! runtime hangs.

#![expect(unsafe_code, reason = "exits past the shutdown that it looks at")]

mod harness;

use std::io::{self, Write};
use std::process::Command;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;
use std::{env, panic};

use deadstop::{Cause, Phase, Shutdown, WhenDone};
use harness::{Death, End, Victim};
use tokio::runtime::{Builder, Runtime};

/// Exit status of a case whose assertions held.
const PASSED: i32 = 42;
/// The status of a case in which an assertion failed.
const BROKEN: i32 = 43;

/// A grace that is long enough for the cleanup under load.
const GRACE: Duration = Duration::from_millis(600);

/// A grace that is long enough for names in the report, which comes 0.5 s before the end.
const REPORTED: Duration = Duration::from_secs(5);

/// A grace period that is longer than any test.
const AGES: Duration = Duration::from_secs(60);

/// A case, and the check of its end.
type Case = (&'static str, fn(), fn(&Death));

const CASES: &[Case] = &[
    (
        "awaited_on_futures",
        || awaited(futures::executor::block_on),
        seen,
    ),
    ("awaited_on_smol", || awaited(smol::block_on), seen),
    ("awaited_on_smol_by_many", awaited_on_smol_by_many, seen),
    (
        "awaited_on_tokio_current_thread",
        || awaited(|future| current_thread().block_on(future)),
        seen,
    ),
    (
        "awaited_on_tokio_multi_thread",
        || awaited(|future| multi_thread().block_on(future)),
        seen,
    ),
    ("awaited_on_tokio_by_many", awaited_on_tokio_by_many, seen),
    ("task_awaits_tokio", task_awaits_tokio, seen),
    ("tokio_drop_hangs", tokio_drop_hangs, cleaned_and_ended),
    (
        "tokio_drop_makes_the_task_fail",
        tokio_drop_makes_the_task_fail,
        told,
    ),
    (
        "tokio_workers_blocked",
        || tokio_workers_blocked(true),
        cleaned_and_ended,
    ),
    (
        "tokio_workers_blocked_unwaited",
        || tokio_workers_blocked(false),
        cleaned_and_gone,
    ),
];

/// Cases that hang. They must also hang without a deadline.
const HANGS: &[&str] = &["tokio_drop_hangs", "tokio_workers_blocked"];

fn main() {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("case") => run(&arguments[1]),
        // Options of a test harness for which this has no use.
        Some(option) if option.starts_with('-') => judge_all(""),
        filter => judge_all(filter.unwrap_or("")),
    }
}

fn judge_all(filter: &str) {
    for (name, _, judge) in CASES {
        if !name.contains(filter) {
            continue;
        }
        let death = start(name, &[]).wait();
        judge(&death);
        say(&format!("test {name} ... ok"));
        if HANGS.contains(name) {
            let lives = start(name, &["unwatched"]).lives_for(3 * GRACE);
            assert!(lives, "{name} is not stuck without a deadline");
            say(&format!("test {name} unwatched ... ok"));
        }
    }
}

fn start(name: &str, more: &[&str]) -> Victim {
    let this = env::current_exe().expect("it is still there");
    let mut command = Command::new(this);
    command.args(["case", name]).args(more);
    Victim::start(command, name, GRACE)
}

fn seen(death: &Death) {
    assert_eq!(death.end, End::Status(PASSED), "{death:?}");
}

/// Asserts that the cleanup ran, and that the deadline ended the process in time.
fn cleaned_and_ended(death: &Death) {
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= GRACE, "too early: {death:?}");
    assert!(death.stdout.contains("cleaned"), "{death:?}");
}

/// Asserts that the cleanup ran, and that the process ended by itself.
fn cleaned_and_gone(death: &Death) {
    assert_eq!(death.end, End::Status(1), "{death:?}");
    assert!(death.after >= GRACE / 3, "too early: {death:?}");
    assert!(death.stdout.contains("cleaned"), "{death:?}");
}

/// Every task is over, and `main` waits in tokio: that is on its stack.
fn told(death: &Death) {
    assert_eq!(death.end, End::Status(124), "{death:?}");
    assert!(death.after >= REPORTED, "too early: {death:?}");
    let begin = death.stderr.find("deadstop: deadline in ");
    let text = &death.stderr[begin.expect("a report")..];
    let head = "the shutdown is over, but the process has not ended";
    assert!(
        text.lines().next().is_some_and(|line| line.contains(head)),
        "{death:?}"
    );
    if cfg!(feature = "stacks") {
        // In the dump before it, if there is no time for names at the deadline.
        // The frames of tokio are folded into one line above it.
        let lines = death.stderr.lines().zip(death.stderr.lines().skip(1));
        let matches = |(above, line): (&str, &str)| {
            above.contains("the runtime") && line.contains("::drops_a_runtime (")
        };
        assert!(lines.into_iter().any(matches), "{death:?}");
    }
}

fn run(name: &str) {
    panic::set_hook(Box::new(|info| {
        let _ = writeln!(io::stderr(), "{info}");
        exit_at_once(BROKEN);
    }));
    say(&format!("installed {}", harness::monotonic_nanos()));
    let case = CASES.iter().find(|(case, ..)| *case == name);
    let (_, act, _) = case.expect("one of the cases");
    act();
    exit_at_once(PASSED);
}

/// Installs a shutdown with a task that runs until the case has made its assertions.
fn install() -> Shutdown {
    let shutdown = Shutdown::builder().signals([]);
    let shutdown = shutdown.install().expect("install succeeds");
    let task = shutdown.task("holds");
    task.on_shutdown(|_| thread::sleep(AGES))
        .expect("the shutdown has not begun");
    shutdown
}

/// Requests the shutdown after a short time, on another thread.
fn ask_soon(shutdown: &Shutdown) {
    let shutdown = shutdown.clone();
    thread::spawn(move || {
        thread::sleep(Duration::from_millis(50));
        shutdown.request(Cause::requested("the test"));
    });
}

fn current_thread() -> Runtime {
    Builder::new_current_thread().build().expect("a runtime")
}

fn multi_thread() -> Runtime {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime")
}

/// Returns a runtime that is blocked by its spawned tasks.
fn blocked() -> Runtime {
    let runtime = multi_thread();
    let (to, blocked) = mpsc::channel();
    runtime.spawn_blocking(move || {
        to.send(()).expect("the receiver exists");
        thread::sleep(AGES);
    });
    blocked.recv().expect("it is blocked");
    runtime
}

/// `block_on` returns once the end has been asked for, and not before.
fn awaited(block_on: impl FnOnce(deadstop::wait::Requested)) {
    let shutdown = install();
    assert!(!shutdown.is_requested());
    ask_soon(&shutdown);
    block_on(shutdown.requested());
    assert!(shutdown.is_requested());
    // Afterwards it is ready at once.
    futures::executor::block_on(shutdown.requested());
}

fn awaited_on_tokio_by_many() {
    let shutdown = install();
    let runtime = multi_thread();
    let waiting: Vec<_> = (0..1000)
        .map(|_| runtime.spawn(hears(shutdown.clone())))
        .collect();
    ask_soon(&shutdown);
    runtime.block_on(async {
        for waits in waiting {
            waits.await.expect("it hears");
        }
    });
}

fn awaited_on_smol_by_many() {
    let shutdown = install();
    let waiting: Vec<_> = (0..1000)
        .map(|_| smol::spawn(hears(shutdown.clone())))
        .collect();
    ask_soon(&shutdown);
    smol::block_on(async {
        for waits in waiting {
            waits.await;
        }
    });
}

async fn hears(shutdown: Shutdown) {
    shutdown.requested().await;
    assert!(shutdown.is_requested());
}

/// A task of the shutdown waits for one of the runtime.
fn task_awaits_tokio() {
    let shutdown = Shutdown::builder().signals([]).install();
    let shutdown = shutdown.expect("install succeeds");
    let runtime = multi_thread();
    let server = runtime.spawn(hears(shutdown.clone()));
    let (to, from) = mpsc::channel();
    let task = shutdown.task("server").phase(Phase::DRAIN);
    task.on_shutdown_async(|_| async move {
        let ended = server.await;
        to.send(ended.is_ok()).expect("the receiver exists");
        ended
    })
    .expect("the shutdown has not begun");
    shutdown.finish();
    assert_eq!(from.recv(), Ok(true));
    assert!(shutdown.report().expect("it is over").is_clean());
}

/// A shutdown with a cleanup to be run, within [`GRACE`]; without a deadline
/// in a control.
fn install_with_cleanup(when_done: WhenDone) -> Shutdown {
    let unwatched = env::args().any(|argument| argument == "unwatched");
    let grace = if unwatched { Duration::MAX } else { GRACE };
    let shutdown = Shutdown::builder()
        .grace(grace)
        .signals([])
        .phase(Phase::DRAIN.budget(GRACE / 3))
        .when_done(when_done)
        .install()
        .expect("install succeeds");
    let task = shutdown.task("cleanup").phase(Phase::FLUSH);
    task.on_shutdown(|_| say("cleaned"))
        .expect("the shutdown has not begun");
    shutdown
}

/// Every worker of the runtime is blocked. So are `main`, and a task that waits for a worker.
/// `waits` selects whether `main` first waits for the shutdown.
fn tokio_workers_blocked(waits: bool) {
    let when_done = match waits {
        true => WhenDone::Wait,
        false => WhenDone::Exit,
    };
    let shutdown = install_with_cleanup(when_done);
    let runtime = multi_thread();
    let (to, blocked) = mpsc::channel();
    let workers: Vec<_> = (0..2)
        .map(|_| {
            let to = to.clone();
            runtime.spawn(async move {
                to.send(()).expect("the receiver exists");
                thread::sleep(AGES);
            })
        })
        .collect();
    for _ in 0..2 {
        blocked.recv().expect("it is blocked");
    }
    let task = shutdown.task("drain").phase(Phase::DRAIN);
    task.on_shutdown_async(|_| async {
        for worker in workers {
            worker.await?;
        }
        Ok::<_, tokio::task::JoinError>(())
    })
    .expect("the shutdown has not begun");
    // No thread of the runtime can hear that.
    let hears = runtime.spawn(hears(shutdown.clone()));
    shutdown.request(Cause::requested("the test"));
    if waits {
        shutdown.wait();
    }
    let _ = runtime.block_on(hears);
}

/// `main` has done its part, and drops its runtime.
fn tokio_drop_hangs() {
    let shutdown = install_with_cleanup(WhenDone::Wait);
    let runtime = blocked();
    shutdown.finish();
    drop(runtime);
}

fn tokio_drop_makes_the_task_fail() {
    let shutdown = Shutdown::builder().grace(REPORTED).signals([]);
    let shutdown = shutdown.install().expect("install succeeds");
    let runtime = blocked();
    let dumped = shutdown.clone();
    thread::spawn(move || {
        thread::sleep(REPORTED / 5);
        dumped.status_report();
    });
    shutdown.finish();
    drops_a_runtime(runtime);
}

#[inline(never)]
fn drops_a_runtime(runtime: Runtime) {
    drop(runtime);
    say("dropped");
}

/// Prints a line with one write.
fn say(line: &str) {
    let line = format!("{line}\n");
    let said = io::stdout().write_all(line.as_bytes());
    said.expect("the reader is there");
}

fn exit_at_once(status: i32) -> ! {
    // SAFETY: `_exit` takes an integer.
    unsafe { libc::_exit(status) }
}
