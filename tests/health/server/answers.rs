//! Answers in healthy and unhealthy states.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use deadstop::health::OnStall;

use super::probe::{self, get, wait_for};
use super::{park, serve};
use crate::{shutdown, victim};

#[test]
fn startup_and_readiness_follow_the_program() {
    let test = "server::answers::startup_and_readiness_follow_the_program";
    let mut victim = victim::start(test, || {
        handle_signal();
        let health = serve(&shutdown(), |health| health);
        wait_for_signal();
        health.set_ready();
        println!("ready");
        wait_for_signal();
        health.set_not_ready();
        println!("not ready");
        park();
    });
    let address = probe::address(&mut victim);
    get(address, "/livez").assert_status(200);
    get(address, "/readyz")
        .assert_status(503)
        .assert_says("[-]ready failed");
    get(address, "/startupz").assert_status(503);
    victim.send(libc::SIGUSR1);
    victim.hear("ready");
    get(address, "/readyz").assert_status(200);
    get(address, "/startupz").assert_status(200);
    victim.send(libc::SIGUSR1);
    victim.hear("not ready");
    get(address, "/readyz").assert_status(503);
    get(address, "/startupz").assert_status(200);
    get(address, "/metrics").assert_says("deadstop_state{state=\"not_ready\"} 1");
}

/// Set if SIGUSR1 has come since the last wait for it.
static SIGNALED: AtomicBool = AtomicBool::new(false);

/// Makes [`wait_for_signal`] possible.
#[expect(unsafe_code, reason = "handles a signal in the scenario")]
pub(super) fn handle_signal() {
    extern "C" fn note(_: libc::c_int) {
        SIGNALED.store(true, Ordering::SeqCst);
    }
    let handler = note as extern "C" fn(libc::c_int);
    // SAFETY: the handler stores to an atomic, and is a function of the right type.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
}

/// Waits for SIGUSR1: standard input of a scenario is empty.
pub(super) fn wait_for_signal() {
    while !SIGNALED.swap(false, Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn other_requests_have_their_statuses_over_the_wire() {
    let test = "server::answers::other_requests_have_their_statuses_over_the_wire";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    let ask = |request: &str| probe::try_ask(address, request).expect("it is answered");
    ask("GET / HTTP/1.1\r\n\r\n")
        .assert_status(404)
        .assert_says("/livez");
    ask("POST /livez HTTP/1.1\r\n\r\n").assert_status(405);
    ask("nonsense\r\n\r\n").assert_status(400);
    ask(&format!(
        "GET /livez HTTP/1.1\r\nA: {}\r\n\r\n",
        "b".repeat(9000)
    ))
    .assert_status(431);
    ask(&format!(
        "GET /livez HTTP/1.1\r\n{}\r\n",
        "a: b\r\n".repeat(65)
    ))
    .assert_status(431);
    let head = ask("HEAD /livez HTTP/1.1\r\n\r\n");
    assert_eq!((head.status, head.body.as_str()), (200, ""), "{head:#?}");
    assert!(head.head.contains("Content-Length: 3"), "{head:#?}");
}

/// A stalled heartbeat is named, with its stack, and recovers.
#[test]
fn stalled_heartbeat_fails_liveness_until_it_ticks() {
    let test = "server::answers::stalled_heartbeat_fails_liveness_until_it_ticks";
    let mut victim = victim::start(test, || {
        handle_signal();
        let shutdown = shutdown();
        serve(&shutdown, |health| health).set_ready();
        let beat = shutdown
            .heartbeat("consumer loop")
            .every(Duration::from_millis(200))
            .on_stall(OnStall::NotAlive)
            .start()
            .expect("there is no other heartbeat");
        let consumer = std::thread::Builder::new().name("consumer".into());
        let consumer = consumer.spawn(move || {
            beat.tick();
            is_stuck_in_a_reply();
            loop {
                beat.tick();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        consumer.expect("a thread").join().expect("it never ends");
    });
    let address = probe::address(&mut victim);
    let stalled = wait_for(address, "/livez?verbose", |answer| {
        answer.status == 503 && answer.body.contains("is_stuck_in_a_reply")
    });
    stalled
        .assert_says("[-]consumer loop failed: no tick for ")
        .assert_says("\"consumer\"")
        .assert_says("livez check failed");
    get(address, "/readyz").assert_status(200);
    get(address, "/metrics")
        .assert_says("deadstop_heartbeat_stalled{beat=\"consumer loop\"} 1")
        .assert_says("deadstop_heartbeat_late_total{beat=\"consumer loop\"} 1");
    victim.send(libc::SIGUSR1);
    wait_for(address, "/livez", |answer| answer.status == 200);
    get(address, "/livez?verbose")
        .assert_says("[+]consumer loop ok")
        .assert_silent_about("is_stuck_in_a_reply");
}

#[inline(never)]
fn is_stuck_in_a_reply() {
    wait_for_signal();
}

/// An announced section is no stall.
#[test]
fn paused_heartbeat_does_not_fail_liveness() {
    let test = "server::answers::paused_heartbeat_does_not_fail_liveness";
    let mut victim = victim::start(test, || {
        let shutdown = shutdown();
        let beat = shutdown
            .heartbeat("consumer loop")
            .every(Duration::from_millis(20))
            .start()
            .expect("there is no other heartbeat");
        let _waits = beat.pause();
        let _slow = beat.expect(Duration::from_secs(600));
        std::thread::sleep(Duration::from_millis(500));
        serve(&shutdown, |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    get(address, "/livez?verbose")
        .assert_status(200)
        .assert_says("[+]consumer loop ok");
}

#[test]
fn checks_that_fail_panic_or_hang_fail_readiness_and_nothing_else() {
    let test = "server::answers::checks_that_fail_panic_or_hang_fail_readiness_and_nothing_else";
    let mut victim = victim::start(test, || {
        let health = serve(&shutdown(), |health| {
            let calls = AtomicU32::new(0);
            health
                .check_interval(Duration::from_millis(10))
                // Longer than a panic takes that prints its stack.
                .check_timeout(Duration::from_secs(3))
                .check("good", || true)
                .check("refused", || Err::<(), _>("connection refused"))
                .check("panics", || -> bool { panic!("planted") })
                .check("hangs", move || {
                    if calls.fetch_add(1, Ordering::Relaxed) > 0 {
                        park();
                    }
                    true
                })
        });
        health.set_ready();
        park();
    });
    let address = probe::address(&mut victim);
    wait_for(address, "/readyz", |answer| {
        ["hangs failed", "it panicked"]
            .iter()
            .all(|text| answer.body.contains(text))
    })
    .assert_status(503)
    .assert_says("[+]good ok")
    .assert_says("[-]refused failed: connection refused")
    .assert_says("[-]panics failed: it panicked")
    .assert_says("[-]hangs failed: it has not returned for");
    get(address, "/livez").assert_status(200);
    get(address, "/metrics")
        .assert_says("deadstop_check_up{check=\"good\"} 1")
        .assert_says("deadstop_check_up{check=\"hangs\"} 0");
}
