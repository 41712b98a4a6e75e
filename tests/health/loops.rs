//! Heartbeats of event loops: a tokio runtime, and a loop with `select!`.

use std::io::Write as _;
use std::thread;
use std::time::{Duration, Instant};

use deadstop::health::OnStall;
use tokio::runtime::{Builder, Runtime};

use crate::{shutdown, victim};

const EVERY: Duration = Duration::from_millis(800);

/// The time for which a worker is blocked, long enough for a stall on a busy machine.
const BLOCKED: Duration = EVERY.saturating_mul(6);

fn watch(runtime: &Runtime) -> deadstop::Shutdown {
    let shutdown = shutdown();
    let beat = shutdown.heartbeat("tokio").every(EVERY);
    let beat = beat.on_stall(OnStall::Report);
    beat.watch_runtime(runtime).expect("a slot is free");
    shutdown
}

fn workers(count: usize) -> Runtime {
    Builder::new_multi_thread()
        .worker_threads(count)
        .build()
        .expect("threads")
}

fn block_the_thread() {
    thread::sleep(BLOCKED);
}

#[test]
fn runtime_with_its_only_thread_blocked_is_reported_with_the_thread() {
    let test = "loops::runtime_with_its_only_thread_blocked_is_reported_with_the_thread";
    let ended = victim::run(test, || {
        let runtime = Builder::new_current_thread().build().expect("a runtime");
        let _shutdown = watch(&runtime);
        runtime.block_on(async { block_the_thread() });
        std::process::exit(0);
    });
    ended
        .assert_status(0)
        .assert_says("heartbeat \"tokio\", no tick for ")
        .assert_silent_about("\"tokio workers\"");
    let line = |text: &str| {
        let found = ended.stderr.lines().find(|line| line.contains(text));
        found.unwrap_or_else(|| panic!("no {text:?} in {ended:#?}"))
    };
    let what = line("heartbeat \"tokio\", no tick for ");
    // The test harness names the thread after the test; the kernel keeps 15 bytes.
    assert!(what.contains(" \"loops::runtime_\" "), "{what}");
    assert!(what.contains("sleeps"), "{what}");
}

#[test]
fn blocked_worker_is_reported_by_another_name_than_a_blocked_runtime() {
    let test = "loops::blocked_worker_is_reported_by_another_name_than_a_blocked_runtime";
    let ended = victim::run(test, || {
        env_logger::builder()
            .filter_level(log::LevelFilter::Warn)
            .init();
        let runtime = workers(2);
        let _shutdown = watch(&runtime);
        runtime.spawn(async { block_the_thread() });
        thread::sleep(BLOCKED);
        std::process::exit(0);
    });
    ended
        .assert_status(0)
        .assert_says("heartbeat \"tokio workers\", no tick for ")
        .assert_says(" of 2 of the runtime of heartbeat \"tokio\" has been in one poll for ")
        .assert_silent_about("heartbeat \"tokio\", no tick");
}

#[test]
fn runtime_with_all_workers_blocked_is_reported() {
    let test = "loops::runtime_with_all_workers_blocked_is_reported";
    let ended = victim::run(test, || {
        let runtime = workers(2);
        let _shutdown = watch(&runtime);
        for _ in 0..2 {
            runtime.spawn(async { block_the_thread() });
        }
        thread::sleep(BLOCKED);
        std::process::exit(0);
    });
    ended.assert_says("heartbeat \"tokio\", no tick for ");
}

/// The control: a runtime that is idle, then busy, and whose blocking pool is busy.
#[test]
fn idle_or_busy_runtime_is_not_reported() {
    let test = "loops::idle_or_busy_runtime_is_not_reported";
    let ended = victim::run(test, || {
        let runtime = workers(2);
        let _shutdown = watch(&runtime);
        runtime.spawn_blocking(block_the_thread);
        thread::sleep(EVERY * 2);
        for _ in 0..4 {
            runtime.spawn(async {
                let until = Instant::now() + EVERY * 3;
                while Instant::now() < until {
                    std::hint::black_box((0..1_000).sum::<u64>());
                    tokio::task::yield_now().await;
                }
            });
        }
        thread::sleep(EVERY * 3);
        println!("done");
        std::process::exit(0);
    });
    ended.assert_says("done").assert_silent_about("no tick for");
}

#[test]
fn heartbeats_end_with_their_runtime() {
    let test = "loops::heartbeats_end_with_their_runtime";
    let ended = victim::run(test, || {
        let runtime = workers(2);
        let _shutdown = watch(&runtime);
        runtime.shutdown_background();
        thread::sleep(EVERY * 4);
        println!("done");
        std::process::exit(0);
    });
    ended.assert_says("done").assert_silent_about("no tick for");
}

#[test]
fn select_loop_ticks_while_idle_and_stalls_in_a_message_that_hangs() {
    let test = "loops::select_loop_ticks_while_idle_and_stalls_in_a_message_that_hangs";
    let ended = victim::run(test, || {
        let shutdown = shutdown();
        let beat = shutdown.heartbeat("orders").every(EVERY);
        let beat = beat
            .on_stall(OnStall::Report)
            .start()
            .expect("no other heartbeat has this name");
        let ticks = beat.receiver();
        let (orders, incoming) = crossbeam::channel::unbounded();
        thread::spawn(move || {
            loop {
                crossbeam::channel::select! {
                    recv(incoming) -> order => if order.is_ok() { block_the_thread() },
                    recv(ticks) -> _ => beat.tick(),
                }
            }
        });
        thread::sleep(EVERY * 4);
        println!("idle");
        let said = std::io::stderr().write_all(b"idle\n");
        said.expect("the test reads it");
        orders.send("hang").expect("the loop receives");
        thread::sleep(BLOCKED);
        std::process::exit(0);
    });
    let (idle, after) = ended
        .stderr
        .split_once("idle")
        .expect("the scenario prints it");
    assert!(!idle.contains("no tick for"), "{ended:#?}");
    assert!(
        after.contains("heartbeat \"orders\", no tick for "),
        "{ended:#?}"
    );
}
