//! The list of stalled heartbeats in answers and reports.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use deadstop::Shutdown;
use deadstop::health::{Heartbeat, OnStall};
use deadstop::report::{HangReport, StallPolicy};

use super::answers::{handle_signal, wait_for_signal};
use super::probe::{self, Answer, get, wait_for};
use super::{park, serve};
use crate::{shutdown, victim};

/// The number of heartbeats that stall, and of the stalls of each: over two thousand in all.
const WORKERS: usize = 63;
const CYCLES: usize = 32;

fn report(answer: &Answer) -> HangReport {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// Requests the status until a report is accepted, and returns that report.
fn wait_for_report(
    address: std::net::SocketAddr,
    is_it: impl Fn(&HangReport) -> bool,
) -> (HangReport, Answer) {
    let answer = wait_for(address, "/status", |answer| {
        answer.status == 200 && is_it(&report(answer))
    });
    (report(&answer), answer)
}

fn start(shutdown: &Shutdown, name: &str, every: Duration) -> Heartbeat {
    let beat = shutdown.heartbeat(name).every(every);
    beat.on_stall(OnStall::Report)
        .start()
        .expect("a slot is free")
}

/// Returns the kernel's id of the calling thread.
fn tid() -> u32 {
    let link = std::fs::read_link("/proc/thread-self").expect("/proc is readable");
    let tid = link.file_name().and_then(|name| name.to_str());
    tid.and_then(|tid| tid.parse().ok()).expect("a number")
}

#[test]
fn status_lists_a_stalled_heartbeat_until_it_is_dropped() {
    let test = "server::stalls::status_lists_a_stalled_heartbeat_until_it_is_dropped";
    let mut victim = victim::start(test, || {
        handle_signal();
        let shutdown = shutdown();
        serve(&shutdown, |health| health);
        let beat = shutdown
            .heartbeat("consumer loop")
            .every(Duration::from_millis(200))
            .on_stall(OnStall::NotAlive)
            .start()
            .expect("there is no other heartbeat");
        let consumer = thread::Builder::new().name("consumer".into());
        let consumer = consumer.spawn(move || {
            beat.tick();
            println!("consumer {}", tid());
            wait_for_signal();
            drop(beat);
            park();
        });
        let _consumer = consumer.expect("a thread");
        park();
    });
    let address = probe::address(&mut victim);
    let line = victim.hear("consumer ");
    let tid = line.rsplit(' ').next().and_then(|tid| tid.parse().ok());
    // A report that began before the stall may have the heartbeat without its thread.
    let (report, answer) = wait_for_report(address, |report| {
        let thread = report.stalls.first().and_then(|stall| stall.thread);
        thread.is_some_and(|thread| report.thread(thread).is_some())
    });
    let [stall] = &report.stalls[..] else {
        panic!("{report:#?}");
    };
    assert_eq!(
        (stall.name.as_str(), stall.thread, stall.policy),
        ("consumer loop", tid, StallPolicy::NotAlive)
    );
    let limit = Duration::from_millis(200);
    assert!(
        stall.limit == Some(limit) && stall.age >= limit,
        "{stall:?}"
    );
    let thread = tid.and_then(|tid| report.thread(tid));
    assert!(
        thread.is_some_and(|thread| thread.name == "consumer"),
        "{report:#?}"
    );
    let schema = serde_json::from_str(HangReport::JSON_SCHEMA).expect("the text is JSON");
    let schema = jsonschema::validator_for(&schema).expect("the JSON is a schema");
    let json = serde_json::from_str(&answer.body).expect("the text is JSON");
    assert!(schema.is_valid(&json), "{answer:#?}");
    get(address, "/livez").assert_status(503);

    victim.send(libc::SIGUSR1);
    wait_for(address, "/livez", |answer| answer.status == 200);
    wait_for_report(address, |report| report.stalls.is_empty());
}

/// Each cycle ends the stalls on a new thread. If an entry were found by its thread, it would
/// stay used.
#[test]
fn two_thousand_stalls_leave_an_entry_for_the_next_stall() {
    let test = "server::stalls::two_thousand_stalls_leave_an_entry_for_the_next_stall";
    let mut victim = victim::start(test, || {
        let shutdown = shutdown();
        serve(&shutdown, |health| health);
        let every = Duration::from_millis(10);
        // This heartbeat is always stalled, so that the watcher checks often.
        let metronome = start(&shutdown, "metronome", every);
        let workers = (0..WORKERS).map(|_| start(&shutdown, "worker", every));
        let workers: Arc<Vec<_>> = Arc::new(workers.collect());
        for _ in 0..CYCLES {
            wait_until(|| workers.iter().all(Heartbeat::is_stalled));
            let workers = Arc::clone(&workers);
            let other = thread::spawn(move || {
                let _pauses: Vec<_> = workers.iter().map(Heartbeat::pause).collect();
                wait_until(|| !workers.iter().any(Heartbeat::is_stalled));
            });
            other.join().expect("the job or thread returns");
        }
        let _pauses: Vec<_> = workers.iter().map(Heartbeat::pause).collect();
        wait_until(|| !workers.iter().any(Heartbeat::is_stalled));
        drop(metronome);
        // The metronome had the last of 64 entries, and has another name.
        let last = &workers[0];
        let _shorter = last.expect(every);
        println!("done");
        is_stuck_at_last();
    });
    let address = probe::address(&mut victim);
    victim.hear("done");
    wait_for(address, "/livez?verbose", |answer| {
        answer.body.contains("is_stuck_at_last")
    });
    let (report, _) = wait_for_report(address, |report| report.stalls.len() == 1);
    assert_eq!(report.stalls[0].name, "worker", "{:#?}", report.stalls);
    assert_eq!(report.unlisted.stalls, 0);
    let metrics = get(address, "/metrics");
    let late = "deadstop_heartbeat_late_total{beat=\"worker\"} ";
    let (_, late) = metrics
        .body
        .split_once(late)
        .expect("the metrics have the stalls");
    let late: usize = late.lines().next().expect("a value").parse().expect("one");
    assert!(late > WORKERS * CYCLES, "{late}");
}

#[inline(never)]
fn is_stuck_at_last() {
    // Different code, because the optimizer merges identical functions.
    std::hint::black_box("at last");
    park();
}

fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn heartbeats_of_one_name_are_listed_separately_and_share_one_metrics_series() {
    let test =
        "server::stalls::heartbeats_of_one_name_are_listed_separately_and_share_one_metrics_series";
    let mut victim = victim::start(test, || {
        let shutdown = shutdown();
        serve(&shutdown, |health| health);
        for is_stuck in [first_is_stuck, second_is_stuck] {
            let beat = start(&shutdown, "worker", Duration::from_millis(100));
            thread::spawn(move || {
                beat.tick();
                is_stuck();
                drop(beat);
            });
        }
        let _third = start(&shutdown, "worker", Duration::from_secs(600));
        drop(start(&shutdown, "worker", Duration::from_secs(600)));
        park();
    });
    let address = probe::address(&mut victim);
    wait_for(address, "/livez?verbose", |answer| {
        ["first_is_stuck", "second_is_stuck"]
            .iter()
            .all(|name| answer.body.contains(name))
    })
    .assert_says("[+]worker ok: ticked in the last ");
    get(address, "/metrics")
        .assert_says("deadstop_heartbeats{beat=\"worker\"} 3\n")
        .assert_says("deadstop_heartbeat_stalled{beat=\"worker\"} 2\n")
        .assert_says("deadstop_heartbeat_limit_seconds{beat=\"worker\"} 0.100\n");
}

#[inline(never)]
fn first_is_stuck() {
    std::hint::black_box("first");
    park();
}

#[inline(never)]
fn second_is_stuck() {
    std::hint::black_box("second");
    park();
}
