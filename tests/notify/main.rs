//! Notifications to systemd. The manager in these tests follows systemd's rules, and each test
//! executes its own binary again as the service. `tests/deploy/systemd` tests the same with
//! systemd itself.

#![expect(
    clippy::exit,
    clippy::print_stdout,
    reason = "a scenario prints what happened, and ends as a program does"
)]

mod manager;
#[expect(dead_code, reason = "shared with the tests of the drain kit")]
#[path = "../drain/victim.rs"]
mod victim;

use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::health::{Heartbeat, OnStall};
use deadstop::{Cause, Phase, Shutdown, ShutdownBuilder};

use self::manager::{Manager, extension};
use self::victim::Victim;

const GRACE: Duration = Duration::from_secs(20);

/// The manager's limit for a stop, much shorter than the grace.
const STOP: Duration = Duration::from_secs(1);

/// The duration of the cleanup, longer than the manager's limit.
const CLEANUP: Duration = Duration::from_millis(3_500);

/// The interval of a heartbeat.
const EVERY: Duration = Duration::from_millis(400);

/// The interval of the manager's watchdog.
const WATCHDOG: Duration = Duration::from_secs(2);

fn builder() -> ShutdownBuilder {
    Shutdown::builder().grace(GRACE)
}

fn install(builder: ShutdownBuilder) -> Shutdown {
    builder.install().expect("the scenario has no watchdog yet")
}

/// Starts the service of `manager`.
fn start(test: &str, manager: &Manager, scenario: impl FnOnce()) -> Victim {
    let variables = [("NOTIFY_SOCKET", manager.variable.as_str())];
    victim::start_with(test, &variables, scenario)
}

/// Starts the service of `manager`, with a watchdog for the process `pid`, or for any process
/// if `pid` is empty.
fn start_watched(test: &str, manager: &Manager, pid: &str, scenario: impl FnOnce()) -> Victim {
    let micros = WATCHDOG.as_micros().to_string();
    let variables = [
        ("NOTIFY_SOCKET", manager.variable.as_str()),
        ("WATCHDOG_USEC", micros.as_str()),
        ("WATCHDOG_PID", pid),
    ];
    // An empty WATCHDOG_PID would not be the service's process id.
    let some = if pid.is_empty() { 2 } else { 3 };
    victim::start_with(test, &variables[..some], scenario)
}

/// A service whose cleanup takes longer than the manager's limit.
fn slow_to_stop(builder: ShutdownBuilder) {
    let shutdown = install(builder);
    shutdown
        .task("upload \"it\"")
        .phase(Phase::FLUSH)
        .on_shutdown(|_| {
            thread::sleep(CLEANUP);
            println!("cleaned up");
        })
        .expect("the shutdown has not begun");
    shutdown.set_ready();
    println!("ready");
    shutdown.wait_and_exit();
}

#[test]
fn unit_timeout_does_not_shorten_the_grace() {
    let mut manager = Manager::path();
    let test = "unit_timeout_does_not_shorten_the_grace";
    let mut service = start(test, &manager, || slow_to_stop(builder()));
    manager.hear("READY=1");
    let killed = manager.stop(&mut service, STOP);
    assert!(!killed, "{:?}", manager.heard);
    service.wait().assert_status(0).assert_says("cleaned up");
}

/// The control: without notifications, the manager kills the service at its limit.
#[test]
fn unit_timeout_shortens_the_grace_without_notifications() {
    let mut manager = Manager::path();
    let test = "unit_timeout_shortens_the_grace_without_notifications";
    let mut service = start(test, &manager, || {
        slow_to_stop(builder().systemd_notifications(false));
    });
    service.hear("ready");
    assert!(manager.stop(&mut service, STOP));
    assert_eq!(manager.heard, [""; 0]);
    let ended = service.wait();
    ended.assert_silent_about("cleaned up");
    assert_eq!(ended.signal, Some(libc::SIGKILL), "{ended:#?}");
}

#[test]
fn status_names_phase_task_and_time_left_and_extends_the_timeout_repeatedly() {
    let mut manager = Manager::abstract_address();
    let test = "status_names_phase_task_and_time_left_and_extends_the_timeout_repeatedly";
    let mut service = start(test, &manager, || slow_to_stop(builder()));
    manager.hear("READY=1");
    let begun = Instant::now();
    service.send(libc::SIGTERM);
    let first = manager.hear("STOPPING=1");
    assert!(extension(&first).expect("a length") > GRACE - begun.elapsed());
    let mut later = Vec::new();
    while service.has_ended().is_none() {
        later.extend(manager.receive(Duration::from_millis(20)));
    }
    let all = format!("{later:#?}");
    assert!(later.len() >= 2, "{all}");
    assert!(later.iter().all(|text| extension(text).is_some()), "{all}");
    let task = "phase flush: 1 task is running: \"upload \\\"it\\\"\" ";
    let names_it = |text: &String| {
        let status = text.lines().find_map(|line| line.strip_prefix("STATUS="));
        status.is_some_and(|status| status.contains(" s left, ") && status.contains(task))
    };
    assert!(later.iter().any(names_it), "{all}");
    service.wait().assert_status(0);
}

#[test]
fn readiness_is_notified_at_set_ready_and_not_earlier() {
    let mut manager = Manager::abstract_address();
    let test = "readiness_is_notified_at_set_ready_and_not_earlier";
    let mut service = start(test, &manager, || {
        let shutdown = install(builder());
        println!("installed");
        thread::sleep(Duration::from_millis(500));
        println!("calls set_ready");
        shutdown.set_ready();
        shutdown.set_ready();
        thread::sleep(Duration::from_millis(500));
        drop(shutdown.reloading());
        shutdown.wait_and_exit();
    });
    service.hear("installed");
    service.hear("calls set_ready");
    assert_eq!(manager.hear("READY=1"), "READY=1\n");
    assert_eq!(manager.heard, ["READY=1\n"], "no earlier message");
    let reload = manager.hear("RELOADING=1");
    let mut lines = reload.lines();
    let time = lines.find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
    let time: u64 = time.expect("a time").parse().expect("a number");
    assert!(time > 0);
    manager.hear("READY=1");
    assert_eq!(manager.heard.len(), 3, "{:?}", manager.heard);
    manager.stop(&mut service, GRACE);
    service.wait().assert_status(0);
}

fn heartbeat(shutdown: &Shutdown, on_stall: OnStall) -> Heartbeat {
    let beat = shutdown.heartbeat("consumer loop").every(EVERY);
    beat.on_stall(on_stall)
        .start()
        .expect("no other heartbeat has this name")
}

/// A service whose loop ticks `ticks` times, every 100 ms, and then stalls. Its main thread
/// waits for the end of the shutdown.
fn stalls_after(ticks: u32, on_stall: OnStall) {
    let shutdown = install(builder());
    let beat = heartbeat(&shutdown, on_stall);
    shutdown.set_ready();
    for _ in (0..ticks).take_while(|_| !shutdown.is_requested()) {
        beat.tick();
        thread::sleep(Duration::from_millis(100));
    }
    println!("stalls");
    shutdown.wait_and_exit();
}

#[test]
fn stall_ends_the_keep_alive_messages_and_triggers_the_managers_watchdog() {
    let mut manager = Manager::path();
    let test = "stall_ends_the_keep_alive_messages_and_triggers_the_managers_watchdog";
    let mut service = start_watched(test, &manager, "", || stalls_after(40, OnStall::NotAlive));
    manager.hear("WATCHDOG=1");
    manager.hear("WATCHDOG=1");
    service.hear("stalls");
    manager.hear("WATCHDOG=trigger");
    let before = manager.heard.len();
    let until = Instant::now() + 2 * WATCHDOG;
    while Instant::now() < until {
        manager.receive(Duration::from_millis(100));
    }
    assert_eq!(manager.heard.len(), before, "{:?}", manager.heard);
    // systemd sends this signal after the trigger.
    service.send(libc::SIGABRT);
    let ended = service.wait();
    ended.assert_says("stall, no deadline: heartbeat \"consumer loop\" has not ticked for ");
}

/// The control: the same loop without a stall.
#[test]
fn ticking_loop_sends_keep_alive_messages_and_no_trigger() {
    let mut manager = Manager::path();
    let test = "ticking_loop_sends_keep_alive_messages_and_no_trigger";
    let mut service = start_watched(test, &manager, "", || stalls_after(600, OnStall::NotAlive));
    for _ in 0..5 {
        manager.hear("WATCHDOG=1");
    }
    let triggers = manager.heard.iter().filter(|it| it.contains("trigger"));
    assert_eq!(triggers.count(), 0, "{:?}", manager.heard);
    manager.stop(&mut service, GRACE);
    service.wait().assert_status(0);
}

#[test]
fn stall_that_begins_a_shutdown_does_not_trigger_the_managers_watchdog() {
    let mut manager = Manager::path();
    let test = "stall_that_begins_a_shutdown_does_not_trigger_the_managers_watchdog";
    let service = start_watched(test, &manager, "", || stalls_after(2, OnStall::Shutdown));
    manager.hear("STOPPING=1");
    let ended = service.wait();
    // The process ends by itself, with the status of a failure because of the stall.
    assert_eq!(ended.signal, None, "{ended:#?}");
    let triggers = manager.heard.iter().filter(|it| it.contains("trigger"));
    assert_eq!(triggers.count(), 0, "{:?}", manager.heard);
}

#[test]
fn watchdog_variables_of_another_process_are_ignored() {
    let mut manager = Manager::path();
    let test = "watchdog_variables_of_another_process_are_ignored";
    let mut service = start_watched(test, &manager, "1", || stalls_after(30, OnStall::Report));
    service.hear("stalls");
    assert_eq!(manager.hear("READY=1"), "READY=1\n");
    manager.stop(&mut service, GRACE);
    let all = format!("{:?}", manager.heard);
    assert!(!all.contains("WATCHDOG"), "{all}");
    service.wait().assert_status(0);
}

#[test]
fn program_without_a_heartbeat_sends_no_keep_alive_messages() {
    let mut manager = Manager::path();
    let test = "program_without_a_heartbeat_sends_no_keep_alive_messages";
    let mut service = start_watched(test, &manager, "", || {
        let shutdown = install(builder());
        thread::sleep(WATCHDOG);
        shutdown.set_ready();
        shutdown.wait_and_exit();
    });
    manager.hear("READY=1");
    assert_eq!(manager.heard, ["READY=1\n"]);
    manager.stop(&mut service, GRACE);
    service.wait().assert_status(0);
}

#[test]
fn successor_becomes_the_main_process_and_the_old_process_sends_nothing_more() {
    let mut manager = Manager::path();
    let test = "successor_becomes_the_main_process_and_the_old_process_sends_nothing_more";
    let service = start_watched(test, &manager, "", || {
        let shutdown = install(builder());
        let beat = heartbeat(&shutdown, OnStall::Report);
        shutdown.set_ready();
        let script = "echo >&$DEADSTOP_READY_FD";
        let successor = shutdown.hand_over("/bin/sh").args(["-c", script]).start();
        println!(
            "pid {}",
            successor.expect("the successor becomes ready").pid()
        );
        for _ in 0..20 {
            beat.tick();
            thread::sleep(WATCHDOG / 20);
        }
        shutdown.finish_and_exit();
    });
    manager.hear("READY=1");
    let ended = service.wait();
    // libtest may have written other text on the same line.
    let pid = ended
        .stdout
        .lines()
        .find_map(|line| line.rsplit_once("pid "));
    let (_, pid) = pid.unwrap_or_else(|| panic!("no successor: {ended:#?}"));
    let successor = format!("MAINPID={pid}\nREADY=1\n");
    while manager.receive(Duration::from_millis(100)).is_some() {}
    assert_eq!(
        manager.heard.last(),
        Some(&successor),
        "{:?}",
        manager.heard
    );
}

/// The successor has the manager's socket, and the manager may accept messages of any process of
/// the service (`NotifyAccess=all`). So the successor must not send `STOPPING=1`.
#[test]
fn successor_that_stops_before_it_is_ready_does_not_stop_the_service() {
    let mut manager = Manager::path();
    let test = "successor_that_stops_before_it_is_ready_does_not_stop_the_service";
    let role = "DEADSTOP_TEST_ROLE";
    let service = start(test, &manager, || {
        let shutdown = install(builder());
        if std::env::var_os(role).is_some() {
            let drains = shutdown.task("drain").on_shutdown(|_| thread::sleep(STOP));
            drains.expect("the shutdown has not begun");
            shutdown.request(Cause::requested("the database is not reachable"));
            shutdown.set_ready();
            shutdown.wait_and_exit();
        }
        shutdown.set_ready();
        let program = std::env::current_exe().expect("the test binary has a path");
        let successor = shutdown
            .hand_over(program)
            .args([test, "--exact", "--nocapture", "--test-threads=1"])
            .env(role, "successor")
            .start();
        println!("hand-over: {successor:?}");
        println!("stops: {}", shutdown.is_requested());
        thread::sleep(Duration::from_millis(200));
        shutdown.finish_and_exit();
    });
    manager.hear("READY=1");
    let ended = service.wait();
    ended.assert_status(0);
    ended.assert_says("hand-over: Err(Ended)\nstops: false\n");
    while manager.receive(Duration::from_millis(100)).is_some() {}
    let count = |line: &str| {
        let all = manager.heard.iter().flat_map(|text| text.lines());
        all.filter(|heard| *heard == line).count()
    };
    // Only the old process has sent these messages.
    assert_eq!(count("STOPPING=1"), 1, "{:?}", manager.heard);
    assert_eq!(count("READY=1"), 1, "{:?}", manager.heard);
}

#[test]
fn manager_that_does_not_read_delays_no_call() {
    let manager = Manager::path();
    let test = "manager_that_does_not_read_delays_no_call";
    let service = start_watched(test, &manager, "", || {
        let shutdown = install(builder());
        let _beat = heartbeat(&shutdown, OnStall::Report);
        for _ in 0..100 {
            drop(shutdown.reloading());
            shutdown.set_ready();
            thread::sleep(Duration::from_millis(10));
        }
        let begun = Instant::now();
        let _ = shutdown.finish();
        println!("in time: {}", begun.elapsed() < GRACE / 2);
    });
    service.wait().assert_status(0).assert_says("in time: true");
}

/// The control: a client with a blocking socket waits for the manager.
#[test]
fn manager_that_does_not_read_blocks_a_blocking_client() {
    let manager = Manager::abstract_address();
    let name = manager.variable.trim_start_matches('@');
    let address = SocketAddr::from_abstract_name(name).expect("a short name");
    let client = UnixDatagram::unbound().expect("a socket");
    client
        .connect_addr(&address)
        .expect("the listener accepts connections");
    let limit = Some(Duration::from_secs(1));
    client.set_write_timeout(limit).expect("a length");
    let sent = (0..1_000).take_while(|_| client.send(b"WATCHDOG=1").is_ok());
    let sent = sent.count();
    assert!(sent < 1_000, "the client never blocked");
    println!("blocked after {sent} datagrams");
}
