//! The health server of a process and of its successor at one address.

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

/// The time that the successor takes to be ready, and the old process to end.
const SLOW: Duration = Duration::from_millis(600);

/// The longest wait of the test for the end of the old process.
const PATIENCE: Duration = Duration::from_secs(20);

/// The old process and its successor: the successor is slow to start, the old one to end.
fn replaced(test: &str) {
    let is_successor = std::env::var_os(ROLE).is_some();
    let builder = Shutdown::builder().grace(PATIENCE);
    let shutdown = builder.install().expect("there is no watchdog yet");
    let inherited = deadstop::handover::inherited().expect("the variables are right");
    let listener = match inherited.tcp("health").expect("it is a listener") {
        Some(listener) => listener,
        None => TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port"),
    };
    let copy = listener.try_clone().expect("a descriptor");
    let health = shutdown.health().listener(copy).start().expect("it starts");
    if is_successor {
        thread::sleep(SLOW);
        health.set_ready();
        shutdown.wait_and_exit();
    }
    health.set_ready();
    println!("address {}", listener.local_addr().expect("an address"));
    thread::sleep(SLOW);
    let program = std::env::current_exe().expect("it has a path");
    let successor = shutdown
        .hand_over(program)
        .args([test, "--exact", "--nocapture", "--test-threads=1"])
        .env(ROLE, "successor")
        .listener("health", &listener)
        .start()
        .expect("it is ready");
    println!("successor {}", successor.pid());
    let drains = shutdown.task("drain").phase(Phase::DRAIN);
    let drains = drains.on_shutdown(|_| thread::sleep(SLOW));
    drains.expect("the shutdown has not begun");
    shutdown.request(Cause::requested("a successor took over"));
    shutdown.wait_and_exit();
}

#[test]
#[expect(unsafe_code, reason = "ends a process that the test has started")]
fn probes_see_one_ready_process_while_a_successor_takes_over() {
    let test = "server::hand_over::probes_see_one_ready_process_while_a_successor_takes_over";
    let mut old = victim::start(test, || replaced(test));
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
    // Accepted by the old process, which reads the request after it has begun to stop.
    let mut early = TcpStream::connect(address).expect("it listens");
    let line = old.hear("successor ");
    let successor: i32 = line.rsplit(' ').next().unwrap().parse().unwrap();
    thread::sleep(SLOW / 4);
    let request = b"GET /readyz HTTP/1.1\r\nHost: victim\r\n\r\n";
    early.write_all(request).expect("it is open");
    let mut first = [0; 12];
    early.read_exact(&mut first).expect("it is answered");
    let until = Instant::now() + PATIENCE;
    while old.has_ended().is_none() && Instant::now() < until {
        thread::sleep(Duration::from_millis(5));
    }
    // The successor alone.
    thread::sleep(Duration::from_millis(100));
    over.store(true, Ordering::Relaxed);
    let answers: Vec<_> = clients
        .into_iter()
        .flat_map(|client| client.join().expect("it does not panic"))
        .collect();
    // SAFETY: kill(2) takes two integers.
    unsafe { libc::kill(successor, libc::SIGTERM) };
    assert_eq!(first, *b"HTTP/1.1 200");
    let is_wrong = |answer: &&std::io::Result<(_, u16, _)>| !matches!(answer, Ok((_, 200, _)));
    let wrong: Vec<_> = answers.iter().filter(is_wrong).collect();
    let (count, all) = (wrong.len(), answers.len());
    assert!(wrong.is_empty(), "{count} of {all}: {:#?}", wrong.first());
    assert!(answers.len() > 60, "{}", answers.len());
}
