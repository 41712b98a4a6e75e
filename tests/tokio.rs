//! tokio and deadstop in one process: both receive a signal, whichever installed its handler
//! first, and a request wakes a waiting tokio task.
//!
//! This file has no test harness, because it is both the test and its victim: without an
//! argument it tests; with `child MODE` it is the victim.

mod harness;

use std::env;
use std::future::Future;
use std::process::{Command, ExitCode, id};
use std::time::Duration;

use deadstop::{Cause, Shutdown, Signal};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::ctrl_c;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use harness::{Death, End, Victim};

/// A grace period that is longer than any test.
const LONG: Duration = Duration::from_secs(20);

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    match arguments.as_slice() {
        [child, mode] if child == "child" => be_child(mode),
        // Tools that list tests call this. There is one test, without a name.
        [list, ..] if list == "--list" => ExitCode::SUCCESS,
        _ => test(),
    }
}

fn test() -> ExitCode {
    for mode in ["tokio_first", "tokio_second"] {
        for signal in [libc::SIGTERM, libc::SIGINT] {
            let mut child = start(mode);
            child.trigger(signal);
            both_hear(&child.wait(), signal);
        }
    }
    is_woken(&start("request").wait());
    let mut child = start("requested_by_signal");
    child.trigger(libc::SIGTERM);
    is_woken(&child.wait());
    said("test result: ok. tokio hears what we hear");
    ExitCode::SUCCESS
}

fn is_woken(death: &Death) {
    assert_eq!(death.end, End::Status(0), "{death:?}");
    assert!(says(death, "requested"), "{death:?}");
}

fn both_hear(death: &Death, signal: i32) {
    assert_eq!(death.end, End::Status(0), "{death:?}");
    let (name, by_tokio) = match signal {
        libc::SIGINT => ("SIGINT", "tokio heard ctrl_c"),
        _ => ("SIGTERM", "tokio heard SIGTERM"),
    };
    assert!(says(death, by_tokio), "{death:?}");
    let cause = format!("cause {name}");
    assert!(death.stdout.contains(&cause), "{death:?}");
    if signal == libc::SIGTERM {
        let sender = format!("from pid {}", id());
        assert!(death.stdout.contains(&sender), "{death:?}");
    }
}

fn start(mode: &str) -> Victim {
    let mut command = Command::new(env::current_exe().expect("this file"));
    command.args(["child", mode]);
    Victim::start(command, mode, LONG)
}

fn says(death: &Death, line: &str) -> bool {
    death.stdout.lines().any(|said| said == line)
}

fn be_child(mode: &str) -> ExitCode {
    let mut runtime = Builder::new_multi_thread();
    let runtime = runtime.worker_threads(1).enable_all().build();
    let runtime = runtime.expect("a runtime");
    match mode {
        "request" => {
            let shutdown = install();
            let waits = wait_for_the_request(&runtime, &shutdown);
            shut_down_after(waits, &runtime, &shutdown, || {
                shutdown.request(Cause::requested("a test"));
            })
        }
        "requested_by_signal" => {
            let shutdown = install();
            let waits = wait_for_the_request(&runtime, &shutdown);
            shut_down_after(waits, &runtime, &shutdown, || ())
        }
        "tokio_first" => {
            let hears = listen(&runtime);
            let shutdown = install();
            shut_down_after(hears, &runtime, &shutdown, || ())
        }
        "tokio_second" => {
            let shutdown = install();
            let hears = listen(&runtime);
            shut_down_after(hears, &runtime, &shutdown, || ())
        }
        other => panic!("no mode is called {other}"),
    }
}

fn install() -> Shutdown {
    let builder = Shutdown::builder().grace(LONG);
    let builder = builder.signals([Signal::TERM, Signal::INT]);
    builder.install().expect("install succeeds")
}

fn wait_for_the_request(runtime: &Runtime, shutdown: &Shutdown) -> JoinHandle<()> {
    let requested = shutdown.requested();
    polled(runtime, async {
        requested.await;
        said("requested");
    })
}

/// Has tokio hear whichever comes first.
fn listen(runtime: &Runtime) -> JoinHandle<()> {
    let _inside = runtime.enter();
    let mut terminate = signal(SignalKind::terminate()).expect("a stream");
    polled(runtime, async move {
        let ctrl_c = async {
            ctrl_c().await.expect("a stream");
            said("tokio heard ctrl_c");
        };
        let terminate = async {
            terminate.recv().await.expect("a signal");
            said("tokio heard SIGTERM");
        };
        futures::future::select(Box::pin(ctrl_c), Box::pin(terminate)).await;
    })
}

/// Spawns `future`, and returns when it has been polled once.
fn polled(runtime: &Runtime, future: impl Future<Output = ()> + Send + 'static) -> JoinHandle<()> {
    let (polled, is_polled) = std::sync::mpsc::channel();
    let task = runtime.spawn(async move {
        let mut future = Box::pin(future);
        let mut first = true;
        std::future::poll_fn(move |context| {
            let poll = future.as_mut().poll(context);
            if std::mem::take(&mut first) {
                polled.send(()).expect("the receiver is there");
            }
            poll
        })
        .await;
    });
    is_polled.recv().expect("it is polled");
    task
}

/// Says that it is ready, and ends with the shutdown's status, which waits for
/// what tokio does.
fn shut_down_after(
    tokio: JoinHandle<()>,
    runtime: &Runtime,
    shutdown: &Shutdown,
    begin: impl FnOnce(),
) -> ExitCode {
    let runtime = runtime.handle().clone();
    let added = shutdown
        .task("wait for tokio")
        .on_shutdown(move |_| runtime.block_on(tokio));
    added.expect("the shutdown has not begun");
    said("ready 0");
    begin();
    let code = shutdown.wait();
    let report = shutdown.report().expect("it is over");
    said(&format!("cause {}", report.cause()));
    code
}

/// Prints a line with one write.
#[expect(clippy::print_stdout, reason = "the two sides talk by it")]
fn said(line: &str) {
    println!("{line}");
}
