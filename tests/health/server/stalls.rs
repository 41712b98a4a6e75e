//! Stalled heartbeats in answers and reports: which are listed, and for how long.

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

/// Heartbeats that stall, and how often each does: over two thousand stalls.
const WORKERS: usize = 63;
const CYCLES: usize = 32;

fn report(answer: &Answer) -> HangReport {
    serde_json::from_str(&answer.body).unwrap_or_else(|error| panic!("{error}: {answer:#?}"))
}

/// Asks for the status until its report is one that is waited for.
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
        .expect("there is a place")
}

/// The kernel's id of the calling thread.
fn tid() -> u32 {
    let link = std::fs::read_link("/proc/thread-self").expect("it is readable");
    let tid = link.file_name().and_then(|name| name.to_str());
    tid.and_then(|tid| tid.parse().ok()).expect("a number")
}

#[test]
fn status_has_the_stalled_heartbeat_until_it_is_dropped() {
    let test = "server::stalls::status_has_the_stalled_heartbeat_until_it_is_dropped";
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
    let schema = serde_json::from_str(HangReport::JSON_SCHEMA).expect("it is JSON");
    let schema = jsonschema::validator_for(&schema).expect("it is a schema");
    let json = serde_json::from_str(&answer.body).expect("it is JSON");
    assert!(schema.is_valid(&json), "{answer:#?}");
    get(address, "/livez").assert_status(503);

    victim.send(libc::SIGUSR1);
    wait_for(address, "/livez", |answer| answer.status == 200);
    wait_for_report(address, |report| report.stalls.is_empty());
}

/// Each cycle ends the stalls by a thread of its own, so that a place which is found by
/// the thread would stay taken.
#[test]
fn thousands_of_stalls_leave_the_place_for_the_next_one() {
    let test = "server::stalls::thousands_of_stalls_leave_the_place_for_the_next_one";
    let mut victim = victim::start(test, || {
        let shutdown = shutdown();
        serve(&shutdown, |health| health);
        let every = Duration::from_millis(10);
        // Stalled all the time: the watcher looks often.
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
            other.join().expect("it returns");
        }
        let _pauses: Vec<_> = workers.iter().map(Heartbeat::pause).collect();
        wait_until(|| !workers.iter().any(Heartbeat::is_stalled));
        drop(metronome);
        // The last place of 64 was the metronome's, whose name differs.
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
    let (_, late) = metrics.body.split_once(late).expect("it has stalled");
    let late: usize = late.lines().next().expect("a value").parse().expect("one");
    assert!(late > WORKERS * CYCLES, "{late}");
}

#[inline(never)]
fn is_stuck_at_last() {
    // The optimizer makes one function of those that are alike.
    std::hint::black_box("at last");
    park();
}

fn wait_until(is_so: impl Fn() -> bool) {
    while !is_so() {
        thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn workers_of_one_name_are_each_listed_and_one_series_in_the_metrics() {
    let test = "server::stalls::workers_of_one_name_are_each_listed_and_one_series_in_the_metrics";
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
