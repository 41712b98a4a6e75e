//! Answers in healthy and unhealthy states.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use deadstop::health::OnStall;

use super::probe::{self, get, wait_for};
use super::{park, serve};
use crate::{shutdown, victim};

#[test]
fn startup_and_readiness_have_the_state_that_the_program_sets() {
    let test = "server::answers::startup_and_readiness_have_the_state_that_the_program_sets";
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

/// `true` if SIGUSR1 has arrived since the last call of [`wait_for_signal`].
static SIGNALED: AtomicBool = AtomicBool::new(false);

/// Installs the signal handler that [`wait_for_signal`] needs.
#[expect(unsafe_code, reason = "handles a signal in the scenario")]
pub(super) fn handle_signal() {
    extern "C" fn note(_: libc::c_int) {
        SIGNALED.store(true, Ordering::SeqCst);
    }
    let handler = note as extern "C" fn(libc::c_int);
    // SAFETY: the handler stores to an atomic, and is a function of the right type.
    unsafe { libc::signal(libc::SIGUSR1, handler as libc::sighandler_t) };
}

/// Waits for SIGUSR1 from the test. A scenario has no standard input that the test could use.
pub(super) fn wait_for_signal() {
    while !SIGNALED.swap(false, Ordering::SeqCst) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn other_requests_get_their_standard_statuses() {
    let test = "server::answers::other_requests_get_their_standard_statuses";
    let mut victim = victim::start(test, || {
        serve(&shutdown(), |health| health);
        park();
    });
    let address = probe::address(&mut victim);
    let ask = |request: &str| probe::try_ask(address, request).expect("the server answers");
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

/// `/livez` must name the stalled heartbeat and its stack, and must succeed again after a tick.
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
        consumer
            .expect("a thread")
            .join()
            .expect("the thread does not panic");
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

/// A pause is an announced section, and no stall.
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
fn failing_panicking_and_hanging_checks_fail_readiness_only() {
    let test = "server::answers::failing_panicking_and_hanging_checks_fail_readiness_only";
    let mut victim = victim::start(test, || {
        let health = serve(&shutdown(), |health| {
            let calls = AtomicU32::new(0);
            health
                .check_interval(Duration::from_millis(10))
                // Longer than a panic takes to print its backtrace.
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
