//! Probes during the shutdown.

use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use deadstop::{Phase, Shutdown};

use super::probe::{self, get, wait_for};
use super::{park, serve};
use crate::victim;

/// The prober must see "not ready" while the service still accepts connections.
#[test]
fn readiness_fails_before_the_service_stops_accepting() {
    let test = "server::shutdown::readiness_fails_before_the_service_stops_accepting";
    let mut victim = victim::start(test, || {
        let shutdown = install(60);
        serve(&shutdown, |health| health.readiness_failure_threshold(0)).set_ready();
        let service = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let address = service.local_addr().expect("an address");
        let gate = shutdown
            .gate("requests")
            .keep_accepting(Duration::from_secs(30));
        let _gate = gate.open().expect("the phase exists");
        let _unbind = shutdown
            .task("unbind")
            .phase(Phase::DRAIN)
            .on_shutdown(move |_| {
                drop(service);
            });
        // The test sends the signal after this line.
        println!("service {address}");
        let _ = shutdown.wait();
    });
    let address = probe::address(&mut victim);
    let line = victim.hear("service ");
    let (_, service) = line.split_once("service ").expect("an address");
    get(address, "/readyz").assert_status(200);
    victim.send(libc::SIGTERM);
    wait_for(address, "/readyz", |answer| answer.status == 503)
        .assert_says("[-]shutdown failed: requested");
    TcpStream::connect(service).expect("the service still accepts");
    get(address, "/livez?verbose")
        .assert_status(200)
        .assert_says("[+]shutdown ok: requested");
    get(address, "/startupz").assert_status(200);
    // The coordinator begins the phase shortly after the signal.
    let phase = "deadstop_phase_active{phase=\"unbind\"} 1";
    wait_for(address, "/metrics", |answer| answer.body.contains(phase))
        .assert_says("deadstop_state{state=\"stopping\"} 1")
        .assert_says("deadstop_deadline_seconds ")
        .assert_says("deadstop_gate_closed{gate=\"requests\"} 0");
}

/// The gate accepts requests for at most 40 s. It must close earlier, after the prober has seen
/// "not ready" twice.
#[test]
fn gate_closes_after_the_prober_has_seen_not_ready_often_enough() {
    let test = "server::shutdown::gate_closes_after_the_prober_has_seen_not_ready_often_enough";
    let mut victim = victim::start(test, || {
        let shutdown = install(60);
        serve(&shutdown, |health| health.readiness_failure_threshold(2)).set_ready();
        let gate = shutdown
            .gate("requests")
            .keep_accepting(Duration::from_secs(40));
        let _gate = gate.open().expect("the phase exists");
        println!("opened");
        shutdown.wait_and_exit();
    });
    let address = probe::address(&mut victim);
    victim.hear("opened");
    victim.send(libc::SIGTERM);
    wait_for(address, "/readyz", |answer| answer.status == 503);
    std::thread::sleep(Duration::from_millis(200));
    // The first answer must not end the phase.
    get(address, "/metrics").assert_says("deadstop_phase_active{phase=\"unbind\"} 1");
    get(address, "/readyz").assert_status(503);
    let ended = victim.wait();
    ended.assert_status(0);
    assert!(ended.after < Duration::from_secs(30), "{ended:#?}");
}

/// A task hangs until the deadline. `/livez` must succeed until then.
#[test]
fn liveness_is_answered_until_the_deadline_ends_a_hung_shutdown() {
    let test = "server::shutdown::liveness_is_answered_until_the_deadline_ends_a_hung_shutdown";
    let mut victim = victim::start(test, || {
        let shutdown = install(4);
        serve(&shutdown, |health| health).set_ready();
        let task = shutdown
            .task("flush the log")
            .on_shutdown(|_| -> () { park() });
        task.expect("the shutdown has not begun");
        // A loop that ends at the request, so that its heartbeat stalls.
        let beat = shutdown.heartbeat("loop").every(Duration::from_secs(1));
        let beat = beat.start().expect("it can be started");
        let requested = shutdown.requested();
        std::thread::spawn(move || {
            while !requested.wait_timeout(Duration::from_millis(50)) {
                beat.tick();
            }
            println!("the loop has ended");
            park();
        });
        println!("registered");
        let _ = shutdown.wait();
    });
    let address = probe::address(&mut victim);
    victim.hear("registered");
    victim.send(libc::SIGTERM);
    let begun = Instant::now();
    let mut answered = 0;
    while begun.elapsed() < Duration::from_secs(3) {
        get(address, "/livez").assert_status(200);
        answered += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(answered > 0);
    get(address, "/livez?verbose")
        .assert_says("[+]loop ok: its stall does not count for liveness: no tick for ");
    get(address, "/metrics").assert_says("deadstop_tasks{state=\"running\"} 1");
    get(address, "/status")
        .assert_status(200)
        .assert_says("\"kind\": \"status\"")
        .assert_says("\"flush the log\"");
    victim
        .wait()
        .assert_status(124)
        .assert_says("flush the log");
}

fn install(grace: u64) -> Shutdown {
    Shutdown::builder()
        .grace(Duration::from_secs(grace))
        .install()
        .expect("the scenario has no watchdog yet")
}
