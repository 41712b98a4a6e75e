//! The health servers of a process and of its successor, which share an address.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use deadstop::{Cause, Phase, Shutdown};

use super::probe::{address, try_ask};
use crate::victim;

const ROLE: &str = "DEADSTOP_TEST_ROLE";

/// The time after which the successor becomes ready, and the old process ends.
const SLOW: Duration = Duration::from_millis(600);

/// The longest wait of the test for the end of the old process.
const PATIENCE: Duration = Duration::from_secs(20);

/// The scenario of both processes. The successor is ready `ready_after` its start, and the old
/// process is slow to end.
fn run_old_process_and_successor(test: &str, ready_after: Duration) {
    let is_successor = std::env::var_os(ROLE).is_some();
    let builder = Shutdown::builder().grace(PATIENCE);
    let shutdown = builder.install().expect("no watchdog is installed");
    let inherited = deadstop::handover::inherited().expect("the variables are valid");
    let listener = match inherited
        .tcp("health")
        .expect("the descriptor is a listener")
    {
        Some(listener) => listener,
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"),
    };
    let copy = listener.try_clone().expect("a descriptor");
    let health = shutdown
        .health()
        .listener(copy)
        .start()
        .expect("it can be started");
    if is_successor {
        println!("begins {}", std::process::id());
        thread::sleep(ready_after);
        health.set_ready();
        shutdown.wait_and_exit();
    }
    health.set_ready();
    println!("address {}", listener.local_addr().expect("an address"));
    thread::sleep(SLOW);
    let program = std::env::current_exe().expect("the test binary has a path");
    let successor = shutdown
        .hand_over(program)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, "successor")
        .listener("health", &listener)
        .start()
        .expect("the successor becomes ready");
    println!("successor {}", successor.pid());
    let drains = shutdown.task("drain").phase(Phase::DRAIN);
    let drains = drains.on_shutdown(|_| thread::sleep(SLOW));
    drains.expect("the shutdown has not begun");
    shutdown.request(Cause::requested("a successor took over"));
    shutdown.wait_and_exit();
}

#[expect(unsafe_code, reason = "ends a process that the test has started")]
fn kill(process: i32, signal: i32) {
    // SAFETY: kill(2) takes two integers.
    unsafe { libc::kill(process, signal) };
}

/// Returns the process id at the end of a line.
fn process_id(line: &str) -> i32 {
    let id = line.rsplit(' ').next().and_then(|id| id.parse().ok());
    id.expect("the line ends with a process id")
}

#[test]
fn successor_answers_before_it_is_ready_if_the_old_process_is_killed() {
    let test = "server::hand_over::\
                successor_answers_before_it_is_ready_if_the_old_process_is_killed";
    let mut old = victim::start(test, || run_old_process_and_successor(test, PATIENCE));
    let address = address(&mut old);
    let successor = process_id(&old.hear("begins "));
    old.send(libc::SIGKILL);
    let answers = ["/livez", "/startupz"].map(|path| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: victim\r\n\r\n");
        try_ask(address, &request).map(|answer| answer.status).ok()
    });
    kill(successor, libc::SIGKILL);
    assert_eq!(answers, [Some(200), Some(503)]);
}

#[test]
fn probes_see_one_ready_process_while_a_successor_takes_over() {
    let test = "server::hand_over::probes_see_one_ready_process_while_a_successor_takes_over";
    let mut old = victim::start(test, || run_old_process_and_successor(test, SLOW));
    let address = address(&mut old);
    let over = Arc::new(AtomicBool::new(false));
    let clients = ["/livez", "/readyz", "/startupz"].map(|path| {
        let over = Arc::clone(&over);
        thread::spawn(move || {
            let mut answers = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let request = format!("GET {path} HTTP/1.1\r\nHost: victim\r\n\r\n");
                let answer = try_ask(address, &request);
                answers.push(answer.map(|it| (path, it.status, it.body)));
                thread::sleep(Duration::from_millis(5));
            }
            answers
        })
    });
    // The old process accepts this connection, and reads the request after it has begun to stop.
    let mut early = TcpStream::connect(address).expect("the listener accepts connections");
    let line = old.hear("successor ");
    let successor = process_id(&line);
    thread::sleep(SLOW / 4);
    let request = b"GET /readyz HTTP/1.1\r\nHost: victim\r\n\r\n";
    early.write_all(request).expect("the connection is open");
    let mut first = [0; 12];
    early.read_exact(&mut first).expect("the server answers");
    let until = Instant::now() + PATIENCE;
    while old.has_ended().is_none() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    // Only the successor answers now.
    thread::sleep(Duration::from_millis(100));
    over.store(true, Ordering::Relaxed);
    let answers: Vec<_> = clients
        .into_iter()
        .flat_map(|client| client.join().expect("the client does not panic"))
        .collect();
    kill(successor, libc::SIGTERM);
    assert_eq!(first, *b"HTTP/1.1 200");
    let is_wrong = |answer: &&std::io::Result<(_, u16, _)>| !matches!(answer, Ok((_, 200, _)));
    let wrong: Vec<_> = answers.iter().filter(is_wrong).collect();
    let (count, all) = (wrong.len(), answers.len());
    assert!(wrong.is_empty(), "{count} of {all}: {:#?}", wrong.first());
    assert!(answers.len() > 60, "{}", answers.len());
}
